import io
import math
import re
from typing import Any

import pytest
from rich.console import Console

from myopoise.report.synthesis_terminal import arm_words, interval_bar, print_synthesis
from myopoise.synthesis.checking import Trust


def drawn(found: dict[str, Any], width: int = 110) -> str:
    out = io.StringIO()
    print_synthesis(found, Console(file=out, width=width, highlight=False))
    return out.getvalue()


def section(text: str, heading: str) -> str:
    return text[text.index(heading) :].split("\n\n")[0]


@pytest.mark.parametrize("width", [80, 110, 160])
def test_no_line_is_wider_than_the_terminal(found: dict[str, Any], width: int) -> None:
    assert max(map(len, drawn(found, width).splitlines())) <= width


def test_how_the_file_was_understood_comes_first(found: dict[str, Any]) -> None:
    head = drawn(found).split("Network\n")[0]
    assert "smoking.csv: 5 studies, 11 arms, 4 treatments. Long layout: study, treatment, r, n." in head
    assert "Alpha 1990: No intervention 9/140; Individual counselling 23/140" in head
    assert "One arm has no event; it needs no correction." in head


def test_a_rank_never_stands_without_its_effect_and_interval(found: dict[str, Any], synthesis: Any) -> None:
    ranks = section(drawn(found), "Where each treatment may stand")
    for name in synthesis.TREATMENTS[1:]:
        (line,) = [line for line in ranks.splitlines() if line.startswith(name)]
        assert re.search(r"\d\.\d\d \(\d\.\d\d to \d\.\d\d\)", line)
    assert "certainty (GRADE, CINeMA) has not been judged here" in " ".join(ranks.split())


def test_the_league_table_says_which_way_it_is_read_and_keeps_to_it(found: dict[str, Any]) -> None:
    league = section(drawn(found, 160), "League table")
    assert "odds ratio of the treatment of its row against the treatment of its column" in " ".join(
        league.split()
    )
    row = next(line for line in league.splitlines() if line.startswith("Self-help"))
    against = [f"{math.exp(0.49 - other):.2f}" for other in (1.10, 0.84, 0.0)]
    assert row.split()[1:] == [*against[:2], "·", against[2]]


def test_effects_are_ordered_by_the_direction_that_was_asked_for(synthesis: Any) -> None:
    upward = drawn(synthesis.made(synthesis.bayes()))
    assert "higher is better" in upward
    downward = synthesis.made(synthesis.bayes(ranking=synthesis.bayes().ranking[::-1]), direction="lower")
    effects = section(drawn(downward), "Effect against No intervention")
    names = [line.split("  ")[0].strip() for line in effects.splitlines()[3:6]]
    assert names == ["Self-help", "Individual counselling", "Group counselling <6>"]
    assert "lower is better" in " ".join(effects.split())


def test_the_leader_is_told_with_the_chance_of_not_being_it(synthesis: Any) -> None:
    assert "The first has a chance of 32% of not being the best." in drawn(synthesis.made(synthesis.bayes()))


def test_tau_is_told_with_what_it_means(synthesis: Any) -> None:
    text = " ".join(drawn(synthesis.made(synthesis.bayes())).split())
    assert (
        "tau 0.82 (0.55 to 1.27): in 95% of pairs of trials the true odds ratios differ by less than" in text
    )


def test_common_effects_say_that_tau_is_zero(synthesis: Any) -> None:
    text = drawn(synthesis.made(synthesis.bayes(heterogeneity={})))
    assert "Effects are common" in text
    same = synthesis.bayes()
    assert "new study" not in drawn(synthesis.made(synthesis.bayes(predictive=same.relative_effects)))


def test_inconsistency_that_cannot_be_tested_is_not_called_absent(synthesis: Any) -> None:
    nothing = synthesis.TestOfQ(0.0, 0, float("nan"))
    text = drawn(synthesis.made(synthesis.frequentist(q_between=nothing)))
    assert "inconsistency cannot be tested" in " ".join(text.split())


def test_a_difference_between_direct_and_indirect_is_marked(synthesis: Any) -> None:
    (split,) = synthesis.bayes().splits
    from dataclasses import replace

    text = drawn(synthesis.made(synthesis.bayes(splits=(replace(split, p_value=0.03),))))
    assert "0.030 !" in text
    assert "1 comparison of 1 with P below 0.05" in text


def test_a_computation_that_failed_its_check_says_so_first_and_last(synthesis: Any) -> None:
    bad = synthesis.made(synthesis.bayes(trust=Trust(0.91, 120.0, 4096, True)))
    text = drawn(bad)
    assert text.startswith("This computation must not be believed")
    assert "must not be believed" in text[-500:]


def test_names_that_look_like_mark_up_are_left_as_they_are(synthesis: Any) -> None:
    made = synthesis.made(synthesis.bayes())
    import json

    renamed = json.loads(json.dumps(made).replace("Self-help", "[bold]x[/bold]"))
    assert "[bold]x[/bold]" in drawn(renamed, 160)


def test_an_interval_that_runs_out_of_the_axis_ends_in_an_arrow() -> None:
    bar = interval_bar(-5.0, 0.0, 0.5, (-1.0, 1.0), 21)
    assert bar[0] == "‹"
    assert "›" not in bar
    assert bar[10] == "●"


def test_arms_are_told_in_the_terms_of_their_outcome() -> None:
    assert arm_words({"treatment": "a", "mean": -1.5, "se": 0.25, "n": None}) == "a −1.5 (se 0.25)"
    assert arm_words({"treatment": "a", "events": 3, "exposure": 120.5}) == "a 3 events in 120.5"
    assert arm_words({"treatment": "a", "n": 20, "at_least": [12, None, 2]}) == (
        "a n 20, at or above each threshold 12, not reported, 2"
    )
