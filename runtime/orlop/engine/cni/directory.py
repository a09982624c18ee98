"""The directory of network configurations: which file is the network. Watching it is in following.py.

Files are taken in name order; .conflist, .conf and .json count. The network is the first one, or the first of the
wanted name. A malformed file is passed over and told about, as CRI-O does. If it was good before, its last good content
stays valid instead: a slip of an editor must not move new pods into another network. Plugins that lie beside a conflist
(dropins.py) are part of it.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field

from orlop.engine.cni import dropins
from orlop.engine.cni.conflist import SIZE_LIMIT, BadConfig, NetworkConfig, parse
from orlop.linux.files import read_bytes

SUFFIXES = (".conflist", ".conf", ".json")


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at the directory."""

    by_path: Mapping[str, NetworkConfig] = field(default_factory=dict)
    """All usable configurations in name order."""
    problems: tuple[str, ...] = ()
    """One sentence for each file that is malformed or unreadable."""
    network: NetworkConfig | None = None
    """The one that new pods are attached to."""
    missing: str = ""
    """Why there is none."""
    places: tuple[str, ...] = ()
    """Directories with more plugins of single networks."""

    def named(self, name: str) -> NetworkConfig | None:
        """The first configuration of a network, whether or not it is the one for new pods."""
        return next((config for config in self.by_path.values() if config.name == name), None)


def scan(directory: str, wanted: str = "", before: Scan | None = None) -> Scan:
    """Read the directory. `before` is the previous look, for last good contents."""
    known = before.by_path if before else {}
    found: dict[str, NetworkConfig] = {}
    problems: list[str] = []
    places: list[str] = []
    for path in _files(directory, problems):
        try:
            found[path] = _read(path, known.get(path), places)
        except FileNotFoundError:
            continue  # removed since the listing
        except (BadConfig, OSError) as error:
            problem = str(error)
            if path in known:
                found[path] = known[path]
                problem += "; its last good content stays in use"
            problems.append(problem)
    network = next((config for config in found.values() if wanted in ("", config.name)), None)
    missing = "" if network else _why_none(directory, wanted, found)
    return Scan(
        by_path=found, problems=tuple(problems), network=network, missing=missing, places=tuple(dict.fromkeys(places))
    )


def _files(directory: str, problems: list[str]) -> list[str]:
    try:
        names = sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        problems.append(f"cannot read {directory}: {error.strerror}")
        return []
    return [f"{directory}/{name}" for name in names if name.endswith(SUFFIXES) and not name.startswith(".")]


def _read(path: str, known: NetworkConfig | None, places: list[str]) -> NetworkConfig:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise BadConfig(f"network configuration {path} is not a regular file")
    data = read_bytes(path, limit=SIZE_LIMIT)
    if place := dropins.place(data, path):
        places.append(place)  # also where what lies there is malformed: it will be mended
        data = dropins.with_those_in(place, data, path)
    # The same content keeps the same value: nothing is asked of the plugins anew.
    return known if known is not None and known.text == data else parse(data, path)


def _why_none(directory: str, wanted: str, found: Mapping[str, NetworkConfig]) -> str:
    if wanted and found:
        names = ", ".join(sorted({config.name for config in found.values()}))
        return f"no network named {wanted!r} (default_network) in {directory}; there are: {names}"
    return f"no usable network configuration in {directory}; it wants a .conflist, .conf or .json file"
