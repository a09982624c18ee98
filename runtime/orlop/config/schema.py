"""The daemon's configuration as types: /etc/orlop/orlop.toml and /etc/orlop/conf.d/*.toml. Reading files is in loader.

Each field's default is here and its meaning in the docstring beneath it; the man page, `orlop config default` and the
node declaration take both from here. Unknown keys are errors.
"""

from typing import Annotated, Literal, dataclass_transform

import msgspec

DEFAULT_POLICY = "/etc/containers/policy.json"

Path = Annotated[str, msgspec.Meta(pattern="^/")]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class Daemon(Section):
    """Where the daemon listens, keeps state, and what it logs."""

    socket: Path = "/run/orlop/orlop.sock"
    """Unix socket that serves the CRI."""
    state_dir: Path = "/run/orlop"
    """Volatile state: must be on a tmpfs, for it describes what a reboot ends."""
    root_dir: Path = "/var/lib/orlop"
    """Images, layers and writable layers."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged."""
    log_format: Literal["text", "json"] = "text"
    """One line per event, for people or for machines."""


class Cgroup(Section):
    """How containers' cgroups are made."""

    driver: Literal["auto", "systemd", "cgroupfs"] = "auto"
    """auto: systemd where it is PID 1, else cgroupfs. The kubelet follows through RuntimeConfig."""
    default_parent: str = ""
    """Parent of pods that name none; empty: "/orlop" (cgroupfs) or "system.slice" (systemd)."""
    monitor: str = "pod"
    """cgroup of conmon: "pod", or a path or slice of its own."""


class Handler(Section):
    """One OCI runtime or shim that a RuntimeClass can name."""

    type: Literal["oci", "shim"] = "oci"
    """oci: a runc-compatible command line. shim: containerd's shim v2 protocol."""
    path: str = ""
    """Binary; empty: the handler's name, for a shim "containerd-shim-<handler>-v2", searched in PATH."""
    root: str = ""
    """The OCI runtime's own state directory; empty: "<state_dir>/runtimes/<handler>"."""
    oci_runtime: str = ""
    """For runc's shim: the OCI runtime that it calls; empty: runc, searched in PATH. Other shims have none."""
    config_path: str = ""
    """For a shim: configuration file of its own (Kata, gVisor), which it is given with each container."""
    rootfs: Literal["path", "bind", "block"] = "path"
    """For a shim: how it gets a container's root. path: mounted, and named in config.json. bind: as a mount to make.
    block: as an ext4 filesystem on a loop device, with a copy of the image."""
    block_size: int = 10 << 30
    """For rootfs = "block": bytes of a container's filesystem; the file behind it takes only what is written."""
    stats: Literal["cgroup", "shim"] = "cgroup"
    """For a shim: who tells what a container uses. cgroup: its cgroup on the node. shim: the shim itself, for
    containers in a virtual machine, of which the node sees no cgroup of their own."""
    pod_annotations: tuple[str, ...] = ()
    """Names of pod annotations that reach the runtime or shim, with * as in file names; none by default, for some
    runtimes take orders from them."""
    privileged_without_host_devices: bool = False
    """Privileged containers get no host devices."""


class Monitor(Section):
    """conmon, the process beside each container."""

    path: str = ""
    """Binary; empty: conmon, searched in PATH and /usr/libexec."""
    create_timeout: Seconds = 240.0
    """Seconds until a container that is not created is given up."""


class Network(Section):
    """CNI."""

    conf_dir: Path = "/etc/cni/net.d"
    """Directory of conflists; the first in name order is the network."""
    plugin_dirs: tuple[Path, ...] = ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni")
    """Searched in this order; one that is not there is passed over. Debian's package has its plugins in the second,
    Fedora's and RHEL's in the third."""
    default_network: str = ""
    """Name of the network to use, if not the first."""
    host_ports: Literal["plugin", "own"] = "plugin"
    """Who serves hostPort. plugin: a plugin of the chain with the capability portMappings, such as portmap, or a
    network that does it by itself. own: the daemon, by an nftables table; no plugin is told of the ports then."""
    conf_template: str = ""
    """Jinja template of a conflist, filled with the kubelet's pod CIDRs and written into conf_dir; empty: none."""
    address_annotations: bool = False
    """Pods may ask for a MAC and IPs by the annotations cni.orlop/mac and cni.orlop/ips: whoever may make pods then
    chooses their addresses."""
    cache_dir: Path = "/var/lib/cni"
    """Results of ADD, in libcni's layout, kept until DEL has worked."""
    add_timeout: Seconds = 300.0
    """Seconds until the plugins of a pod that comes up are killed."""
    del_timeout: Seconds = 60.0
    """Seconds until the plugins of a pod that goes are killed; their DEL is then tried again later."""
    in_process: bool = False
    """Do the work of the reference plugins bridge and host-local, and portmap's where no port is mapped, in the daemon
    where the result is the same: with nftables, IPv4, and plugins of 1.6 or later. Anything else runs as a process."""


class Container(Section):
    """What every container gets."""

    default_capabilities: tuple[str, ...] = (
        "CHOWN",
        "DAC_OVERRIDE",
        "FSETID",
        "FOWNER",
        "SETGID",
        "SETUID",
        "SETPCAP",
        "NET_BIND_SERVICE",
        "KILL",
    )
    """Without "CAP_"."""
    default_sysctls: dict[str, str] = {}
    """For each pod with namespaces of its own; the pod's own sysctls win."""
    default_env: dict[str, str] = {}
    """Environment variables that the image and the pod may override."""
    default_ulimits: tuple[str, ...] = ()
    """Resource limits of each container's processes, "nofile=1024:4096" (soft and hard, -1: none); others are the
    daemon's own."""
    cdi_dirs: tuple[Path, ...] = ("/etc/cdi", "/var/run/cdi")
    """Files that describe CDI devices, read when a container asks for one. A later directory wins."""
    hooks_dirs: tuple[Path, ...] = ("/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d")
    """OCI hooks, oci-hooks(5), read for each container. A file replaces its namesake in an earlier directory."""
    pids_limit: int = -1
    """Processes per container; -1: the pod's cgroup limits them."""
    seccomp_profile: str = ""
    """File that replaces the built-in RuntimeDefault profile."""
    seccomp_unset: Literal["RuntimeDefault", "Unconfined"] = "Unconfined"
    """Profile of containers for which none is asked."""
    apparmor_profile: str = "orlop-default"
    """AppArmor profile meant by RuntimeDefault, used where it is loaded. orlop-default is loaded by the daemon."""
    shm_size: int = 64 << 20
    """Bytes of a pod's /dev/shm."""
    pause_path: str = ""
    """Binary that holds the PID namespace of pods that share one; empty: catatonit, searched in PATH and
    /usr/libexec/podman."""
    stop_timeout: Seconds = 10.0
    """Grace period where a stop names none and must have one."""


class Images(Section):
    """Pulls and the image store."""

    pause_image: str = "registry.k8s.io/pause:3.10.2"
    """Pinned; used only for pods whose handler is a shim or that share a PID namespace."""
    pinned: tuple[str, ...] = ()
    """References that the kubelet must not collect; a trailing or surrounding * matches."""
    layers: Literal["unpacked", "erofs"] = "unpacked"
    """What a pull makes of a layer: a directory tree, or one file, an EROFS image around the layer's tar, which is
    mounted from it. Where the kernel cannot do that (Linux 6.12 with EROFS_FS_BACKED_BY_FILE can, without SELinux) the
    log says so and layers are unpacked. Layers that are here already stay what they are."""
    keep_layers: bool = False
    """Keep layers as the registry sent them beside what is unpacked, so that exported images have the same digests. It
    costs their compressed size."""
    max_concurrent_downloads: Annotated[int, msgspec.Meta(ge=1, le=64)] = 6
    """Blobs fetched at once, over all pulls."""
    progress_timeout: Seconds = 60.0
    """Seconds without a byte until a download is retried; 0: never."""
    pull_progress_timeout: Seconds = 300.0
    """Seconds without a byte of any blob, over all retries, until a pull from a registry is given up and its next
    mirror is asked; 0: never. Time in which it waits for its turn or for the disk does not count."""
    registries_conf: str = "/etc/containers/registries.conf"
    """registries.conf, version 2: mirrors, blocked registries, short names. Files of its drop-in directory (its name
    with ".d") follow it. Read again when they change; none need be there; empty: not read."""
    certs_dirs: tuple[Path, ...] = ("/etc/containers/certs.d", "/etc/docker/certs.d")
    """Certificates of single registries: <directory>/<host[:port]>/{*.crt,*.cert,*.key}."""
    auth_files: tuple[Path, ...] = ("/run/containers/0/auth.json", "/root/.config/containers/auth.json")
    """Credentials of the node, in auth.json's format, for pulls that bring none. Read again when they change."""
    namespaced_auth_dir: str = ""
    """Directory of credentials for the pods of single namespaces: <namespace>.json, or
    <namespace>-<SHA-256 of the image as the pod names it>.json. Empty: there are none."""
    signature_policy: str = DEFAULT_POLICY
    """Which images are let in, in policy.json's format. Read again when it changes. The default one need not be there:
    then every image is; one that is named here must be. Empty: every image is let in."""
    signature_policy_dir: str = ""
    """Directory of policies for the pods of single namespaces, <namespace>.json, in the node's place. Empty: none."""
    registries_d: Path = "/etc/containers/registries.d"
    """Directory that says where the GPG signatures of repositories are."""
    plain_http_loopback: bool = True
    """Registries on 127.0.0.0/8, ::1 and localhost speak plain HTTP, unless they have an entry of their own: such bytes
    never leave the machine, and `orlop verify` needs it. Any other host needs plain_http in its own entry."""


class Registry(Section):
    """What differs for one registry host."""

    plain_http: bool = False
    """Talk HTTP. Never guessed, and never a fallback from HTTPS."""
    ca_file: str = ""
    """Certificates to trust in place of the system's."""
    username: str = ""
    """For pulls that bring no credentials of their own."""
    password: str = ""
    """Goes with username. Files with a password should be readable by root only."""


class StreamingTls(Section):
    """TLS of that server, where both files are given. They are read again when they change."""

    cert_file: str = ""
    """PEM: the server's certificate, then those between it and its authority. The kubelet checks it against the
    machine's authorities; it must name the address."""
    key_file: str = ""
    """PEM, not encrypted."""
    client_ca_file: str = ""
    """Authorities of which a client must bring a certificate. The kubelet brings none: only for other clients."""
    min_version: Literal["1.2", "1.3"] = "1.2"
    """Least version of TLS."""


class Streaming(Section):
    """The server of exec, attach and port-forward."""

    address: str = "127.0.0.1"
    """IP address to listen on; the kubelet, on the same machine, is its only client."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """0: any free one."""
    idle_timeout: Seconds = 14400.0
    """Seconds without a byte until a stream is closed."""
    tls: StreamingTls = StreamingTls()


class Metrics(Section):
    """Prometheus metrics."""

    address: str = ""
    """host:port, or :port for 127.0.0.1; empty: not served. Whoever reaches it may read it."""


class Nri(Section):
    """NRI, the node resource interface: plugins that see containers come and go, and may change them."""

    enabled: bool = False
    """Plugins are as powerful as root: they may change every container."""
    socket: str = "/var/run/nri/nri.sock"
    """Unix socket that plugins connect to; empty: only those of plugin_dir run."""
    plugin_dir: Path = "/opt/nri/plugins"
    """Executables named NN-name are started with the daemon; the number is the order in which plugins are asked."""
    config_dir: Path = "/etc/nri/conf.d"
    """Holds NN-name.conf or name.conf: what a plugin that is started here gets as its configuration."""
    registration_timeout: Seconds = 5.0
    """Seconds that a plugin has to register, and to take in the pods and containers that are there."""
    request_timeout: Seconds = 2.0
    """Seconds that a plugin may take to answer; one that takes longer is let go of."""


class Checkpoint(Section):
    """Checkpoints of containers and pods, and their restoring."""

    criu: str = ""
    """Binary, which must be named criu; empty: searched in PATH."""
    restore: bool = False
    """Whether containers and pods may be made from checkpoints. A checkpoint brings its own user, capabilities and
    seccomp filters, whatever the pod asks for: whoever can name one is as powerful as it."""


class Config(Section):
    """The whole configuration."""

    default_handler: str = "runc"
    """Handler of pods whose RuntimeClass names none."""
    daemon: Daemon = Daemon()
    cgroup: Cgroup = Cgroup()
    handlers: dict[str, Handler] = msgspec.field(default_factory=lambda: {"runc": Handler()})
    """By the name that a RuntimeClass uses. Whoever names one names all: the default list is then gone."""
    monitor: Monitor = Monitor()
    network: Network = Network()
    container: Container = Container()
    images: Images = Images()
    registries: dict[str, Registry] = {}
    """By host[:port]."""
    streaming: Streaming = Streaming()
    metrics: Metrics = Metrics()
    nri: Nri = Nri()
    checkpoint: Checkpoint = Checkpoint()
