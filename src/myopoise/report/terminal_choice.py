"""A choice in the terminal: the sentence, the options, the refusals, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from myopoise.choice.deciding import NO_EVIDENCE
from myopoise.choice.options import Comparison
from myopoise.report.rounding import chance, hundred, signed_hundred
from myopoise.report.sentences import TIERS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["print_choice"]

Part = Mapping[str, Any]

_CHANGES, _QUESTIONS, _HARMS = 8, 5, 3
"""Lines shown of each; all of them stand in the JSON document."""


def print_choice(document: Part, console: Console) -> None:
    """Draw a choice.

    Parameters
    ----------
    document
        What `choice_document` made.
    console
        Where to draw.
    """
    from rich.text import Text

    def say(words: str, style: str = "") -> None:
        console.print(Text(words, style=style))

    say(document["question"], "bold")
    say(f"Verdict: {document['verdict']}.", "bold")
    say(document["sentence"])
    say(document["advice"])
    for caveat in document["caveats"]:
        say(f"Note: {caveat}")
    for comparison in Comparison:
        options = [o for o in document["options"] if o["comparison"] == comparison.value]
        if options:
            say("")
            say(TIERS[comparison], "bold")
            console.print(
                _options(options, document["level"], randomised=comparison is Comparison.RANDOMISED)
            )
    if document["counted"]:
        say("")
        console.print(_counted(document["counted"]))
    if document["what_would_change_it"]:
        say("")
        say("What would change it", "bold")
        for change in document["what_would_change_it"][:_CHANGES]:
            say(f"  {change['sentence']}")
    _say_information(document, say)
    _say_harms(document, say)
    _say_refused(document, say)
    say("")
    say(_EXPLANATION if document["options"] else _COUNTS_ONLY, "dim")
    say(document["footer"], "italic")


def _options(options: Sequence[Part], level: str, *, randomised: bool) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0), pad_edge=False, show_edge=False)
    table.add_column("option", width=20)
    table.add_column("studies\n(rand.)", justify="right", width=8)
    table.add_column("minimal\nin 100", justify="right", width=12)
    table.add_column("mod.", justify="right", width=5)
    table.add_column("major", justify="right", width=6)
    table.add_column(f"difference\n({level})", justify="right", width=18)
    if randomised:
        table.add_column("better", justify="right", width=7)
        table.add_column("loss", justify="right", width=5)
    table.add_column("certainty", width=10)
    table.add_column("group", width=18)
    for option in options:
        response = option["response"]
        minimal, versus = response["minimal"], option["versus_background"]
        gain = versus["risk_difference"]
        cells = [
            escape(option["name"]),
            f"{option['studies']} ({option['randomised_studies']})",
            f"{hundred(minimal['q50'])} ({hundred(minimal['q2_5'])}–{hundred(minimal['q97_5'])})",
            hundred(response["moderate"]["q50"]),
            hundred(response["major"]["q50"]),
            f"{signed_hundred(gain['q50'])} ({signed_hundred(gain['q2_5'])} to {signed_hundred(gain['q97_5'])})",
        ]
        if randomised:
            better, loss = versus["probability_better"], option["expected_loss"]
            cells += ["–" if better is None else chance(better), hundred(loss["mean"]) if loss else "–"]
        table.add_row(*cells, option["certainty"]["grade"], option["group"])
    return table


def _counted(rows: Sequence[Part]) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    for heading in ("treatment", "counted as", "responders", "studies (rand.)", "lowest to highest in 100"):
        table.add_column(heading)
    for row in rows:
        table.add_row(
            escape(row["name"]),
            row["level"],
            f"{row['responders']} of {row['patients']}",
            f"{row['studies']} ({row['randomised_studies']})",
            f"{hundred(row['lowest'])} to {hundred(row['highest'])}",
        )
    return table


def _say_information(document: Part, say: Any) -> None:
    found = document["value_of_information"]
    if found is None:
        return
    say("")
    say("What it would be worth to know (more responders in 100 patients treated)", "bold")
    weights = ", ".join(f"{name} {weight:g}" for name, weight in found["weights"].items())
    say(f"  everything: {_worth(found['everything'])}; weights: {weights}")
    for value in found["questions"][:_QUESTIONS]:
        say(f"  {value['question']}: {_worth(value)}")


def _say_harms(document: Part, say: Any) -> None:
    """What was counted of harm for the first options; the others stand in the JSON document."""
    shown = [option for option in document["options"] if option["harms"]][:_HARMS]
    if not shown:
        return
    say("")
    say("Harm that was counted (not reported is not zero; the other options with --json)", "bold")
    for option in shown:
        say(f"  {option['name']}: {_harms_words(option['harms'])}")
        for note in option["notes"]:
            say(f"    {note}")


def _harms_words(harms: Sequence[Part]) -> str:
    """Counts in one line; where each stands, and what was not added, is in the JSON document."""
    said = []
    for harm in harms:
        if not harm["reported"]:
            aside = ", ".join(harm["studies_not_added"])
            said.append(f"{harm['kind']} {f'not added ({aside})' if aside else 'not reported'}")
            continue
        against = (
            f" (background {harm['control_events']} of {harm['control_patients']})"
            if harm["control_patients"]
            else ""
        )
        said.append(f"{harm['kind']} {harm['events']} of {harm['patients']}{against}")
    return "; ".join(said)


def _say_refused(document: Part, say: Any) -> None:
    """What this group may not have, with the reason, and what nobody can say anything of."""
    refused = [r for r in document["refused"] if not r["reason"].startswith(NO_EVIDENCE)]
    if refused:
        say("")
        say("Refused for this group", "bold")
        for entry in refused:
            say(f"  {entry['name']}: {entry['reason']}")
    missing = [r["name"] for r in document["refused"] if r["reason"].startswith(NO_EVIDENCE)]
    if missing:
        say("")
        say("No evidence of their own, so no number (reasons with --json)", "bold")
        say(f"  {', '.join(missing)}")


def _worth(value: Part) -> str:
    return f"{100 * value['value']:.1f} (se {100 * value['se']:.1f})"


_EXPLANATION = (
    "In 100 patients, median and 95% credible interval. difference: to continued background therapy alone; better: "
    "chance of adding anything; loss: responders lost on average against the best of the options randomised against "
    "background therapy; both only where randomised. The order is that of predicted response, not a recommendation."
)
_COUNTS_ONLY = "Raw counts of uncontrolled groups: they say what was seen, not what a treatment adds."
