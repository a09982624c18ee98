"""Who owns the pod network: one conflist is used, what else lies there is told; plugins' places are root's alone."""

import os
import stat
from collections.abc import Iterator, Sequence

import msgspec

from orlop.engine.cni.conflist import NetworkConfig, PluginConfig
from orlop.engine.cni.directory import scan
from orlop.verify.preflight import addresses
from orlop.verify.preflight.finding import Finding, missing, ok, warning

ASIDE, CILIUM = ".aside", ".cilium_bak"
"""Endings that the role cni_network gives to conflists of others, and that Cilium gives (its chart's cni.exclusive)."""
_DELEGATES = {"flannel": ("bridge", "host-local")}
"""Plugins that others run by themselves, beside their IPAM plugin."""


def look(conf_dir: str, default_network: str, plugin_dirs: Sequence[str]) -> Iterator[Finding]:
    """The directory of conflists, the chain's plugins with those that they run, and who may change them."""
    found = scan(conf_dir, default_network)
    for problem in found.problems:
        yield warning("conflists", problem, "mend it, or take it out of the directory")
    if found.network is not None:
        others = [path for path in found.by_path if path != found.network.path]
        yield _owner(found.network, others)
        yield from _plugins(found.network, plugin_dirs)
        yield from addresses.look(found.network)
    yield from _aside(conf_dir, found.network)
    for directory in (conf_dir, *found.places, *plugin_dirs):
        yield from _place(directory)


def _owner(network: NetworkConfig, others: Sequence[str]) -> Finding:
    used = f"{network.path} (network {network.name}) is used"
    if not others:
        return ok("conflists", used)
    names = ", ".join(map(os.path.basename, others))
    detail = f"{used}; {names} would be if it went, and pods would silently move there"
    return warning("conflists", detail, f"move what is not wanted out of {os.path.dirname(network.path)}")


def _aside(conf_dir: str, network: NetworkConfig | None) -> Iterator[Finding]:
    """Conflists that were renamed: by the roles, which say so in the name, or by Cilium's agent, which is exclusive."""
    try:
        names = sorted(os.listdir(conf_dir))
    except OSError:
        return
    if ours := [name for name in names if name.endswith(ASIDE)]:
        yield ok("conflists aside", f"{', '.join(ours)}: moved aside on purpose, not used")
    if not (cilium := [name for name in names if name.endswith(CILIUM)]):
        return
    told = f"{', '.join(cilium)}: renamed by Cilium's agent, not used"
    if network is not None and any(plugin.type == "cilium-cni" for plugin in network.plugins):
        yield ok("conflists aside", told)
    else:
        remedy = f"Cilium's is not the network here: rename what is wanted back, without {CILIUM}"
        yield warning("conflists aside", told, remedy)


def _plugins(network: NetworkConfig, plugin_dirs: Sequence[str]) -> Iterator[Finding]:
    wanted = dict.fromkeys(kind for plugin in network.plugins for kind in _run_by(plugin))
    absent = [kind for kind in wanted if not any(os.access(f"{place}/{kind}", os.X_OK) for place in plugin_dirs)]
    places = ", ".join(plugin_dirs)
    if absent:
        remedy = f"install them into {plugin_dirs[0] if plugin_dirs else '/opt/cni/bin'}"
        yield missing("CNI plugins", f"{', '.join(absent)}: in none of {places}", remedy)
    else:
        yield ok("CNI plugins", ", ".join(wanted))


def _run_by(plugin: PluginConfig) -> tuple[str, ...]:
    """The plugin itself, its IPAM plugin, and what it delegates to."""
    try:
        ipam = msgspec.json.decode(plugin.raw.get("ipam", msgspec.Raw(b"{}")), type=dict[str, msgspec.Raw])
        kind = msgspec.json.decode(ipam["type"], type=str) if "type" in ipam else ""
    except msgspec.DecodeError:
        kind = ""  # the plugin will complain of it in its own words
    return (plugin.type, *((kind,) if kind else ()), *_DELEGATES.get(plugin.type, ()))


def _place(directory: str) -> Iterator[Finding]:
    """Whoever can write there runs programs as root."""
    try:
        info = os.stat(directory)
    except OSError:
        return  # what is missing because of that is told elsewhere
    if info.st_uid != 0 or stat.S_IMODE(info.st_mode) & 0o022:
        detail = f"{directory} belongs to uid {info.st_uid}, mode {stat.S_IMODE(info.st_mode):04o}"
        yield warning(
            "CNI directory", f"{detail}: others than root can change what root runs", f"chown root:root {directory}; "
            f"chmod 0755 {directory}",
        )  # fmt: skip
