"""Builds the deck: every part of the engine from the configuration, as plain values. Starts nothing that lasts.

This is the composition root: it alone knows configuration and all parts at once.
"""

import asyncio
import contextlib
import dataclasses
import logging
import os
from collections.abc import Callable

import msgspec

from orlop import __version__
from orlop.aio.reaper import Reaper
from orlop.config.schema import DEFAULT_POLICY, Config
from orlop.config.schema import Handler as HandlerSection
from orlop.daemon import binaries
from orlop.daemon.shimhandlers import shim_handler
from orlop.engine.checkpoint.criu import Criu
from orlop.engine.cni.builtin.executing import InProcess
from orlop.engine.cni.execution import run_binary
from orlop.engine.cni.network import Network
from orlop.engine.hostports.table import HostPorts
from orlop.engine.images.hosts import RegistryHost
from orlop.engine.images.opening import ImageSettings, Storage, open_images
from orlop.engine.monitor.conmon import Conmon
from orlop.engine.monitor.exits import ExitWatch, mark_oom
from orlop.engine.monitor.liveness import MonitorWatch
from orlop.engine.nri.port import NoPlugins, Plugins
from orlop.engine.oci import apparmor
from orlop.engine.oci.cdi.directory import Directories
from orlop.engine.oci.facts import gather
from orlop.engine.oci.hooks import HookDirectories
from orlop.engine.oci.inputs import HostFacts, SpecSettings
from orlop.engine.oci.runtime import OciRuntime
from orlop.engine.oci.seccomp.kernel import not_run_here
from orlop.engine.oci.seccomp.profile import Profiles
from orlop.engine.sandbox import userns
from orlop.engine.sandbox.cgroup import PodCgroups
from orlop.engine.sandbox.files import PodFiles
from orlop.engine.sandbox.namespaces import Namespaces
from orlop.engine.shim.events import EventsEndpoint
from orlop.engine.shim.shims import Shims
from orlop.engine.state.store_db import StoreDatabase
from orlop.engine.state.table import State
from orlop.engine.stats.facade import Stats
from orlop.linux.cgroups.detection import detect
from orlop.linux.cgroups.moving import ReadyMoves
from orlop.linux.files import ensure_dir
from orlop.model import rlimits
from orlop.model.enums import CgroupDriver
from orlop.model.errors import FailedPrecondition, OrlopError, Unavailable
from orlop.services.deck import Deck, Handler, Settings
from orlop.services.exits import monitor_gone
from orlop.services.nri import Host
from orlop.streaming.server import StreamingServer
from orlop.streaming.tls import TlsContexts, TlsFiles

log = logging.getLogger(__name__)

MOST_PROCESSES = 1 << 22
"""PID_MAX_LIMIT of 64-bit kernels."""


async def build_deck(config: Config) -> Deck:
    """Everything the verbs work with. Raises an OrlopError that says what the node lacks."""
    driver = cgroup_driver(config)
    settings = settings_of(config, driver)
    for directory in (settings.state_dir, settings.root_dir, settings.exit_dir, settings.socket_dir):
        ensure_dir(directory, 0o711)
    conmon, handlers, idmaps = await asyncio.gather(
        _conmon(config), _handlers(config, driver), userns.idmaps_work(settings.root_dir, settings.state_dir)
    )
    hierarchy = detect()
    facts = await apparmor.ensure_loaded(gather(cgroup_version=hierarchy.version), config.container.apparmor_profile)
    warn_of_apparmor(facts, config.container.apparmor_profile)
    if facts.selinux and settings.pause_path:
        pause = binaries.labelled(settings.pause_path, settings.root_dir)
        settings = dataclasses.replace(settings, pause_path=pause)
    storage = open_storage(config)
    reaper = Reaper.current()

    async def gone(container_id: str) -> None:
        await monitor_gone(deck, container_id)

    deck = Deck(
        settings=settings,
        facts=facts,
        seccomp=Profiles(
            default_file=config.container.seccomp_profile,
            unset=config.container.seccomp_unset,
            not_run_here=await not_run_here(),
        ),
        cdi=Directories(config.container.cdi_dirs),
        hooks=HookDirectories(config.container.hooks_dirs),
        handlers=handlers,
        idmaps=idmaps,
        state=State(f"{settings.state_dir}/state.db"),
        images=storage.images,
        roots=storage.roots,
        hierarchy=hierarchy,
        moves=ReadyMoves(hierarchy.own_procs),
        cgroups=PodCgroups(
            hierarchy, driver, state_dir=settings.state_dir, default_parent=config.cgroup.default_parent
        ),
        namespaces=Namespaces(settings.state_dir, default_sysctls=config.container.default_sysctls),
        files=PodFiles(settings.state_dir, shm_size=config.container.shm_size),
        network=_network(config),
        host_ports=HostPorts(f"{settings.state_dir}/host-ports", on=config.network.host_ports == "own"),
        stats=Stats(hierarchy),
        conmon=conmon,
        shims=Shims(EventsEndpoint(f"{settings.state_dir}/shims.sock", lambda each: mark_oom(settings.bundle(each)))),
        exit_watch=ExitWatch(settings.exit_dir, settings.bundle),
        monitor_watch=MonitorWatch(reaper, gone),
        reaper=reaper,
        criu=Criu(binaries.find("criu", config.checkpoint.criu)),
        plugins=_plugins(config, facts, lambda: deck),
        streams=streaming_server(config),
    )
    return deck


def _plugins(config: Config, facts: HostFacts, deck: Callable[[], Deck]) -> Plugins:
    if not config.nri.enabled:
        return NoPlugins()
    # Late: a node without NRI does not pay for its messages.
    from orlop.engine.nri.nri import Nri
    from orlop.engine.nri.registry import NriSettings

    settings = NriSettings(
        socket=config.nri.socket,
        plugin_dir=config.nri.plugin_dir,
        config_dir=config.nri.config_dir,
        registration_timeout=config.nri.registration_timeout,
        request_timeout=config.nri.request_timeout,
        runtime_version=__version__,
        swap=facts.swap_accounting,
    )
    return Nri(settings, Host(deck))


def streaming_server(config: Config) -> StreamingServer:
    """The server of exec, attach and port-forward. A certificate that cannot be used is told now, but stops nobody."""
    section = config.streaming
    tls = None
    if section.tls.cert_file:
        tls = TlsContexts(
            TlsFiles(
                cert=section.tls.cert_file,
                key=section.tls.key_file,
                client_ca=section.tls.client_ca_file,
                min_version=section.tls.min_version,
            )
        )
        with contextlib.suppress(Unavailable):  # it is in the log
            tls.current()
    return StreamingServer(section.address, section.port, idle_timeout=section.idle_timeout, tls=tls)


def warn_of_apparmor(facts: HostFacts, profile: str) -> None:
    """Say once that containers run without the default profile, for nothing else tells."""
    if facts.apparmor and profile and profile not in facts.apparmor_profiles:
        log.warning(
            "AppArmor is on, but profile %r (container.apparmor_profile) is not loaded: containers run without one. "
            "Load it with apparmor_parser",
            profile,
        )


def cgroup_driver(config: Config) -> CgroupDriver:
    """The configured driver; auto means systemd where it is PID 1."""
    if config.cgroup.driver == "auto":
        # sd_booted(3) asks for this directory.
        return CgroupDriver.SYSTEMD if os.path.isdir("/run/systemd/system") else CgroupDriver.CGROUPFS
    return CgroupDriver[config.cgroup.driver.upper()]


def pids_limit(configured: int, driver: CgroupDriver) -> int:
    """The limit as the OCI runtime must hear it; -1 says nothing.

    systemd limits a scope for which nothing is said (DefaultTasksMax=), and crun 1.8 fails with -1: there no limit is
    the greatest number of processes that a kernel can have.
    """
    return MOST_PROCESSES if configured < 0 and driver is CgroupDriver.SYSTEMD else configured


def settings_of(config: Config, driver: CgroupDriver) -> Settings:
    """The part of the configuration that verbs need."""
    container = config.container
    return Settings(
        state_dir=config.daemon.state_dir,
        root_dir=config.daemon.root_dir,
        default_handler=config.default_handler,
        cgroup_driver=driver,
        spec=SpecSettings(
            default_capabilities=container.default_capabilities,
            default_env=container.default_env,
            rlimits=tuple(rlimits.parse(text) for text in container.default_ulimits),
            pids_limit=pids_limit(container.pids_limit, driver),
            apparmor_profile=container.apparmor_profile,
        ),
        create_timeout=config.monitor.create_timeout,
        stop_timeout=container.stop_timeout,
        pause_path=binaries.pause(container.pause_path),
        monitor_cgroup=config.cgroup.monitor,
        restore=config.checkpoint.restore,
        shown=msgspec.json.encode(without_secrets(config)).decode(),
    )


def without_secrets(config: Config) -> Config:
    """The configuration as it may be shown."""
    registries = {
        host: msgspec.structs.replace(registry, password="***" if registry.password else "")
        for host, registry in config.registries.items()
    }
    return msgspec.structs.replace(config, registries=registries)


def open_storage(config: Config) -> Storage:
    """The image store, for the daemon and for `orlop image` alike."""
    registries = {
        host: RegistryHost(
            plain_http=registry.plain_http,
            ca_file=registry.ca_file,
            username=registry.username,
            password=registry.password,
        )
        for host, registry in config.registries.items()
    }
    settings = ImageSettings(
        max_concurrent_downloads=config.images.max_concurrent_downloads,
        progress_timeout=config.images.progress_timeout,
        pull_progress_timeout=config.images.pull_progress_timeout,
        packed_layers=config.images.layers == "erofs",
        keep_layers=config.images.keep_layers,
        pinned=(config.images.pause_image, *config.images.pinned),
        registries=registries,
        plain_http_loopback=config.images.plain_http_loopback,
        registries_conf=config.images.registries_conf,
        certificates=config.images.certs_dirs,
        auth_files=config.images.auth_files,
        namespaced_auth=config.images.namespaced_auth_dir,
        policy=config.images.signature_policy,
        policy_required=config.images.signature_policy != DEFAULT_POLICY,
        namespaced_policies=config.images.signature_policy_dir,
        signature_places=config.images.registries_d,
    )
    ensure_dir(config.daemon.root_dir, 0o711)
    database = StoreDatabase(f"{config.daemon.root_dir}/store.db")
    return open_images(
        config.daemon.root_dir, config.daemon.state_dir, settings, images=database.images, layers=database.layers
    )


def _network(config: Config) -> Network:
    section = config.network
    return Network(
        conf_dir=section.conf_dir,
        plugin_dirs=section.plugin_dirs,
        cache_dir=section.cache_dir,
        default_network=section.default_network,
        conf_template=section.conf_template,
        pod_cidr_file=f"{config.daemon.state_dir}/pod-cidr",
        address_annotations=section.address_annotations,
        host_ports=section.host_ports == "plugin",
        add_timeout=section.add_timeout,
        del_timeout=section.del_timeout,
        execute=InProcess() if section.in_process else run_binary,
    )


async def _conmon(config: Config) -> Conmon:
    path = binaries.conmon(config.monitor.path)
    if not path:
        wanted = config.monitor.path or "conmon"
        raise FailedPrecondition(f"{wanted} is not installed: install conmon, or set monitor.path to it")
    conmon = Conmon(path)
    log.debug("%s is conmon %s", path, await conmon.version())
    return conmon


async def _handlers(config: Config, driver: CgroupDriver) -> dict[str, Handler]:
    """The handlers that this node can serve. Others are left out with an error in the log, but never the default."""
    names = list(config.handlers)
    found = await asyncio.gather(
        *(_handler(config, name, section, driver) for name, section in config.handlers.items()), return_exceptions=True
    )
    handlers: dict[str, Handler] = {}
    for name, result in zip(names, found, strict=True):
        if isinstance(result, Handler):
            handlers[name] = result
        elif not isinstance(result, OrlopError) or name == config.default_handler:
            raise result
        else:
            log.error("handler %s is left out: %s", name, result)
    return handlers


async def _handler(config: Config, name: str, section: HandlerSection, driver: CgroupDriver) -> Handler:
    key = f"handlers.{name}"
    program = name if section.type == "oci" else f"containerd-shim-{name}-v2"
    path = binaries.find(program, section.path)
    if not path:
        raise FailedPrecondition(f"{section.path or program} is not installed: install it, or set {key}.path")
    root = section.root or f"{config.daemon.state_dir}/runtimes/{name}"
    ensure_dir(root, 0o711)
    if section.type == "shim":
        return await shim_handler(name, section, path, root, driver)
    runtime = OciRuntime(name=name, path=path, root=root, systemd_cgroup=driver is CgroupDriver.SYSTEMD)
    return Handler(
        name=name,
        path=path,
        root=root,
        systemd_cgroup=runtime.systemd_cgroup,
        features=await runtime.features(),
        privileged_without_host_devices=section.privileged_without_host_devices,
        pod_annotations=section.pod_annotations,
    )
