"""How far the choice of epoch and temperature flatters a model: figures chosen on clips, and judged on them."""

from __future__ import annotations

from typing import Any

from leopardnet.metrics.evaluation import Evaluation

LESS_IS_BETTER = ("ECE", "Brier")  # of the overall figures
CROSSED = (
    "For each part of the clips (by site, where it is known), temperature and epoch (where there are several) were "
    "chosen on the other parts, so the choice knew nothing of the clips that it is judged on."
)
# The means of `scripts/measure_leaks.py`, in docs/LOG.md.
CHOSEN = (
    "Epoch and temperature were chosen on the clips that these figures report (they come from too few sites to "
    "choose on some and judge on others, or the run is of an older version), so the figures are too good. In "
    "simulations with three sites the macro-F1 of the best of 5 epochs was 0.06 too high, that of the best of 20 "
    "epochs 0.09."
)


def describe_choice(is_crossed: bool) -> str:
    """Return the sentence on which clips chose epoch and temperature.

    >>> describe_choice(True).startswith("For each part of the clips")
    True
    """
    return CROSSED if is_crossed else CHOSEN


def compare_choice(judged_on: Evaluation, chosen_on: Evaluation) -> list[dict[str, str]]:
    """Return a row for each overall figure: judged on clips that had no part in the choice, and chosen on them.

    The optimism is above 0 where the chosen figure is the better one, also of figures of which less is better.
    """
    rows = []
    for name, judged in judged_on.headline.items():
        chosen = chosen_on.headline[name]
        optimism = (chosen.value - judged.value) * (-1 if name in LESS_IS_BETTER else 1)
        rows.append(
            {
                "figure": name,
                "judged on": judged.format(2),
                "chosen on": chosen.format(2),
                "optimism": f"{round(optimism, 3) + 0.0:+.3f}",  # without the minus of -0.0
            }
        )
    return rows


def choice_json(judged_on: Evaluation | None, chosen_on: Evaluation | None) -> dict[str, Any]:
    """Return the overall figures that were chosen on the clips, and the optimism of macro-F1, for JSON."""
    optimism = None
    if judged_on is not None and chosen_on is not None:
        optimism = round(chosen_on.macro_f1.value - judged_on.macro_f1.value, 6)
    return {
        "figures_chosen_on": chosen_on and {k: x.to_dict() for k, x in chosen_on.headline.items()},
        "optimism_of_macro_f1": optimism,
    }
