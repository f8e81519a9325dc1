"""Stub."""

from __future__ import annotations

from myopoise.errors import Fault
from myopoise.evidence.sheets import Sheet


def find_faults(sheets: dict[str, Sheet]) -> list[Fault]:
    """Stub."""
    return []
