"""What the types cannot say: values that must fit each other, or the kernel. Reads no file and asks no system."""

import ipaddress
import re
from collections.abc import Iterator

from orlop.config.errors import Problem
from orlop.config.keys import join
from orlop.config.schema import Config, Handler, Registry
from orlop.model import rlimits

# sun_path has 108 bytes and the last one is NUL (unix(7)).
SOCKET_LIMIT = 107
# A RuntimeClass's handler is a DNS label.
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_CAPABILITY = re.compile(r"[A-Z][A-Z_]*")
_SYSCTL = re.compile(r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9*]([-_a-z0-9*]*[a-z0-9*])?)+")
_VARIABLE = re.compile(r"[^=\0]+")
_REGISTRY = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?)(:[0-9]{1,5})?")


def check(config: Config) -> list[Problem]:
    """All problems; none means that the daemon can use it."""
    return [
        *_daemon(config),
        *_cgroup(config),
        *_absolute("network.conf_template", config.network.conf_template),
        *_handlers(config),
        *_container(config),
        *_images(config),
        *_servers(config),
    ]


def _daemon(config: Config) -> Iterator[Problem]:
    daemon = config.daemon
    if len(daemon.socket.encode()) > SOCKET_LIMIT:
        yield Problem("daemon.socket", f"a socket's path may have {SOCKET_LIMIT} bytes, this one has more")
    if daemon.root_dir.rstrip("/") == daemon.state_dir.rstrip("/"):
        yield Problem("daemon.root_dir", "must not be daemon.state_dir, which a reboot empties")
    yield from _absolute("monitor.path", config.monitor.path)


def _cgroup(config: Config) -> Iterator[Problem]:
    driver, parent, monitor = config.cgroup.driver, config.cgroup.default_parent, config.cgroup.monitor
    slice_ = parent.endswith(".slice")
    if driver == "systemd" and parent and not slice_:
        yield Problem("cgroup.default_parent", f"{parent!r}: the systemd driver needs the name of a slice")
    if driver == "cgroupfs" and parent and not parent.startswith("/"):
        yield Problem("cgroup.default_parent", f"{parent!r}: the cgroupfs driver needs a path that begins with /")
    if driver == "auto" and parent and not slice_ and not parent.startswith("/"):
        yield Problem("cgroup.default_parent", f"{parent!r} is neither a path nor the name of a slice")
    if monitor != "pod" and not monitor.startswith("/") and not monitor.endswith(".slice"):
        yield Problem("cgroup.monitor", f'{monitor!r} is neither "pod", a path, nor the name of a slice')


def _handlers(config: Config) -> Iterator[Problem]:
    for name, handler in config.handlers.items():
        yield from _handler(name, handler)
    if not config.handlers:
        yield Problem("handlers", "there must be at least one")
    elif config.default_handler not in config.handlers:
        known = ", ".join(config.handlers)
        yield Problem("default_handler", f"{config.default_handler!r} is not among the handlers: {known}")


def _handler(name: str, handler: Handler) -> Iterator[Problem]:
    key = join("handlers", name)
    if not _LABEL.fullmatch(name):
        yield Problem(key, "a handler's name has lower-case letters, digits and hyphens, as a RuntimeClass demands")
    yield from _absolute(join(key, "path"), handler.path)
    yield from _absolute(join(key, "root"), handler.root)
    yield from _absolute(join(key, "oci_runtime"), handler.oci_runtime)
    yield from _absolute(join(key, "config_path"), handler.config_path)
    if handler.type == "oci":
        for option in ("oci_runtime", "config_path"):
            if getattr(handler, option):
                yield Problem(join(key, option), 'has a meaning only with type = "shim"')
    elif handler.oci_runtime and handler.config_path:
        yield Problem(join(key, "config_path"), "a shim takes either oci_runtime or a configuration file")
    for pattern in handler.pod_annotations:
        if pattern.startswith(("*", "?", "[")):
            hint = f'"{pattern}" would let pods give the runtime any order: name a prefix'
            yield Problem(join(key, "pod_annotations"), hint)


def _container(config: Config) -> Iterator[Problem]:
    container = config.container
    for name in container.default_capabilities:
        if name.startswith("CAP_") or not _CAPABILITY.fullmatch(name):
            yield Problem("container.default_capabilities", f'{name!r}: write capabilities in capitals, without "CAP_"')
    for name in container.default_sysctls:
        if not _SYSCTL.fullmatch(name):
            yield Problem(join("container.default_sysctls", name), "is not the name of a sysctl")
    for name in container.default_env:
        if not _VARIABLE.fullmatch(name):
            yield Problem(join("container.default_env", name), "is not the name of a variable")
    for text in container.default_ulimits:
        try:
            rlimits.parse(text)
        except ValueError as error:
            yield Problem("container.default_ulimits", str(error))
    if container.pids_limit == 0 or container.pids_limit < -1:
        yield Problem("container.pids_limit", "must be -1 for no limit, or at least 1")
    if container.shm_size <= 0:
        yield Problem("container.shm_size", "must be at least 1 byte")
    yield from _absolute("container.seccomp_profile", container.seccomp_profile)
    yield from _absolute("container.pause_path", container.pause_path)


def _images(config: Config) -> Iterator[Problem]:
    for host, registry in config.registries.items():
        yield from _registry(host, registry)
    yield from _absolute("images.registries_conf", config.images.registries_conf)
    yield from _absolute("images.namespaced_auth_dir", config.images.namespaced_auth_dir)
    yield from _absolute("images.signature_policy", config.images.signature_policy)
    yield from _absolute("images.signature_policy_dir", config.images.signature_policy_dir)
    if not config.images.pause_image:
        yield Problem("images.pause_image", "must name an image")


def _registry(host: str, registry: Registry) -> Iterator[Problem]:
    key = join("registries", host)
    if not _REGISTRY.fullmatch(host):
        yield Problem(key, "must be host or host:port, without scheme and path")
    yield from _absolute(join(key, "ca_file"), registry.ca_file)
    if bool(registry.username) != bool(registry.password):
        yield Problem(key, "username and password go together")
    if registry.plain_http and registry.ca_file:
        yield Problem(join(key, "ca_file"), "has no meaning together with plain_http")


def _servers(config: Config) -> Iterator[Problem]:
    tls = config.streaming.tls
    if bool(tls.cert_file) != bool(tls.key_file):
        yield Problem("streaming.tls", "cert_file and key_file go together")
    if tls.client_ca_file and not tls.cert_file:
        yield Problem("streaming.tls.client_ca_file", "has no meaning without cert_file and key_file")
    for name in ("cert_file", "key_file", "client_ca_file"):
        yield from _absolute(f"streaming.tls.{name}", getattr(tls, name))
    try:
        ipaddress.ip_address(config.streaming.address)
    except ValueError:
        yield Problem("streaming.address", f"{config.streaming.address!r} is not an IP address")
    criu = config.checkpoint.criu
    yield from _absolute("checkpoint.criu", criu)
    if criu and criu.rpartition("/")[2] != "criu":
        yield Problem("checkpoint.criu", f"{criu!r} must be named criu: OCI runtimes look for that name")
    socket = config.nri.socket
    yield from _absolute("nri.socket", socket)
    if len(socket.encode()) > SOCKET_LIMIT:
        yield Problem("nri.socket", f"a socket's path may have {SOCKET_LIMIT} bytes, this one has more")
    for key in ("registration_timeout", "request_timeout"):
        if not getattr(config.nri, key):
            yield Problem(f"nri.{key}", "must be more than 0: a plugin that hangs would be waited for without end")
    address = config.metrics.address
    _, colon, port = address.rpartition(":")
    if address and not (colon and port.isdecimal() and int(port) <= 65535):
        yield Problem("metrics.address", f"{address!r} is not host:port")


def _absolute(key: str, path: str) -> Iterator[Problem]:
    if path and not path.startswith("/"):
        yield Problem(key, f"{path!r} must be an absolute path, or empty")
