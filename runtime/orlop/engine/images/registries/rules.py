"""What registries.conf and its drop-ins say together: what a reference means, and where that is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from orlop.engine.images import reference
from orlop.engine.images.reference import Reference
from orlop.engine.images.registries.document import Document, Mirror, Registry
from orlop.model.errors import FailedPrecondition, InvalidArgument


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A repository to ask for an image, in the place of the one that its reference names."""

    reference: Reference
    insecure: bool = False
    """Its certificate is not verified, and plain HTTP is spoken where it does not speak TLS."""
    mirror: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """All files merged. Without any, short names mean Docker Hub and every registry is its own place."""

    search: tuple[str, ...] | None = None
    enforcing: bool = True
    registries: tuple[Registry, ...] = ()
    """Longest prefix first."""
    aliases: dict[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    """The files, for messages."""

    def names(self, text: str) -> tuple[Reference, ...]:
        """What a reference may mean, best first: one meaning, or for a short name one for each registry to search.

        Raises InvalidArgument, also where a short name would be searched in several registries and the mode is
        enforcing: which image it means must not depend on who else has one of that name.
        """
        if not reference.is_short(text):
            return (reference.parse(text),)
        name, rest = _split(text)
        if target := self.aliases.get(name):
            return (reference.parse(target + rest),)
        if self.search is None:
            return (reference.parse(text),)
        if not self.search:
            raise InvalidArgument(f"image reference {text!r} has no registry, and {self._where} searches none: write "
                                  "the whole name, or give it an alias")  # fmt: skip
        if self.enforcing and len(self.search) > 1:
            raise InvalidArgument(
                f"image reference {text!r} has no registry, and {self._where} has short-name-mode enforcing with "
                f"{len(self.search)} registries to search: write the whole name, or give it an alias"
            )
        return tuple(reference.parse(f"{host}/{text}") for host in self.search)

    def endpoints(self, name: Reference) -> tuple[Endpoint, ...]:
        """Where to ask for an image, mirrors first. Raises FailedPrecondition when its registry is blocked."""
        registry = next((each for each in self.registries if _matched(str(name), each.prefix) is not None), None)
        if registry is None:
            return (Endpoint(name),)
        if registry.blocked:
            raise FailedPrecondition(f"registry {registry.prefix} is blocked by {self._where}")
        mirrors = [mirror for mirror in registry.mirror if _serves(mirror, registry, name)]
        found = [Endpoint(_moved(name, registry.prefix, each.location), each.insecure, True) for each in mirrors]
        own = _moved(name, registry.prefix, registry.location) if registry.location else name
        return (*found, Endpoint(own, registry.insecure))

    @property
    def _where(self) -> str:
        return " and ".join(self.sources) or "the configuration"


def merged(documents: Sequence[tuple[str, Document]]) -> Rules:
    """Path and content of each file, in the order in which they are read: what comes later wins."""
    search: tuple[str, ...] | None = None
    mode = "enforcing"
    registries: dict[str, Registry] = {}
    aliases: dict[str, str] = {}
    for _, document in documents:
        here = document.unqualified_search_registries
        search = search if here is None else here
        mode = document.short_name_mode or mode
        registries |= {registry.prefix: registry for registry in document.registry}
        aliases |= document.aliases
    return Rules(
        search=search,
        enforcing=mode == "enforcing",
        registries=tuple(sorted(registries.values(), key=lambda each: len(each.prefix), reverse=True)),
        aliases={name: target for name, target in aliases.items() if target},
        sources=tuple(path for path, _ in documents),
    )


def _split(text: str) -> tuple[str, str]:
    """A short name, and its tag and digest as they were written."""
    name, at, digest = text.partition("@")
    name, colon, tag = name.partition(":")
    return name, colon + tag + at + digest


def _matched(name: str, prefix: str) -> int | None:
    """How much of a reference a prefix covers; None if it is not for it. Whole components only."""
    if prefix.startswith("*."):
        suffix, host = prefix[1:], name.partition("/")[0].partition(":")[0]
        return len(host) if host.endswith(suffix) and host != suffix else None
    if not name.startswith(prefix):
        return None
    return len(prefix) if len(name) == len(prefix) or name[len(prefix)] in "/:@" else None


def _moved(name: Reference, prefix: str, location: str) -> Reference:
    """The reference with the location in place of the prefix."""
    text = location + str(name)[_matched(str(name), prefix) or 0 :]
    moved = reference.parse(text)
    # A host's port may come from the reference; but nothing else may have made another host of it.
    domain = reference.parse(f"{location.partition('/')[0]}/x").domain
    if moved.domain != domain and not moved.domain.startswith(f"{domain}:"):
        raise InvalidArgument(f"registries.conf moves {name} from {prefix} to {location}: {text!r} names no repository")
    return moved


def _serves(mirror: Mirror, registry: Registry, name: Reference) -> bool:
    kind = mirror.pull_from_mirror or ("digest-only" if registry.mirror_by_digest_only else "all")
    return kind == "all" or (kind == "digest-only") == bool(name.digest)
