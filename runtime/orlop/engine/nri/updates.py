"""Updates of containers that plugins ask for in one request, put together: one for each container. Pure."""

from collections.abc import Iterable, Mapping

from orlop.engine.nri import limits
from orlop.engine.nri.owners import Owners
from orlop.engine.nri.port import Eviction, Spec, Update
from orlop.engine.nri.v1.changes_pb2 import ContainerEviction, ContainerUpdate
from orlop.model.errors import InvalidArgument, OrlopError


class Updates:
    """By container: what all plugins together want."""

    def __init__(self, owners: Owners, *, swap: bool, given: Mapping[str, Spec] | None = None) -> None:
        """given: limits that are about to be set anyway."""
        self._owners = owners
        self._swap = swap
        self._wanted: dict[str, Spec] = dict(given or {})
        self._plugins: dict[str, list[str]] = {}
        self._may_fail: dict[str, bool] = {}

    def take(self, updates: Iterable[ContainerUpdate], plugin: str, *, not_for: str | None = None) -> None:
        """Add one plugin's. Raises FailedPrecondition at a conflict, InvalidArgument for a bad one.

        not_for: the container that the request is about, which cannot be updated by its own answer.
        """
        for update in updates:
            container_id = update.container_id
            if container_id == not_for:
                raise InvalidArgument(f"NRI plugin {plugin} updates container {container_id}, which the event is about")
            try:
                limits.claim(self._owners, container_id, update.linux.resources, plugin)
                wanted = limits.merged(self.of(container_id), update.linux.resources, plugin, swap=self._swap)
            except OrlopError:
                if update.ignore_failure:
                    continue
                raise
            self._wanted[container_id] = wanted
            self._plugins.setdefault(container_id, []).append(plugin)
            self._may_fail[container_id] = self._may_fail.get(container_id, True) and update.ignore_failure

    def of(self, container_id: str) -> Spec:
        """What is wanted of a container so far."""
        return self._wanted.get(container_id, {})

    def result(self, *, but: str | None = None) -> tuple[Update, ...]:
        """Everything, but for one container."""
        return tuple(
            Update(
                container_id=container_id,
                resources=self._wanted[container_id],
                plugins=", ".join(plugins),
                ignore_failure=self._may_fail[container_id],
            )
            for container_id, plugins in self._plugins.items()
            if container_id != but
        )

    def messages(self) -> list[ContainerUpdate]:
        """Everything, as validating plugins are told it."""
        told = []
        for update in self.result():
            message = ContainerUpdate(container_id=update.container_id, ignore_failure=update.ignore_failure)
            message.linux.resources.CopyFrom(limits.message(update.resources))
            told.append(message)
        return told


def evictions(messages: Iterable[ContainerEviction], plugin: str) -> tuple[Eviction, ...]:
    """Containers that a plugin wants to be stopped."""
    return tuple(Eviction(container_id=each.container_id, reason=each.reason, plugin=plugin) for each in messages)
