"""systemd's names for cgroups (systemd.slice(5)): pure text, no I/O."""


def slice_path(name: str) -> str:
    """The cgroup path of a slice: "kubepods-besteffort.slice" is "/kubepods.slice/kubepods-besteffort.slice".

    Each dash is one level; "-.slice" is the root. Raises ValueError for a malformed name.
    """
    stem = name.removesuffix(".slice")
    if name == "-.slice":
        return "/"
    if stem == name or not stem or "/" in stem or any(not part for part in stem.split("-")):
        raise ValueError(f"not the name of a slice: {name!r}")
    parts = stem.split("-")
    return "".join(f"/{'-'.join(parts[: depth + 1])}.slice" for depth in range(len(parts)))


def is_slice(parent: str) -> bool:
    """Whether a cgroup parent, as the kubelet gives it, is a slice name or a path that ends in one (systemd driver)."""
    return parent.rstrip("/").endswith(".slice")


def parent_path(parent: str) -> str:
    """The cgroup path of a parent as the kubelet gives it with either driver.

    Slice name, or path (with or without "/").
    """
    stripped = parent.strip("/")
    if "/" not in stripped and is_slice(stripped):
        return slice_path(stripped)
    return f"/{stripped}"
