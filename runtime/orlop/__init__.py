"""orlop: the lowest deck of a Kubernetes node. A CRI runtime; see docs/ARCHITECTURE.md for the order of its layers."""

__version__ = "0.1.0"
