"""The pods' network: attach, detach, check, collect. The facade of this package."""

import logging
import os
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace

from orlop.aio.locks import KeyedLocks
from orlop.aio.threads import offload
from orlop.engine.cni import chain
from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.cache import Entry, ResultCache
from orlop.engine.cni.capabilities import Arguments, arguments_for
from orlop.engine.cni.conflist import CHECK_SINCE, GC_SINCE, BadConfig, NetworkConfig, parse
from orlop.engine.cni.current import CurrentNetwork
from orlop.engine.cni.current import Readiness as Readiness
from orlop.engine.cni.execution import Execute, run_binary
from orlop.engine.cni.failures import CODE_LIMITED, CODE_NOT_AVAILABLE, PluginError, StillAttached
from orlop.engine.cni.gate import Gate
from orlop.engine.cni.plugin import Plugins
from orlop.engine.cni.pod_cidrs import PodCidrs
from orlop.engine.cni.request import request_for
from orlop.engine.cni.result import BadOutput, CniResult, parse_result
from orlop.model.errors import InvalidArgument, OrlopError, ResourceExhausted

log = logging.getLogger(__name__)

_CHECK_LIMIT = 60.0
_GC_LIMIT = 30.0


class Network:
    """One network for all pods of the node that do not use the node's own.

    Calls for one pod follow each other; pods do not wait for each other. What is attached is what the result cache
    says: nothing is remembered here between calls.
    """

    def __init__(
        self,
        *,
        conf_dir: str,
        plugin_dirs: Sequence[str],
        cache_dir: str,
        default_network: str = "",
        conf_template: str = "",
        pod_cidr_file: str = "",
        address_annotations: bool = False,
        host_ports: bool = True,
        add_timeout: float = 300.0,
        del_timeout: float = 60.0,
        environment: Mapping[str, str] | None = None,
        execute: Execute = run_binary,
    ) -> None:
        """`environment` is what plugins get beside CNI_*; by default the daemon's own.

        `conf_template` is filled with the kubelet's pod CIDRs and becomes the network (see pod_cidrs); `pod_cidr_file`
        remembers them. Without `host_ports` plugins are told of none. With `address_annotations` pods may ask for a
        MAC and for IPs (see capabilities).
        """
        self._plugins = Plugins(plugin_dirs, os.environ if environment is None else environment, execute)
        self._current = CurrentNetwork(conf_dir, default_network, self._plugins)
        self._cache = ResultCache(cache_dir)
        self._add_timeout = add_timeout
        self._del_timeout = del_timeout
        self._pod_cidrs = PodCidrs(memory=pod_cidr_file, template=conf_template, conf_dir=conf_dir)
        self._address_annotations = address_annotations
        self._host_ports = host_ports
        self._locks: KeyedLocks[str] = KeyedLocks()
        self._gate = Gate()

    async def start(self) -> None:
        """Read the configuration and follow its changes from now on."""
        await offload(self._pod_cidrs.recall)
        await self._current.start()

    async def answered(self, limit: float) -> None:
        """Until the network's plugins have answered STATUS for the first time, or this many seconds have passed.

        Without a network there is nobody to wait for.
        """
        if self._current.config is not None:
            await self._current.health.answered(limit)

    async def close(self) -> None:
        """Stop following. Plugins that run are not awaited here; their callers do."""
        await self._current.close()

    def readiness(self) -> Readiness:
        """Whether pods can be attached now, and if not, why."""
        told = self._current.readiness()
        if told.ready or not self._pod_cidrs.complaint:
            return told
        return replace(told, message=f"{self._pod_cidrs.complaint}; {told.message}")

    def describe(self) -> dict[str, object]:
        """The network in use, for people: name, file, version and plugins. Empty while there is none."""
        config = self._current.config
        if config is None:
            return {}
        plugins = [plugin.type for plugin in config.plugins]
        return {"name": config.name, "file": config.path, "cniVersion": config.cni_version, "plugins": plugins}

    async def update_pod_cidr(self, pod_cidr: str) -> None:
        """Take the node's pod CIDRs, separated by commas: for the capability "ipRanges" and for the template.

        Raises InvalidArgument for what is no CIDR, FailedPrecondition where the template cannot be used.
        """
        await offload(self._pod_cidrs.take, pod_cidr)

    def _arguments(self, attachment: Attachment) -> Arguments:
        told = attachment if self._host_ports else replace(attachment, port_mappings=())
        return arguments_for(told, self._pod_cidrs.known, addresses=self._address_annotations)

    async def add(self, attachment: Attachment) -> CniResult:
        """Attach a pod. When it fails, everything is detached again; what could not be is on record for `remove`.

        Raises NetworkNotReady, PluginError or PluginTimedOut. A cancelled caller must call `remove`.
        """
        async with self._locks(attachment.pod_id), self._gate.together():
            config = self._current.require()
            request = request_for(attachment, self._arguments(attachment))
            if self._host_ports:
                self._warn_about_host_ports(config, attachment)
            entry = Entry(network=config.name, request=request, config=config.text)
            # Before the first plugin runs: a crash from here on still leads to a DEL.
            await self._record(entry)
            try:
                result = await chain.add(self._plugins, config, request, self._add_timeout)
                await self._record(entry.with_result(result.raw))
            except OrlopError as error:
                await self._undo_add(entry, config, error)
                raise
            return result

    async def _record(self, entry: Entry) -> None:
        try:
            await offload(self._cache.write, entry)
        except OSError as error:
            path = self._cache.path(entry)
            raise ResourceExhausted(f"cannot write {path}: {error.strerror}; pods get no network without it") from error

    async def _undo_add(self, entry: Entry, config: NetworkConfig, error: OrlopError) -> None:
        if isinstance(error, PluginError) and error.code in (CODE_NOT_AVAILABLE, CODE_LIMITED):
            self._current.health.ask_now()
        try:
            await self._detach(entry, config)
        except StillAttached as left:
            error.add_note(str(left))
            log.warning("after a failed ADD: %s", left)

    @staticmethod
    def _warn_about_host_ports(config: NetworkConfig, attachment: Attachment) -> None:
        """No error: some networks (Cilium) serve host ports without being told by us."""
        wanted = any(mapping.host_port for mapping in attachment.port_mappings)
        if wanted and not any("portMappings" in plugin.capabilities for plugin in config.plugins):
            log.warning(
                "pod %s has host ports, but no plugin of network %r has the capability portMappings",
                attachment.pod,
                config.name,
            )

    async def remove(self, attachment: Attachment) -> None:
        """Detach a pod, with the configuration it was attached by, also when that or its namespace has gone.

        Never attached, or detached already, is fine. Raises StillAttached when a plugin failed: call it again later.
        """
        async with self._locks(attachment.pod_id), self._gate.together():
            entries = await offload(self._cache.find, attachment.pod_id, attachment.ifname)
            if not entries:
                await self._remove_unrecorded(attachment)
            for entry in entries:
                await self._detach(entry, await self._config_of(entry))

    async def _remove_unrecorded(self, attachment: Attachment) -> None:
        """The cache was wiped, or the pod never had a network. Where its namespace still is, one DEL makes sure."""
        if not _is_namespace(attachment.netns):
            return
        try:
            config = self._current.require()
        except OrlopError:
            return  # nothing to do it by, and nothing says that it is needed
        request = request_for(attachment, self._arguments(attachment))
        await self._detach(Entry(network=config.name, request=request, config=config.text), config)

    async def _config_of(self, entry: Entry) -> NetworkConfig:
        """The configuration that an attachment was made by; where its record is damaged, the network's present one."""
        try:
            return await self._current.versions.settle(parse(entry.config, self._cache.path(entry)))
        except BadConfig as error:
            config = self._current.named(entry.network)
            if config is None:
                message = (
                    f"pod {entry.request.pod} cannot be detached from network {entry.network!r}: its record "
                    f"{self._cache.path(entry)} is damaged and no such network is configured. Configure the network, "
                    "or delete the record if nothing of the pod is left"
                )
                raise StillAttached(message, pod_id=entry.request.pod_id, errors=(error,)) from error
            return config

    async def _detach(self, entry: Entry, config: NetworkConfig) -> None:
        request = entry.request
        if not _is_namespace(request.netns):
            request = replace(request, netns="")  # the specification's way to say that it has gone
        errors = await chain.delete(self._plugins, config, request, entry.result, self._del_timeout)
        if errors:
            message = f"pod {request.pod} is not fully detached from its network: " + "; ".join(map(str, errors))
            raise StillAttached(message, pod_id=request.pod_id, errors=tuple(errors)) from errors[0]
        await offload(self._cache.drop, entry)

    async def check(self, attachment: Attachment) -> bool:
        """Ask the plugins whether the attachment is as it was made. Raises PluginError with what they miss.

        Nothing is asked, and the answer False, where the network is older than CNI 0.4.0, or forbids it, or ADD's
        result is not on record.
        """
        asked = False
        async with self._locks(attachment.pod_id), self._gate.together():
            for entry in await offload(self._cache.find, attachment.pod_id, attachment.ifname):
                config = await self._config_of(entry)
                if entry.result is not None and config.at_least(CHECK_SINCE) and not config.disable_check:
                    await chain.check(self._plugins, config, entry.request, entry.result, _CHECK_LIMIT)
                    asked = True
        return asked

    async def gc(self, valid: Iterable[Attachment]) -> None:
        """Let plugins free what belongs to no valid attachment (CNI 1.1). Nothing happens where they cannot.

        Other runtimes' attachments in the cache, and ours that still await a DEL, stay valid. Raises PluginError.
        """
        ours = {(attachment.pod_id, attachment.ifname) for attachment in valid}
        async with self._gate.alone():
            config = self._current.require()
            if not config.at_least(GC_SINCE) or config.disable_gc:
                return
            recorded = await offload(self._cache.all)
            kept = {(entry.request.pod_id, entry.request.ifname) for entry in recorded if entry.network == config.name}
            errors = await chain.gc(self._plugins, config, ours | kept, _GC_LIMIT)
        if errors:
            raise errors[0]

    async def orphans(self, known: Callable[[], Container[str]]) -> list[Attachment]:
        """Our attachments on record whose pod id is not known, as `remove` wants them: after a crash or a reboot.

        `known` is asked after the records have been read, so that a pod that has just begun is not taken for an orphan:
        pods come on the daemon's record before they come on ours.
        """
        entries = await offload(self._cache.all)
        ids = known()
        owed = (_attachment_of(entry) for entry in entries if entry.ours and entry.request.pod_id not in ids)
        return [attachment for attachment in owed if attachment is not None]

    async def cached_result(self, attachment: Attachment) -> CniResult | None:
        """The result of the last ADD, from the cache; None when there is none."""
        for entry in await offload(self._cache.find, attachment.pod_id, attachment.ifname):
            if entry.result is not None:
                try:
                    return parse_result(entry.result)
                except BadOutput as error:
                    log.warning("CNI result cache: %s: %s", self._cache.path(entry), error)
        return None


def _is_namespace(path: str) -> bool:
    """Whether a path is a pinned namespace and not the empty file that an unmount or a reboot leaves."""
    try:
        return bool(path) and os.stat(path).st_dev == os.stat("/proc/self/ns/net").st_dev
    except OSError:
        return False


def _attachment_of(entry: Entry) -> Attachment | None:
    """None for a record with names that no pod of ours can have: one edited file must not hide the others."""
    request = entry.request
    named = dict(request.args)
    try:
        return Attachment(
            pod_id=request.pod_id,
            namespace=named.get("K8S_POD_NAMESPACE", ""),
            name=named.get("K8S_POD_NAME", ""),
            uid=named.get("K8S_POD_UID", ""),
            netns=request.netns,
            ifname=request.ifname,
        )
    except InvalidArgument as error:
        log.warning("CNI result cache: %s is not used: %s", entry.file_name, error)
        return None
