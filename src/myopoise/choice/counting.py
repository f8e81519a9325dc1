"""Counts without a model: children, lung and skin, where no control group lets a model earn its keep."""

from __future__ import annotations

from myopoise.choice.options import Counted
from myopoise.evidence.rows import Row, Selection
from myopoise.synthesis.observed import counted_level
from myopoise.vocabulary import Level, treatment_label

__all__ = ["count"]

_LEVEL_WORDS = {
    Level.STABLE: "stable or better",
    Level.MINIMAL: "at least minimally better",
    Level.MODERATE: "at least moderately better",
    Level.MAJOR: "much better or in remission",
}


def count(selection: Selection, topic: str) -> tuple[Counted, ...]:
    """Responders of all studies of each treatment, at the lowest level each study reports.

    Parameters
    ----------
    selection
        Rows of the topic.
    topic
        ``JDM``, ``lung`` or ``skin``.
    """
    groups: dict[tuple[tuple[str, ...], Level], list[Row]] = {}
    for row in selection.rows:
        level = counted_level(row)
        if level is not None:
            groups.setdefault((row.treatments, level), []).append(row)
    found = [_counted(topic, treatments, level, rows) for (treatments, level), rows in groups.items()]
    return tuple(sorted(found, key=lambda c: (-c.patients, c.treatment, c.level)))


def _counted(topic: str, treatments: tuple[str, ...], level: Level, rows: list[Row]) -> Counted:
    shares = [row.counts[level] / row.n for row in rows]
    return Counted(
        topic=topic,
        treatment="+".join(treatments),
        label=" + ".join(treatment_label(t) for t in treatments),
        level=_LEVEL_WORDS[level],
        studies=len({row.study for row in rows}),
        responders=sum(row.counts[level] for row in rows),
        patients=sum(row.n for row in rows),
        lowest=min(shares),
        highest=max(shares),
        study_ids=tuple(dict.fromkeys(row.study for row in rows)),
        randomised_studies=len({row.study for row in rows if row.design.randomised}),
    )
