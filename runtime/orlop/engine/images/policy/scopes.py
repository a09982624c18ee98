"""Which of a policy's requirements hold for an image of a registry (containers-policy.json(5), "docker:"). Pure."""

from orlop.engine.images.policy.document import Policy, Requirements
from orlop.engine.images.reference import Reference

TRANSPORT = "docker"


def requirements_for(policy: Policy, name: Reference) -> Requirements:
    """Those of the most special scope: reference, repository, its parents, host, wildcards; then the defaults."""
    scopes = policy.transports.get(TRANSPORT, {})
    for scope in (*scopes_of(name), ""):
        if scope in scopes:
            return scopes[scope]
    return policy.default


def scopes_of(name: Reference) -> list[str]:
    """All scopes that fit a reference, most special first. With tag and digest it is the digest that is asked for."""
    parts = name.repository.split("/")
    exact = f"{name.repository}@{name.digest}" if name.digest else str(name)
    parents = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    labels = name.domain.partition(":")[0].split(".")
    wildcards = [f"*.{'.'.join(labels[start:])}" for start in range(1, len(labels))]
    return [exact, *parents, *wildcards]
