"""A synthesis as one self-contained page, and its figures as files; everything inline, readable without scripts.

A number of a table is a ``<data>`` element whose value is the unrounded number of the document.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myopoise.files import write_whole
from myopoise.report import rounding
from myopoise.report.synthesis_forests import effects_figure, splits_figure
from myopoise.report.synthesis_funnel import funnel_figure
from myopoise.report.synthesis_network import oval_figure
from myopoise.report.synthesis_ranks import ranks_figure
from myopoise.report.synthesis_terminal import arm_words
from myopoise.report.synthesis_terminal_checks import fit_sentence, heterogeneity_sentence
from myopoise.report.synthesis_words import (
    better,
    effect_digits,
    in_order,
    interval_name,
    missing,
    of,
    plural,
    ratio_name,
    sentence,
    shown,
    standing,
    versus_reference,
)

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["figures", "synthesis_page", "write_figures"]

Part = Mapping[str, Any]

_LARGE_LEAGUE = 15
"""Treatments beyond which cells of a league table carry no interval line break and the type is smaller."""


def synthesis_page(document: Part) -> str:
    """The whole page as HTML.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    drawn = {name: _safe(text) for name, text in figures(document).items()}
    ratio = ratio_name(document)
    return (
        _environment()
        .get_template("synthesis.html.jinja")
        .render(
            document=document,
            figures=drawn,
            order=in_order(document),
            league=_league(document),
            large=len(in_order(document)) > _LARGE_LEAGUE,
            standing=standing(document),
            effects=versus_reference(document),
            digits=effect_digits(document["relative_effects"]),
            what=ratio or document["scale"] or "effect",
            better=better(document),
            interval=interval_name(document),
            heterogeneity=heterogeneity_sentence(document),
            fit=fit_sentence(document["fit"]) if document.get("fit") else "",
            contributions=_contributions(document),
            choices=_choices(document["options"]),
        )
    )


def figures(document: Part) -> dict[str, str]:
    """Every figure that the document has the numbers for, by name, as SVG.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    wanted: dict[str, tuple[Callable[[Part], str], object]] = {
        "network": (oval_figure, document["network"]["nodes"]),
        "effects": (effects_figure, versus_reference(document)),
        "ranks": (ranks_figure, document.get("ranking")),
        "node-splits": (splits_figure, document["node_splits"]),
        "funnel": (funnel_figure, document["funnel"]),
    }
    return {name: draw(document) for name, (draw, there) in wanted.items() if there}


def write_figures(document: Part, folder: Path) -> tuple[Path, ...]:
    """Write every figure, and the league table and contributions as small pages, and give their paths.

    Parameters
    ----------
    document
        The document of a synthesis.
    folder
        Made if it is not there.
    """
    drawn = {f"{name}.svg": f"{text}\n" for name, text in figures(document).items()}
    environment = _environment()
    common = {
        "document": document,
        "order": in_order(document),
        "what": ratio_name(document) or document["scale"] or "effect",
        "better": better(document),
        "interval": interval_name(document),
        "digits": effect_digits(document["relative_effects"]),
        "large": len(in_order(document)) > _LARGE_LEAGUE,
        "league": _league(document),
        "contributions": _contributions(document),
    }
    tables = {"league": document["relative_effects"], "contributions": document.get("contributions")}
    for name, there in tables.items():
        if there:
            template = environment.get_template("synthesis_table.html.jinja")
            drawn[f"{name}.html"] = template.render(table=name, **common)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in drawn.items():
        write_whole(folder / name, text)
    return tuple(folder / name for name in drawn)


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
        "decimals": _decimals,
        "chance": lambda value: _data(value, rounding.chance),
        "p": lambda value: _data(value, rounding.p_value),
        "count": lambda value: _data(value, lambda v: f"{v:,.0f}"),
        "arm": arm_words,
        "plural": plural,
        "sentence": sentence,
        "shade": lambda share: f"{min(100.0, 100.0 * (share or 0.0)):.0f}",
    }
    environment.globals |= {"effect": _effect, "ends": _ends, "of": of, "missing": missing}
    return environment


def _safe(html: str) -> str:
    """Text of our own making, which the templates need not escape."""
    from jinja2.filters import do_mark_safe

    return do_mark_safe(html)


def _data(value: float | None, show: Callable[[float], str]) -> str:
    """A number with its unrounded value behind it; a dash for what cannot be had."""
    if value is None or not math.isfinite(value):
        return "–"
    return _safe(f'<data value="{value!r}">{escape(show(value))}</data>')


def _decimals(value: float | None, digits: int = 2) -> str:
    return _data(value, lambda v: rounding.number(v, digits))


def _effect(row: Part, document: Part, digits: int) -> str:
    """Middle of an effect as the page shows it: a ratio where the scale is the logarithm of one."""
    return _shown(shown(row).middle, document, digits)


def _ends(row: Part, document: Part, digits: int) -> str:
    """Interval of an effect, likewise."""
    found = shown(row)
    if not found.known:
        return "–"
    low, high = (_shown(end, document, digits) for end in (found.low, found.high))
    return _safe(f"{low} to {high}")


def _shown(value: float, document: Part, digits: int) -> str:
    """A number on the scale of the linear predictor behind, and what a reader knows it by in front."""
    if ratio_name(document):
        return _data(value, lambda v: rounding.ratio(math.exp(min(max(v, -700.0), 700.0))))
    return _decimals(value, digits)


def _league(document: Part) -> dict[tuple[str, str], Part]:
    return {(row["treatment"], row["versus"]): row for row in document["relative_effects"]}


_ASKED = {
    "outcome": "Outcome",
    "link": "Link",
    "measure": "Measure",
    "effects": "Effects",
    "reference": "Reference",
    "direction": "Better",
    "covariate": "Covariate",
    "interaction": "Interaction",
    "class_kind": "Classes",
    "inactive": "Inactive component",
    "baselines": "Baselines",
    "tau_estimator": "Estimator of tau",
    "hartung_knapp": "Hartung-Knapp",
    "correction": "Added to studies with a zero cell",
    "contributions": "Contributions by",
    "draws": "Draws asked for",
    "seed": "Seed",
}
"""Options that the page states, and what they are called there."""


def _choices(options: Part) -> list[tuple[str, str]]:
    """Every choice that was made, by the reader or by default."""
    said = [(label, options[name], name) for name, label in _ASKED.items() if options.get(name) is not None]
    why = f", {options['reference_why']}" if options.get("reference_why") else ""
    return [(label, f"{value}{why if name == 'reference' else ''}") for label, value, name in said]


def _contributions(document: Part) -> tuple[list[str], list[tuple[str, list[float]]]]:
    """Direct comparisons, and for each effect against the reference the share of each."""
    rows = [row for row in document.get("contributions") or () if row["versus"] == document["reference"]]
    columns = list(dict.fromkeys(_named(part) for row in rows for part in row["direct"]))
    table = []
    for row in rows:
        shares = {_named(part): of(part, "share") for part in row["direct"]}
        table.append((row["treatment"], [shares.get(column, 0.0) for column in columns]))
    return columns, table


def _named(part: Part) -> str:
    return f"{part['treatment']} v {part['versus']}"
