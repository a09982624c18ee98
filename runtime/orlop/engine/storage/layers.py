"""`LayerStore`: unpacked layers, each a directory named by its chain id that appears by one rename."""


class LayerStore:
    """The layers of this node: <root_dir>/layers/<hex of chain id>/diff."""

    def path(self, chain_id: str) -> str:
        """The layer's files: a lower directory for overlayfs."""
        raise NotImplementedError
