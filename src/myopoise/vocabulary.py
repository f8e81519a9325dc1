"""The closed sets every room speaks in.

Codes of single columns (designs, endpoints, treatments, ...) are data: they stand in the evidence folder's
``vocabulary.csv``. Here are only the sets the code itself reasons with.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["BACKGROUND", "Domain", "Level", "Phenotype", "Reading", "StudyKind", "Verdict", "treatment_label"]

BACKGROUND = "background"
"""The reference treatment: continued background therapy, with placebo, sham or nothing added."""


_LABELS = {
    BACKGROUND: "continued background therapy",
    "autologous-hsct": "autologous stem cell transplant",
    "cd19-car-t": "CD19 CAR T cells",
    "imo-8400": "IMO-8400",
    "iv-methotrexate": "intravenous methotrexate",
    "ivig": "IVIG",
    "ivmp": "methylprednisolone pulses",
    "jak-inhibitor": "JAK inhibitor (any)",
    "scig": "SCIG",
    "tnf-inhibitor": "TNF inhibitor (any)",
    "calcineurin-inhibitor": "calcineurin inhibitor (any)",
    "immunosuppressant-mixed": "mixed immunosuppressants",
}


def treatment_label(code: str) -> str:
    """Short name of a treatment code, as a table shows it."""
    return _LABELS.get(code, code.replace("-", " "))


class Phenotype(StrEnum):
    """A diagnosis for which the answer is given or a study's mix is counted."""

    DM = "DM"
    PM = "PM"
    IMNM = "IMNM"
    ASYS = "ASYS"
    JDM = "JDM"

    @property
    def label(self) -> str:
        """Name in words."""
        return {
            Phenotype.DM: "dermatomyositis",
            Phenotype.PM: "polymyositis",
            Phenotype.IMNM: "immune-mediated necrotising myopathy",
            Phenotype.ASYS: "antisynthetase syndrome and overlap myositis",
            Phenotype.JDM: "juvenile dermatomyositis",
        }[self]


class Domain(StrEnum):
    """What got better: muscle or the disease as a whole, the lung, or the skin."""

    MUSCLE = "muscle or global"
    LUNG = "lung"
    SKIN = "skin"


class Level(StrEnum):
    """How much better, as thresholds: a patient at a level is also at every level before it."""

    STABLE = "stable"
    MINIMAL = "minimal"
    MODERATE = "moderate"
    MAJOR = "major"


class StudyKind(StrEnum):
    """What a study's design lets one conclude, as the synthesis sees it."""

    RANDOMISED = "rct"
    SINGLE_ARM = "single-arm"
    COHORT = "cohort"

    @property
    def randomised(self) -> bool:
        """Whether arms were compared by randomisation."""
        return self is StudyKind.RANDOMISED


class Reading(StrEnum):
    """One of the three ways the evidence is read, shown side by side and never merged."""

    RANDOMISED = "randomised"
    MAIN = "main"
    NAIVE = "naive"

    @property
    def label(self) -> str:
        """Name in words."""
        return {
            Reading.RANDOMISED: "randomised trials only",
            Reading.MAIN: "all studies, uncontrolled ones discounted",
            Reading.NAIVE: "all studies, taken at face value",
        }[self]


class Verdict(StrEnum):
    """What the evidence allows one to say of an option against continued background therapy."""

    PREFERRED = "preferred"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"
    NO_EVIDENCE = "no evidence"
