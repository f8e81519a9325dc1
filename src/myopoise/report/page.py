"""The report as one self-contained page: everything inline, nothing loaded from elsewhere, readable without scripts.

A number on the page is a ``<data>`` element whose value is the unrounded number of the document, so that each can be
found in ``report.json`` and a reader's software need not parse the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from myopoise.choice.certainty import Grade
from myopoise.report import figures, names, plain_words, rounding, sentences
from myopoise.report.backtest_figure import backtest_figure, years_drawn
from myopoise.vocabulary import Reading

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["backtest_page", "page"]

Part = Mapping[str, Any]

_TOPICS = {
    "JDM": "Children: juvenile dermatomyositis",
    "lung": "Lung disease",
    "skin": "Skin",
}
_SIGNS = {Grade.HIGH: "⊕⊕⊕⊕", Grade.MODERATE: "⊕⊕⊕○", Grade.LOW: "⊕⊕○○", Grade.VERY_LOW: "⊕○○○"}


def page(document: Part) -> str:
    """The whole page as HTML.

    Parameters
    ----------
    document
        The document of the report.
    """
    drawn = {answer["group"]: _safe(figures.panels_figure(answer)) for answer in document["answers"]}
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            document=document,
            as_of=document["as_of"],
            answers=[(answer, _tiers(answer)) for answer in document["answers"]],
            unanswered=_unanswered(document["answers"]),
            network=_safe(figures.network_figure(document)),
            forests=[
                (names.treatment_name(code), _safe(figures.forest_figure(document, code)))
                for code in _treatments(document)
            ],
            readings=drawn,
            drives=_drives(document),
            counted=_counted(document["counted"]),
            left_out=_left_out(document["selection"]["set_aside"]),
            studies={study["id"]: study for study in document["studies"]},
            priors=_priors(document["readings"]),
            parameters=_parameters(document["readings"]),
            progress=sentences.progress_line(document),
            supports=sentences.SUPPORTS,
            words=plain_words,
        )
    )


def backtest_page(document: Part) -> str:
    """The page of a backtest as HTML.

    Parameters
    ----------
    document
        What `backtest_document` made.
    """
    drawn = [(year, _safe(backtest_figure(document, year))) for year in years_drawn(document)]
    return _environment().get_template("backtest.html.jinja").render(document=document, figures=drawn)


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("myopoise.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "hundred": lambda value: _data(value, rounding.hundred(value)),
        "signed": lambda value: _data(value, rounding.signed_hundred(value)),
        "chance": lambda value: _data(value, rounding.chance(value)),
        "decimals": _decimals,
        "told": _told,
        "count": lambda value: _data(value, rounding.number(value, 0)),
        "treatment": names.treatment_name,
        "definition": names.definition_name,
        "design": names.design_name,
        "reading": names.reading_name,
        "grouped": lambda codes: ", ".join(names.disease_name(code) for code in codes),
        "sign": lambda grade: _SIGNS[Grade(grade)],
        "topic": lambda topic: _TOPICS.get(topic, topic),
        "plain": lambda name: plain_words.PRIOR_MEANINGS.get(name, name),
    }
    environment.globals |= {
        "strip": _strip,
        "chance_words": sentences.chance_of_benefit,
        "main": Reading.MAIN.value,
    }
    return environment


def _safe(html: str) -> str:
    """Text of our own making, which the templates need not escape."""
    from jinja2.filters import do_mark_safe

    return do_mark_safe(html)


def _data(value: float, shown: str) -> str:
    """A number with its unrounded value behind it."""
    return _safe(f'<data value="{value!r}">{escape(shown)}</data>')


def _decimals(value: float, digits: int = 2) -> str:
    return _data(value, rounding.number(value, digits))


def _strip(found: Part, background: Part, comparison: str) -> str:
    return _safe(figures.strip_figure(found, background, comparison))


def _tiers(answer: Part) -> list[tuple[str, list[Part]]]:
    """The options under the heading of what they were compared with, each in its order."""
    tiers = [
        (heading, [o for o in answer["options"] if o["own"]["comparison"] == comparison.value])
        for comparison, heading in sentences.TIERS.items()
    ]
    return [(heading, options) for heading, options in tiers if options]


def _drives(document: Part) -> list[tuple[str, list[tuple[str, list[Part | None]]]]]:
    """By group of patients: each option with what it adds under each assumption, None where that fit failed."""
    if document["drives"] is None:
        return []
    found = {(t["group"], t["name"], t["assumption"]): t["difference"] for t in document["drives"]["turned"]}
    tables = []
    for group in document["drives"]["changes"]:
        names_here = list(dict.fromkeys(name for code, name, _ in found if code == group["group"]))
        rows = [
            (name, [found.get((group["group"], name, a)) for a in document["drives"]["assumptions"]])
            for name in names_here
        ]
        tables.append((group["label"], rows))
    return tables


def _told(information: Part) -> list[tuple[str, float]]:
    """The studies that tell most of an option, those that give a hundredth or more."""
    ordered = sorted(information.items(), key=lambda entry: (-entry[1], entry[0]))
    return [(study, share) for study, share in ordered if share >= _WORTH_NAMING][:_NAMED]


_WORTH_NAMING, _NAMED = 0.01, 6


def _unanswered(answers: Sequence[Part]) -> list[tuple[str, list[Part]]]:
    """Treatments without evidence of their own; one list where all groups share it."""
    lists: list[tuple[list[str], list[Part]]] = []
    for answer in answers:
        known = next((labels for labels, found in lists if found == answer["no_evidence"]), None)
        if known is None:
            lists.append(([answer["label"]], answer["no_evidence"]))
        else:
            known.append(answer["label"])
    return [(" and ".join(labels), found) for labels, found in lists if found]


def _treatments(document: Part) -> list[str]:
    """Treatments with a forest plot: those of the answers in their order, then those seen in children only."""
    answered = [option["treatment"] for answer in document["answers"] for option in answer["options"]]
    return list(dict.fromkeys([*answered, *sorted({row["treatment"] for row in document["observed"]})]))


def _counted(counted: Sequence[Part]) -> list[tuple[str, list[Part]]]:
    topics = dict.fromkeys(row["topic"] for row in counted)
    return [(topic, [row for row in counted if row["topic"] == topic]) for topic in topics]


def _left_out(set_aside: Sequence[Part]) -> list[tuple[str, list[tuple[Part, str]]]]:
    """Studies left out by reason, the commonest first; what a study reports instead differs by study."""
    reasons: dict[str, list[tuple[Part, str]]] = {}
    for aside in set_aside:
        reason, detail = aside["reason"], ""
        if reason.startswith("tables: "):
            reason = reason.split(": ", 2)[-1]
        if " outcome (" in reason:
            reason, _, endpoints = reason.removesuffix(")").partition(" (")
            detail = ", ".join(code.replace("-", " ") for code in endpoints.split())
        reasons.setdefault(reason, []).append((aside, detail))
    return sorted(reasons.items(), key=lambda entry: (-len(entry[1]), entry[0]))


def _priors(readings: Sequence[Part]) -> list[Part]:
    """Every prior once."""
    return list({prior["name"]: prior for reading in readings for prior in reading["priors"]}.values())


def _parameters(readings: Sequence[Part]) -> list[tuple[str, list[Part | None]]]:
    """Every parameter with its estimate in each reading, None where a reading has no such parameter."""
    tables = [{found["name"]: found for found in reading["parameters"]} for reading in readings]
    every = dict.fromkeys(name for table in tables for name in table)
    return [(name, [table.get(name) for table in tables]) for name in every]
