"""The one list of RPCs that are not built yet. They answer UNIMPLEMENTED by name; a test holds the list true."""

UNBUILT: frozenset[str] = frozenset()
