"""What a run of the scorer did, in the terminal and as JSON: what was fixed, how many of each, what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myopoise.outcomes.patients.tables import counts, with_unknown_items
from myopoise.report.rounding import hundred

if TYPE_CHECKING:
    import polars
    from rich.console import Console

    from myopoise.outcomes.running import Run

__all__ = [
    "classes_json",
    "print_classes",
    "print_refractory",
    "print_run",
    "refractory_json",
    "run_json",
]


def print_run(run: Run, file: str, notes: Sequence[str], figures: Sequence[Path], console: Console) -> None:
    """Draw the summary of a run.

    Parameters
    ----------
    run
        What was done.
    file
        Name of the file of visits.
    notes
        How it was read.
    figures
        Pictures that were drawn.
    console
        Where to draw.
    """
    from rich.text import Text

    tally = run.tally
    console.print(Text(run.plan.definition.title, style="bold"))
    for sentence in (*run.plan.sentences, *notes):
        console.print(Text(f"  {sentence}", style="dim"))
    console.print(
        Text(
            f"{file}: {_many(tally.visits, 'visit')} of {_many(tally.patients, 'patient')}, "
            f"{_many(tally.rows, 'follow-up visit')} judged."
        )
    )
    console.print(_bars("answer", run.answers, console))
    if tally.enzymes and tally.rows:
        held = ", ".join(f"{name} {count:,}" for name, count in tally.enzymes.items() if count)
        console.print(Text(f"Enzyme followed (rows): {held or 'none'}"))
    for line in _remarks(run):
        console.print(Text(line))
    console.print(Text("Written: " + ", ".join(str(path) for path in (*run.paths, *figures))))


def _remarks(run: Run) -> list[str]:
    tally, lines = run.tally, []
    if tally.status["bounded"]:
        lines.append(
            f"{_many(tally.status['bounded'], 'row')} with a missing measure: bounds instead of a score."
        )
    if tally.baseline_only:
        lines.append(f"{_many(tally.baseline_only, 'patient')} without a visit after baseline: no row.")
    if tally.before_baseline:
        lines.append(f"{_many(tally.before_baseline, 'visit')} before the baseline week: not judged.")
    if tally.left_out:
        lines.append(f"{_many(tally.left_out, 'visit')} left out because of {_many(run.log.count, 'fault')}.")
    return lines


def run_json(run: Run, file: str, notes: Sequence[str], figures: Sequence[Path]) -> dict[str, Any]:
    """The summary of a run as one JSON document.

    Parameters
    ----------
    run, file, notes, figures
        As for `print_run`.
    """
    plan, tally = run.plan, run.tally
    published = {row.enzyme: row for row in plan.definition.enzyme_ranges}
    return {
        "file": file,
        "definition": plan.definition.name,
        "title": plan.definition.title,
        "status_of_definition": plan.definition.status,
        "missing": str(plan.missing),
        "vas_unit": plan.vas_unit,
        "enzyme_unit": plan.enzyme_unit,
        "baseline_week": plan.baseline_week,
        "instruments": {domain: list(names) for domain, names in plan.instruments.items()},
        "options": sorted(plan.options),
        "enzyme_ranges": {
            name: {
                "times_uln": float(times),
                "status": published[name].status if published[name].times_uln == times else "set by the user",
            }
            for name, times in plan.enzyme_ranges.items()
        },
        "notes": list(notes),
        "visits": tally.visits,
        "patients": tally.patients,
        "rows": tally.rows,
        "status": dict(tally.status),
        "category": dict(tally.category),
        "enzymes": dict(tally.enzymes),
        "patients_with_baseline_only": tally.baseline_only,
        "visits_before_baseline": tally.before_baseline,
        "visits_left_out": tally.left_out,
        "faults": run.log.count,
        "files": [str(path) for path in (*run.paths, *figures)],
    }


def print_classes(classes: polars.DataFrame, criteria: str, out: Path, console: Console) -> None:
    """Draw how many patients are in each class.

    Parameters
    ----------
    classes
        CLASSES.
    criteria
        Name of the criteria.
    out
        Where they were written.
    console
        Where to draw.
    """
    from rich.text import Text

    console.print(Text(f"{criteria}: {_many(len(classes), 'patient')}", style="bold"))
    console.print(_bars("category", counts(classes, "category", "not settled"), console))
    console.print(_bars("subgroup", counts(classes, "subgroup", "none"), console))
    wide = with_unknown_items(classes)
    if wide:
        console.print(
            Text(
                f"{_many(wide, 'patient')} with unknown items: the category is that of the smallest probability; "
                "see probability_min and probability_max."
            )
        )
    console.print(Text(f"Written: {out}"))


def classes_json(classes: polars.DataFrame, criteria: str, out: Path) -> dict[str, Any]:
    """How many patients are in each class, as one JSON document.

    Parameters
    ----------
    classes, criteria, out
        As for `print_classes`.
    """
    return {
        "criteria": criteria,
        "patients": len(classes),
        "category": counts(classes, "category", "not settled"),
        "subgroup": counts(classes, "subgroup", "none"),
        "with_unknown_items": with_unknown_items(classes),
        "files": [str(out)],
    }


def print_refractory(results: polars.DataFrame, rule: str, out: Path, console: Console) -> None:
    """Draw how many patients meet a rule of refractory disease.

    Parameters
    ----------
    results
        One row a patient: result and what is missing.
    rule
        Name of the rule.
    out
        Where they were written.
    console
        Where to draw.
    """
    from rich.text import Text

    console.print(Text(f"{rule}: {_many(len(results), 'patient')}", style="bold"))
    console.print(_bars("result", counts(results, "result", "unknown"), console))
    console.print(Text(f"Written: {out}"))


def refractory_json(results: polars.DataFrame, rule: str, out: Path) -> dict[str, Any]:
    """How many patients meet a rule, as one JSON document.

    Parameters
    ----------
    results, rule, out
        As for `print_refractory`.
    """
    found = counts(results, "result", "unknown")
    return {"rule": rule, "patients": len(results), "result": found, "files": [str(out)]}


def _bars(heading: str, counts: dict[str, int], console: Console) -> Any:
    """Words, how many of each, and a bar that survives black and white."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(heading)
    table.add_column("n", justify="right")
    table.add_column("%", justify="right")
    table.add_column("")
    total = max(sum(counts.values()), 1)
    for word, count in counts.items():
        table.add_row(word, f"{count:,}", hundred(count / total), "█" * round(40 * count / total))
    return table


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
