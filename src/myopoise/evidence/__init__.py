"""The curated studies: every number with its source, what counts and what was set aside, and why."""

from myopoise.evidence.reading import read_evidence
from myopoise.evidence.tables import Evidence

__all__ = ["Evidence", "read_evidence"]
