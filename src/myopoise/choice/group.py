"""The group of patients a question is about: never one patient's record, only what they have in common."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from myopoise.errors import WrongUsage
from myopoise.vocabulary import Phenotype

__all__ = ["Asked", "Outcome", "PatientGroup"]


class Asked(StrEnum):
    """A phenotype a question may name."""

    DM = "DM"
    PM = "PM"
    IMNM = "IMNM"
    ASYS = "ASyS"
    JDM = "JDM"
    AMYOPATHIC = "amyopathic-DM"

    @property
    def modelled(self) -> Phenotype | None:
        """The diagnosis of the evidence model; None where no control group lets one be modelled."""
        return {
            Asked.DM: Phenotype.DM,
            Asked.PM: Phenotype.PM,
            Asked.IMNM: Phenotype.IMNM,
            Asked.ASYS: Phenotype.ASYS,
        }.get(self)

    @property
    def label(self) -> str:
        """Name in words."""
        if self is Asked.AMYOPATHIC:
            return "clinically amyopathic dermatomyositis"
        return Phenotype(self.value.upper()).label


class Outcome(StrEnum):
    """What is to get better."""

    RESPONSE = "response"
    SKIN = "skin"
    LUNG = "lung"


@dataclass(frozen=True)
class PatientGroup:
    """What the patients have in common.

    Parameters
    ----------
    phenotype
        Diagnosis.
    juvenile
        Whether they are children.
    ild, skin
        Whether interstitial lung disease, or skin disease, is what matters most.
    antibody
        Autoantibody they share; empty for any.
    failed
        Treatments that have failed already.
    avoid
        Conditions that forbid some treatments.
    """

    phenotype: Asked
    juvenile: bool = False
    ild: bool = False
    skin: bool = False
    antibody: str = ""
    failed: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an adult with a disease of children."""
        if self.phenotype is Asked.JDM and not self.juvenile:
            object.__setattr__(self, "juvenile", True)
        if self.juvenile and self.phenotype not in (Asked.JDM, Asked.DM, Asked.PM):
            raise WrongUsage(
                f"No study here is about children with {self.phenotype.label}; ask for JDM, or for adults."
            )

    @property
    def modelled(self) -> Phenotype | None:
        """The diagnosis of the evidence model; None for children and where muscle is not what is ill."""
        return None if self.juvenile else self.phenotype.modelled

    @property
    def label(self) -> str:
        """The group in words."""
        said = [self.phenotype.label if not self.juvenile else Phenotype.JDM.label]
        if self.ild:
            said.append("with interstitial lung disease")
        if self.skin:
            said.append("with mainly skin disease")
        if self.antibody:
            said.append(f"with {self.antibody} antibodies")
        return " ".join(said)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the evidence cannot tell apart."""
        found = []
        if self.antibody:
            found.append(
                "No study here reports response by antibody in a way that can be compared: the answer is that for "
                f"all {self.phenotype.label}, not for {self.antibody}."
            )
        if self.ild:
            found.append(
                "Response of muscle or the whole disease was not reported apart for patients with interstitial lung "
                "disease: the answer is that for all. Lung outcomes are counted under --outcome lung."
            )
        if self.skin:
            found.append(
                "The response criteria of muscle and whole disease weigh skin little: the answer may not hold where "
                "skin is what matters. Skin outcomes are counted under --outcome skin."
            )
        if self.modelled in (Phenotype.IMNM, Phenotype.ASYS):
            found.append(
                f"Few patients with {self.phenotype.label} were studied: most of this answer is borrowed from other "
                "diagnoses, and each option says how many of its patients had this one."
            )
        return tuple(found)
