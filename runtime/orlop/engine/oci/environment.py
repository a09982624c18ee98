"""The container's environment variables: whose value wins, and what is put in where nobody sets it."""

from collections.abc import Iterator

from orlop.engine.oci.inputs import SpecInputs
from orlop.model.errors import InvalidArgument

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(inputs: SpecInputs) -> list[str]:
    """ "KEY=value" entries: our defaults, then the configuration's, the image's and the pod's; a later one replaces.

    config.json is JSON and JSON is Unicode: bytes of a value that are not UTF-8 become U+FFFD, with every OCI runtime.
    """
    variables = {"PATH": DEFAULT_PATH}
    if inputs.config.tty:
        variables["TERM"] = "xterm"
    if hostname := hostname_of(inputs):
        variables["HOSTNAME"] = hostname
    variables |= inputs.settings.default_env
    variables |= dict(_image_variables(inputs.image.env))
    variables |= dict(_pod_variables(inputs))
    # An empty HOME means "not set" to what OCI runtimes and shells do with it.
    variables["HOME"] = variables.get("HOME") or inputs.user.home
    return [f"{key}={value}" for key, value in variables.items()]


def hostname_of(inputs: SpecInputs) -> str:
    """What uname(2) says inside: a pod that asks for no name and has a UTS namespace is called by its id."""
    own = inputs.pod.id[:12] if inputs.pod.namespaces.uts else inputs.facts.hostname
    return inputs.pod.config.hostname or own


def _image_variables(env: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for entry in env:
        key, _, value = entry.partition("=")
        if not key or "\0" in entry:
            raise InvalidArgument(f"the image's Env has a malformed entry: {entry!r}")
        yield key, value


def _pod_variables(inputs: SpecInputs) -> Iterator[tuple[str, str]]:
    for variable in inputs.config.envs:
        if not variable.key or "=" in variable.key or "\0" in variable.key:
            raise InvalidArgument(f"envs has a malformed name: {variable.key!r}")
        if b"\0" in variable.value:
            raise InvalidArgument(f"the value of environment variable {variable.key!r} holds a NUL byte")
        yield variable.key, variable.value.decode(errors="replace")
