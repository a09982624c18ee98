"""Integration tests leave nothing behind."""

from tests.harness.leakcheck import nothing_left, nothing_left_at_the_end

__all__ = ["nothing_left", "nothing_left_at_the_end"]
