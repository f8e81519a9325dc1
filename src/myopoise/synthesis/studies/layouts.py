"""The layouts that are recognised by their columns, each declared once.

A *layout* is a program's way of laying studies out; a *form* is one kind of result in it. A column is looked for by its
name without regard to case, spaces, ``.``, ``_`` and ``-`` (`myopoise.synthesis.studies.sheet.key`), so the names below
are in that form. Sources: the manuals of the programs and the data sets they ship.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from myopoise.errors import BadInput, Fault, WrongUsage
from myopoise.synthesis.studies.sheet import Sheet, key
from myopoise.synthesis.studies.values import Outcome

__all__ = ["LAYOUTS", "Form", "Layout", "Match", "recognise", "thresholds"]

Keys = tuple[str, ...]

_B, _O, _N, _P, _C = Outcome.BINOMIAL, Outcome.ORDERED, Outcome.NORMAL, Outcome.POISSON, Outcome.CONTRAST
_THRESHOLD = re.compile(r"ge(\d+)")
_MOST_ARMS = 30


@dataclass(frozen=True)
class Form:
    """One kind of result in a layout.

    Parameters
    ----------
    outcome
        What was measured.
    shape
        ``long``: a row an arm. ``wide``: a row a study, its columns numbered by arm. ``pair``: a row a study with a
        treatment and a control arm. ``contrast``: a row a contrast. ``baseline``: a row an arm, the baseline arm
        without a contrast.
    columns
        For each role the names its column may have; all must be there.
    """

    outcome: Outcome
    shape: str
    columns: Mapping[str, Keys]


@dataclass(frozen=True)
class Layout:
    """A program's way of laying studies out.

    Parameters
    ----------
    name
        Of the program; ``myopoise`` for our own.
    study
        Names the column of studies may have.
    forms
        The one preferred first, where a file holds several.
    needs_study
        Whether a file without a column of studies is not of this layout; else its rows are numbered.
    mixes
        Whether studies without the first form may be given in the second.
    """

    name: str
    study: Keys
    forms: tuple[Form, ...]
    needs_study: bool = True
    mixes: bool = False


@dataclass(frozen=True)
class Match:
    """How a table was understood.

    Parameters
    ----------
    layout
        Its layout.
    study
        Column of studies, or None.
    forms
        The forms it has, and for each the columns of every arm: role to name.
    """

    layout: Layout
    study: str | None
    forms: tuple[tuple[Form, tuple[Mapping[str, str], ...]], ...] = field(default=())


def _long(outcome: Outcome, treatment: Keys, **columns: Keys) -> Form:
    return Form(outcome, "long", {"treatment": treatment, **columns})


def _pair(outcome: Outcome, **columns: Keys) -> Form:
    return Form(outcome, "pair", columns)


_OURS = ("treatment",)
_TRT = ("trt", "trtc", "treatment", "trtn", "trtclong")
_T = ("t",)
_TREAT = ("treat", "treatment")
_ANY = ("treatment", "treat", "trt", "trtc", "trtn", "t", "drug", "intervention")
_EVENTS = ("r", "event", "events", "responders", "cases", "xi")
_PATIENTS = ("n", "samplesize", "total", "ni")
_NUMBERED = {"treatment": ("treat", "treatment", "t", "trt")}

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "myopoise",
        ("study",),
        (
            Form(_O, "long", {"treatment": _OURS, "n": ("n",), "at_least": ("ge1",)}),
            _long(_P, _OURS, r=("r",), exposure=("exposure",)),
            _long(_B, _OURS, r=("r",), n=("n",)),
            _long(_N, _OURS, mean=("mean", "y"), sd=("sd",), n=("n",)),
            _long(_N, _OURS, mean=("y", "mean"), se=("se",)),
            Form(
                _C,
                "contrast",
                {
                    "one": ("treatment1",),
                    "other": ("treatment2",),
                    "estimate": ("estimate",),
                    "se": ("se",),
                },
            ),
            Form(_C, "baseline", {"treatment": _OURS, "estimate": ("diff",), "se": ("sediff",)}),
            Form(_C, "baseline", {"treatment": _OURS, "estimate": ("y",), "se": ("se",)}),
        ),
        mixes=True,
    ),
    Layout(
        "revman",
        ("study",),
        (
            _long(_B, ("intervention",), r=("cases",), n=("samplesize",)),
            _long(_N, ("intervention",), mean=("mean",), sd=("sd",), n=("samplesize",)),
            Form(
                _C,
                "contrast",
                {
                    "one": ("intervention",),
                    "other": ("referenceintervention",),
                    "estimate": ("mean",),
                    "se": ("se",),
                },
            ),
        ),
    ),
    Layout(
        "cinema",
        ("study", "studlab", "id"),
        (
            Form(
                _C,
                "contrast",
                {"one": ("t1",), "other": ("t2",), "estimate": ("effect",), "se": ("se",)},
            ),
            Form(_B, "long", {"treatment": _T, "r": ("r",), "n": ("n",), "id": ("id",)}),
            Form(
                _N,
                "long",
                {"treatment": _T, "mean": ("mean", "y"), "sd": ("sd",), "n": ("n",), "id": ("id",)},
            ),
        ),
    ),
    Layout(
        "metainsight",
        ("study", "studyid"),
        (
            _long(_B, _T, r=("r",), n=("n",)),
            _long(_N, _T, mean=("mean",), sd=("sd",), n=("n",)),
            Form(_B, "wide", {"treatment": _T, "r": ("r",), "n": ("n",)}),
            Form(_N, "wide", {"treatment": _T, "mean": ("mean",), "sd": ("sd",), "n": ("n",)}),
        ),
    ),
    Layout(
        "netmeta",
        ("studlab", "study", "studyid", "id", "trial", "author"),
        (
            Form(
                _C,
                "contrast",
                {"one": ("treat1",), "other": ("treat2",), "estimate": ("te",), "se": ("sete",)},
            ),
            Form(_B, "wide", {**_NUMBERED, "r": ("event", "r"), "n": ("n",)}),
            Form(_N, "wide", {**_NUMBERED, "mean": ("mean", "y"), "sd": ("sd",), "n": ("n",)}),
            Form(_P, "wide", {**_NUMBERED, "r": ("event", "r"), "exposure": ("time",)}),
            _long(_B, _TREAT, r=("event", "events"), n=("n",)),
            _long(_P, _TREAT, r=("event", "events"), exposure=("time",)),
            _long(_N, ("treat",), mean=("mean",), sd=("sd",), n=("n",)),
        ),
        needs_study=False,
    ),
    Layout(
        "metafor",
        ("slab", "study", "trial", "publication", "author", "authors", "school", "id"),
        (
            Form(_C, "pair", {"estimate": ("yi",), "variance": ("vi",)}),
            Form(_C, "pair", {"estimate": ("yi",), "se": ("sei",)}),
            _pair(_B, r=("ai", "ci"), n=("n1i", "n2i")),
            _pair(_B, r=("ai", "ci"), others=("bi", "di")),
            _pair(_B, r=("tpos", "cpos"), others=("tneg", "cneg")),
            _pair(_N, mean=("m1i", "m2i"), sd=("sd1i", "sd2i"), n=("n1i", "n2i")),
            _pair(_P, r=("x1i", "x2i"), exposure=("t1i", "t2i")),
            _long(_B, _TRT, r=("xi",), n=("ni",)),
            _long(_N, _TRT, mean=("mi",), sd=("sdi",), n=("ni",)),
            _long(_P, _TRT, r=("xi",), exposure=("ti",)),
        ),
        needs_study=False,
    ),
    Layout(
        "gemtc",
        ("study",),
        (
            _long(_P, _OURS, r=("responders",), exposure=("exposure",)),
            _long(_B, _OURS, r=("responders",), n=("samplesize",)),
            _long(_N, _OURS, mean=("mean",), sd=("stddev",), n=("samplesize",)),
            _long(_N, _OURS, mean=("mean",), se=("stderr",)),
            Form(_C, "baseline", {"treatment": _OURS, "estimate": ("diff",), "se": ("stderr",)}),
        ),
        mixes=True,
    ),
    Layout(
        "multinma",
        ("study", "studyc", "studyn"),
        (
            _long(_P, _TRT, r=("r",), exposure=("e",)),
            _long(_B, _TRT, r=("r",), n=("n",)),
            _long(_N, _TRT, mean=("y",), se=("se",)),
            Form(_C, "baseline", {"treatment": _TRT, "estimate": ("diff",), "se": ("sediff",)}),
            Form(_C, "baseline", {"treatment": _TRT, "estimate": ("y",), "se": ("se",)}),
        ),
        mixes=True,
    ),
    Layout(
        "mixed",
        ("study", "studlab", "studyc", "studyn", "studyid", "slab", "trial", "id", "author"),
        (
            _long(_P, _ANY, r=_EVENTS, exposure=("exposure", "e", "personyears", "persontime")),
            _long(_B, _ANY, r=_EVENTS, n=_PATIENTS),
            _long(_N, _ANY, mean=("mean", "y"), sd=("sd", "stddev"), n=_PATIENTS),
            _long(_N, _ANY, mean=("mean", "y"), se=("se", "stderr")),
            Form(
                _C,
                "contrast",
                {
                    "one": ("treatment1", "treat1", "t1", "trt1"),
                    "other": ("treatment2", "treat2", "t2", "trt2"),
                    "estimate": ("estimate", "te", "effect", "yi"),
                    "se": ("se", "sete", "sei", "stderr"),
                },
            ),
        ),
    ),
)
"""The first that fits is taken, so those with fewer names of their own come later; ``mixed`` is names of several."""


def thresholds(sheet: Sheet) -> list[str]:
    """Columns of cumulative counts, lowest threshold first.

    Parameters
    ----------
    sheet
        A table in our own layout.
    """
    numbered = [(int(found[1]), name) for name in sheet.columns if (found := _THRESHOLD.fullmatch(key(name)))]
    return [name for _, name in sorted(numbered)]


def recognise(sheet: Sheet, outcome: Outcome | None = None, layout: str | None = None) -> Match:
    """Which layout a table has, by the names of its columns.

    Parameters
    ----------
    sheet
        The table.
    outcome
        Only forms with this outcome; None for the one the layout prefers.
    layout
        Name of the layout; None to recognise it.

    Raises
    ------
    WrongUsage
        For a layout that is not known.
    BadInput
        For a table that has none of them; the message lists what each wants and what is nearest.
    """
    known = [one.name for one in LAYOUTS]
    if layout is not None and key(layout) not in known:
        near = difflib.get_close_matches(key(layout), known, 1)
        raise WrongUsage(
            f"'{layout}' is not a layout."
            + (f" Did you mean {near[0]}?" if near else "")
            + f" Known are {', '.join(known)}."
        )
    for one in LAYOUTS:
        if layout is not None and one.name != key(layout):
            continue
        study = sheet.find(*one.study)
        if study is None and one.needs_study:
            continue
        if forms := _forms(sheet, one, outcome):
            return Match(one, study, forms)
    raise _unknown(sheet, outcome, layout)


def _forms(
    sheet: Sheet, layout: Layout, outcome: Outcome | None
) -> tuple[tuple[Form, tuple[Mapping[str, str], ...]], ...]:
    wanted = [form for form in layout.forms if outcome in (None, form.outcome)]
    found = [(form, slots) for form in wanted if (slots := _slots(sheet, form))]
    return tuple(found)


def _slots(sheet: Sheet, form: Form) -> tuple[Mapping[str, str], ...]:
    """The columns of each arm in a row; nothing where one is missing."""
    if form.shape == "pair" and form.outcome is not Outcome.CONTRAST:
        return _pair_slots(sheet, form)
    if form.shape == "wide":
        return _wide_slots(sheet, form)
    columns = {role: sheet.find(*keys) for role, keys in form.columns.items()}
    if columns.get("r", "") is None and columns.get("n", "") is None and "r" in form.columns.get("r", ()):
        columns |= _one_stem(sheet)
    named = {role: name for role, name in columns.items() if name is not None}
    return (named,) if len(named) == len(columns) else ()


def _one_stem(sheet: Sheet) -> dict[str, str | None]:
    """Events and patients named for their outcome, ``pasi75_r, pasi75_n``: only where one outcome is so named."""
    lower = {name.casefold(): name for name in sheet.columns}
    stems = [name[:-2] for name in lower if name.endswith("_r") and f"{name[:-2]}_n" in lower]
    return {"r": lower[f"{stems[0]}_r"], "n": lower[f"{stems[0]}_n"]} if len(stems) == 1 else {}


def _pair_slots(sheet: Sheet, form: Form) -> tuple[Mapping[str, str], ...]:
    arms = []
    for arm in range(2):
        columns = {role: sheet.find(keys[arm]) for role, keys in form.columns.items()}
        arms.append({role: name for role, name in columns.items() if name is not None})
    return tuple(arms) if all(len(arm) == len(form.columns) for arm in arms) else ()


def _wide_slots(sheet: Sheet, form: Form) -> tuple[Mapping[str, str], ...]:
    arms = []
    for number in range(1, _MOST_ARMS + 1):
        columns = {
            role: sheet.find(*(f"{one}{number}" for one in keys)) for role, keys in form.columns.items()
        }
        named = {role: name for role, name in columns.items() if name is not None}
        if len(named) < len(columns):
            break
        arms.append(named)
    return tuple(arms) if len(arms) > 1 else ()


# --- when nothing fits ------------------------------------------------------------------------------------


def _unknown(sheet: Sheet, outcome: Outcome | None, layout: str | None) -> BadInput:
    shown = [one for one in LAYOUTS if layout is None or one.name == key(layout)]
    distances = [
        (len(missing) / (len(form.columns) + 1), at, form_at, missing)
        for at, one in enumerate(shown)
        for form_at, form in enumerate(one.forms)
        if outcome in (None, form.outcome)
        for missing in [_missing(sheet, one, form)]
    ]
    wants = "; ".join(
        f"{one.name}: {' | '.join(_wants(one, outcome))}" for one in shown if _wants(one, outcome)
    )
    kind = "" if outcome is None else f" with outcome {outcome}"
    if not distances:
        remedy = f"No layout holds that outcome. The layouts want, {wants}."
    else:
        nearest = min(distances)[:2]
        ways = dict.fromkeys(_listed(sheet, one[3]) for one in sorted(distances) if one[:2] == nearest)
        remedy = f"Nearest is {shown[nearest[1]].name}, without {' or without '.join(ways)}. "
        remedy += f"What each layout wants: {wants}."
    if len(sheet.columns) == 1:
        remedy = f"Separate cells with commas, semicolons or tabs. {remedy}"
    found = f"the columns {', '.join(sheet.columns)} are no layout that is known{kind}"
    return BadInput(sheet.file, (Fault(sheet.file, 1, "", "unknown-layout", found, remedy),))


def _missing(sheet: Sheet, layout: Layout, form: Form) -> list[str]:
    ends = ("1",) if form.shape == "wide" else ("",)
    wanted: list[Keys] = [layout.study] if layout.needs_study else []
    if form.shape == "pair":
        wanted += [(one,) for keys in form.columns.values() for one in keys]
    else:
        wanted += [tuple(f"{one}{end}" for one in keys) for keys in form.columns.values() for end in ends]
    return [keys[0] for keys in wanted if sheet.find(*keys) is None]


def _listed(sheet: Sheet, missing: list[str]) -> str:
    words = []
    for name in missing:
        near = difflib.get_close_matches(name, [key(column) for column in sheet.columns], 1, 0.7)
        written = next((column for column in sheet.columns if near and key(column) == near[0]), "")
        words.append(f"{name} (did you mean it by {written}?)" if written else name)
    return ", ".join(words)


def _wants(layout: Layout, outcome: Outcome | None) -> list[str]:
    """What the forms of a layout are made of, for people."""
    shown = []
    for form in layout.forms:
        if outcome not in (None, form.outcome):
            continue
        end = "1, ..." if form.shape == "wide" else ""
        paired = form.shape == "pair"
        names = [name for keys in form.columns.values() for name in (keys if paired else keys[:1])]
        study = [layout.study[0]] if layout.needs_study else []
        shown.append(", ".join([*study, *(f"{name}{end}" for name in names)]))
    return shown
