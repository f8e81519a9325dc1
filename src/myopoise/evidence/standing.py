"""Where one study stands in the synthesis: the rows it gives, the parts set aside, or why it gives none."""

from __future__ import annotations

from dataclasses import dataclass

from myopoise.evidence.rows import PrintedP, Row, Selection

__all__ = ["Standing", "standing_of"]


@dataclass(frozen=True)
class Standing:
    """What a study contributes.

    Parameters
    ----------
    enters
        One sentence for each group of patients or printed comparison that enters.
    reason_out
        Why it gives nothing; empty when it enters.
    parts_out
        Each part set aside, and why.
    assumptions
        What was assumed or judged in reading it; empty where nothing was.
    """

    enters: tuple[str, ...]
    reason_out: str
    parts_out: tuple[tuple[str, str], ...]
    assumptions: str


def standing_of(selection: Selection, study_id: str) -> Standing:
    """Where a study stands in a selection; a study the selection has not seen has neither rows nor reason."""
    rows = [row for row in selection.rows if row.study == study_id]
    printed = [p for p in selection.printed if p.study == study_id]
    return Standing(
        enters=(*map(_row_sentence, rows), *map(_printed_sentence, printed)),
        reason_out=next((a.reason for a in selection.set_aside if a.study == study_id), ""),
        parts_out=tuple((a.part, a.reason) for a in selection.parts_set_aside if a.study == study_id),
        assumptions=next(
            (note for note in (*(r.note for r in rows), *(p.note for p in printed)) if note), ""
        ),
    )


def _row_sentence(row: Row) -> str:
    found = [f"{count} at least {level}" for level, count in row.counts.items()]
    if row.mean is not None and row.se is not None:
        found.append(
            f"mean score {row.mean:.1f} (se {row.se:.1f}){', shown beside the counts' if found else ''}"
        )
    counts = ", ".join(found)
    mix = ", ".join(f"{group} {share:.0%}" for group, share in row.shares.items())
    assumed = " assumed" if row.shares_assumed else ""
    return f"{row.arm} ({' + '.join(row.treatments)}): {counts}, of {row.n}; {mix}{assumed}"


def _printed_sentence(p: PrintedP) -> str:
    result = "not significant" if p.abs_z is None else f"a P value of |z| {p.abs_z:.2f}"
    arms = f"{' + '.join(p.treatments_1)} ({p.n_1}) against {' + '.join(p.treatments_0)} ({p.n_0})"
    return f"{arms}: only {result} was printed"
