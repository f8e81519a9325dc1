"""What may be said against a synthesis, in the terminal: heterogeneity, inconsistency, fit, priors, warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from myopoise.report.rounding import chance, number, p_value
from myopoise.report.synthesis_words import effect_digits, effect_words, missing, of, plural, shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["fit_sentence", "heterogeneity_sentence", "print_checks"]

Part = Mapping[str, Any]

_LIKELY = 0.05
"""P value below which direct and indirect evidence are marked as differing."""
_LISTED = 24
"""Further parameters that are listed."""
_SHOWN = 3
"""Comparisons that contribute most, and points that fit worst, which are named."""


def print_checks(document: Part, console: Console) -> None:
    """Draw what a reader should weigh before believing the effects.

    Parameters
    ----------
    document
        The document of a synthesis.
    console
        Where to draw.
    """
    from rich.text import Text

    _heading("Heterogeneity: how much studies of one comparison differ", console)
    console.print(Text(heterogeneity_sentence(document)))
    _spreads(document, console)
    _tests(document, console)
    _splits(document, console)
    if document.get("fit"):
        _heading("Fit", console)
        console.print(Text(fit_sentence(document["fit"])))
    _parameters(document, console)
    _contributions(document, console)
    if document.get("priors"):
        _heading("Priors", console)
        for name, words in document["priors"].items():
            console.print(Text(f"  {name}: {words}"))
    warnings = document["diagnostics"]["warnings"]
    if warnings:
        _heading("Warnings", console)
        for warning in warnings:
            console.print(Text(f"  {warning}"))


def heterogeneity_sentence(document: Part) -> str:
    """How much studies differ, and what that means.

    Parameters
    ----------
    document
        The document of a synthesis.
    """
    found = document["heterogeneity"]
    if document["method"] == "bayes":
        if "tau" not in found:
            return "Effects are common: studies of one comparison are taken to share one true effect, and tau is zero."
        tau = found["tau"]
        digits = effect_digits([tau])
        meaning = f": {tau['meaning']}" if "meaning" in tau else ""
        return f"tau {effect_words(tau, digits)}{meaning}."
    if missing(found["tau2"]):
        return "tau² is not estimated: nothing in this network says how much studies differ."
    tau2 = of(found, "tau2")
    share = (
        ""
        if missing(found["i2"])
        else f"; I² {number(100 * of(found, 'i2'), 0)}% of the variation in contrasts"
    )
    se = "" if missing(found["tau2_se"]) else f" (se {number(of(found, 'tau2_se'), 4)})"
    return f"tau² {number(tau2, 4)}{se}, tau {number(tau2**0.5, 3)}{share}."


def fit_sentence(fit: Part) -> str:
    """How well the model describes the data, beside what a model that fits would show.

    Parameters
    ----------
    fit
        Of the document.
    """
    said = (
        f"Residual deviance {number(of(fit, 'residual_deviance'), 1)} for {plural(fit['data_points'], 'data point')} "
        f"(about one each when the model fits); pD {number(of(fit, 'pd'), 1)}, DIC {number(of(fit, 'dic'), 1)}"
    )
    if not missing(fit["looic"]):
        said += f", LOOIC {number(of(fit, 'looic'), 1)} (se {number(of(fit, 'looic_se'), 1)})"
    worst = sorted(fit["by_point"], key=lambda point: -of(point, "residual_deviance"))[:_SHOWN]
    poor = [point for point in worst if of(point, "residual_deviance") > 2.0]
    if poor:
        named = "; ".join(
            f"{point['study']}, {point['treatment']} ({number(of(point, 'residual_deviance'), 1)})"
            for point in poor
        )
        said += f". Described worst: {named}"
    return f"{said}."


def _spreads(document: Part, console: Console) -> None:
    from rich.text import Text

    if document["method"] != "bayes":
        return
    for name, row in document["heterogeneity"].items():
        if name != "tau":
            console.print(Text(f"{name} {effect_words(row, effect_digits([row]))}."))


def _tests(document: Part, console: Console) -> None:
    from rich.text import Text

    found = document["heterogeneity"]
    if document["method"] == "bayes" or "q_total" not in found:
        return
    table = _table("Cochran's Q", "Q", "df", "P")
    names = {
        "total": "total",
        "within": "within designs (heterogeneity)",
        "between": "between designs (inconsistency)",
    }
    for key, words in names.items():
        p = found[f"p_{key}"]
        if missing(found[f"q_{key}"]):
            continue
        shown_p = "–" if missing(p) else p_value(of(found, f"p_{key}"))
        table.add_row(words, number(of(found, f"q_{key}"), 2), str(found[f"df_{key}"]), shown_p)
    console.print(table)
    if found["df_between"] == 0 and not missing(found["q_between"]):
        console.print(
            Text(
                "No design disagrees with another because none can: inconsistency cannot be tested.",
                style="dim",
            )
        )


def _splits(document: Part, console: Console) -> None:
    from rich.markup import escape
    from rich.text import Text

    splits = document["node_splits"]
    if not splits:
        return
    _heading("Direct against indirect evidence", console)
    digits = effect_digits([split["network"] for split in splits])
    table = _table("comparison", "studies", "direct", "indirect", "network", "difference", "P")
    for split in splits:
        p = split["p_value"]
        mark = "" if missing(p) or p >= _LIKELY else " !"
        known = ["direct", "indirect", "network", "difference"]
        table.add_row(
            escape(f"{split['treatment']} v {split['versus']}"),
            str(len(split["studies"])),
            *(effect_words(split[part], digits).replace(" (", "\n(") for part in known),
            ("–" if missing(p) else p_value(p)) + mark,
        )
    console.print(table)
    apart = sum(1 for split in splits if not missing(split["p_value"]) and split["p_value"] < _LIKELY)
    said = f"{plural(apart, 'comparison')} of {len(splits)} with P below 0.05 (marked !)."
    console.print(
        Text(
            f"{said} A large P is no proof of agreement: intervals of the difference say what is possible.",
            style="dim",
        )
    )


def _number(value: float, digits: int) -> str:
    return "–" if missing(value) else number(value, digits)


def _parameters(document: Part, console: Console) -> None:
    from rich.markup import escape
    from rich.text import Text

    parameters = document.get("parameters") or {}
    if not parameters:
        return
    _heading("Other parameters", console)
    bayes = document["method"] == "bayes"
    table = _table("parameter", *(("mean", "sd") if bayes else ("estimate", "se")), "95% interval")
    for name, row in list(parameters.items())[:_LISTED]:
        found = shown(row)
        digits = effect_digits([row])
        ends = f"{number(found.low, digits)} to {number(found.high, digits)}" if found.known else "–"
        table.add_row(escape(name), _number(found.centre, digits), _number(found.spread, digits), ends)
    console.print(table)
    if len(parameters) > _LISTED:
        console.print(Text(f"{len(parameters) - _LISTED} more stand in the JSON document.", style="dim"))


def _contributions(document: Part, console: Console) -> None:
    from rich.text import Text

    rows = [row for row in document.get("contributions") or () if row["versus"] == document["reference"]]
    if not rows:
        return
    _heading("What each effect rests on", console)
    for row in rows:
        most = sorted(
            (part for part in row["direct"] if of(part, "share") > 0), key=lambda p: -of(p, "share")
        )
        named = ", ".join(
            f"{part['treatment']} v {part['versus']} {chance(of(part, 'share'))}" for part in most[:_SHOWN]
        )
        rest = f", {plural(len(most) - _SHOWN, 'other comparison')}" if len(most) > _SHOWN else ""
        console.print(Text(f"  {row['treatment']}: {named}{rest}"))


def _heading(words: str, console: Console) -> None:
    from rich.text import Text

    console.print()
    console.print(Text(words, style="bold underline"))


def _table(*headings: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", overflow="fold")
    return table
