"""Methods, limits, words and priors in plain language: text that does not depend on the numbers."""

from __future__ import annotations

from myopoise.choice.ranking import EQUIVALENT_WITHIN, SURE_BETTER, SURE_IMPORTANT, TRIALS_AGREE

__all__ = ["DISPLAY_RULES", "LIMITS", "METHODS", "PRIOR_MEANINGS", "PROBIT_IN_PATIENTS", "WORDS"]

METHODS: tuple[tuple[str, str], ...] = (
    (
        "What counts as response",
        "At least minimal improvement of muscle or of the whole disease. Each study used its own definition; the "
        "model lets stricter and looser definitions differ and translates all of them to the ACR/EULAR criteria of "
        "2016. Studies that count moderate or major improvement only, or print a mean score, enter on the same "
        "scale: how far apart the levels are is learned from the studies that report several.",
    ),
    (
        "What is compared",
        "Each treatment added to continued background therapy, against continued background therapy with placebo, "
        "sham treatment or nothing added.",
    ),
    (
        "Nothing is counted twice",
        "One set of patients, one definition of response and one time point per study. Everything left out is "
        "listed with its reason.",
    ),
    (
        "One model, three readings",
        "The same model is fitted to randomised trials only, to all studies with uncontrolled ones discounted (the "
        "main reading), and to all studies at face value. They stand side by side and are never merged. Where they "
        "agree the design of the studies does not matter; where they part, the difference is the price of believing "
        "series in which everybody got the drug.",
    ),
    (
        "The discount",
        "An uncontrolled study is expected to report more responders than a trial would. How many more is partly a "
        "judgement that the data do not contradict: only about half of what is learned of it comes from drugs seen "
        "in both designs.",
    ),
    (
        "Borrowing",
        "Drugs of one mechanism class are expected to act alike, to the degree that the data say so, and so are "
        "dermatomyositis and polymyositis. A treatment without any study of its own gets no number.",
    ),
    (
        "Two intervals",
        "The credible interval holds the chance of response in an average study. The prediction interval holds it "
        "in a new study, which may differ in patients and in care; it is the one to plan with.",
    ),
    (
        "The computation",
        "A Gaussian approximation of the posterior, corrected by weighted draws. It checks itself: k-hat says "
        "whether the weights can be trusted (above 0.7 they cannot), effective draws say how many independent draws "
        "the weighted ones are worth, and the Monte Carlo error is what another run could change.",
    ),
)

DISPLAY_RULES: tuple[str, ...] = (
    "A treatment without a usable study of its own is listed as having no evidence, whatever its class did.",
    "A treatment never randomised against background therapy is shown with the words 'compared with placebo arms of "
    "other trials' and without a chance of beating it: on the evidence of 2012 this model gave ciclosporin more than "
    "95% on series in which everybody responded, and the randomised trial of 2015 found no significant effect.",
    "A drug set against placebo arms of another era, such as TNF blockade, is never called worse on that ground alone.",
    "Children with dermatomyositis have no control group in any study: they are counted, and no prediction is given "
    "for them. So are lung and skin.",
    "An option is called better than background therapy only if it was randomised against it, if its chance of adding "
    f"anything is at least {SURE_BETTER:.1%} and of helping ten more in a hundred at least {SURE_IMPORTANT:.0%}, both "
    f"by more than the computation may be wrong, if the randomised trials alone give at least {TRIALS_AGREE:.0%}, and "
    "if the certainty is above very low. It is called equivalent if the "
    f"whole interval lies within {100 * EQUIVALENT_WITHIN:.0f} in a hundred of background therapy. Everything else is "
    "undecided.",
    "The chance of adding anything comes from the main reading, which lets series of the same class of drugs speak; "
    "the chance from randomised trials alone stands beside it.",
    "The order of a table is that of predicted response. It is never shown without effect, interval and certainty, "
    "and it is not a recommendation.",
)

LIMITS: tuple[str, ...] = (
    "Most studies were read as abstracts, registry entries or tables; 'read as' beside each source says which. No "
    "number was taken from a full paper unless it says so.",
    "Most evidence is uncontrolled, small, and older than present background therapy. The randomised trials are few.",
    "Nearly every study defined response in its own way, and diagnoses were often mixed; where their shares were "
    "not printed they were assumed, and the row says so.",
    "Older series called polymyositis what would today partly be necrotising myopathy, antisynthetase syndrome or "
    "inclusion body myositis.",
    "The crossover trial of 1993 printed its graded responses for both periods together: its 23 courses in 15 patients "
    "are read as if they were different patients, which overstates what it tells.",
    "Harm is not yet synthesised here: serious infection, death and withdrawal must be looked up in the sources.",
    "Unpublished studies cannot be excluded. Series in which nobody responded are less likely to be printed.",
    "Response at one time point says nothing about duration, steroid sparing, function or quality of life.",
)

WORDS: tuple[tuple[str, str], ...] = (
    ("background therapy", "the glucocorticoid and other drugs that patients went on taking in all arms"),
    ("response", "at least minimal improvement of muscle or of the whole disease"),
    ("credible interval", "holds the true value with 95% probability, given the model, in an average study"),
    ("prediction interval", "the same in a new study: wider by the differences between studies"),
    ("certainty", "how far a result can be relied on, from what the studies are like; not a probability"),
    ("randomised", "patients were assigned to a treatment by chance"),
    (
        "IVIG, SCIG",
        "immunoglobulin of many donors at high dose, given into a vein (IV) or under the skin (SC)",
    ),
    (
        "DM, PM, IMNM, ASyS, JDM",
        "dermatomyositis, polymyositis, immune-mediated necrotising myopathy, antisynthetase syndrome with overlap "
        "myositis, juvenile dermatomyositis",
    ),
    ("uncontrolled", "everybody got the drug; what would have happened without it is not seen"),
)

PROBIT_IN_PATIENTS = (
    "Effects are measured in probits. Where half respond, 0.25 probit is ten patients in a hundred, 0.5 is nineteen "
    "and 1.0 is thirty-four."
)

PRIOR_MEANINGS: dict[str, str] = {
    "baseline": "mean response on background therapy, over studies",
    "between studies": "how much that response differs between studies",
    "class mean": "mean effect of a mechanism class",
    "within class": "how much the drugs of one class differ",
    "diagnosis": "difference of a diagnosis from dermatomyositis on background therapy",
    "class by diagnosis": "how much the effect of a class differs between diagnoses",
    "heterogeneity": "how much the effect of a treatment differs between trials",
    "definition": "how much definitions of response differ in strictness",
    "bias": "how many more responders an uncontrolled study reports",
    "bias spread": "how much that excess differs between studies",
    "moderate": "how much better than minimal a moderate improvement is",
    "major": "how much better than moderate a major improvement is",
}
"""What each prior is about, by the name the model gives it."""
