"""Paths resolved inside a root that is not trusted, a container's filesystem for instance (openat2(2) RESOLVE_IN_ROOT).

Symbolic links, absolute ones too, are followed as a process inside the root would follow them; none leads out.
"""


def open_in_root(root: str, path: str, flags: int, mode: int = 0) -> int:
    """openat2(2) with the root as "/"; returns a descriptor. Magic links are refused."""
    raise NotImplementedError


def resolve_in_root(root: str, path: str) -> str:
    """The real path, below root, of something that exists inside root. Valid as long as nobody changes the tree."""
    raise NotImplementedError


def ensure_dir_in_root(root: str, path: str, mode: int = 0o755, *, owner: tuple[int, int] | None = None) -> str:
    """Make a directory and its missing parents inside root; returns its real path. Links on the way are followed inside."""
    raise NotImplementedError


def ensure_file_in_root(root: str, path: str, mode: int = 0o644) -> str:
    """Make an empty file and its missing parents inside root, unless something is there; returns its real path."""
    raise NotImplementedError
