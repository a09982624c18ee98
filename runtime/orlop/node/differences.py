"""What a machine has otherwise than its declaration says."""

from typing import Literal

import msgspec

Kind = Literal["file", "sysctl", "module", "unit", "version"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as declared."""

    kind: Kind
    name: str
    """Path, parameter, module, property, or program."""
    declared: str
    found: str
