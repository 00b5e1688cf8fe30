"""What is chosen for a training is what it does: options become a plan."""

from dataclasses import asdict
from typing import Any

import pytest

from segstudio.core.reporter import ListReporter
from segstudio.jobs.fitting import _plan
from segstudio.jobs.presets import options_of

PLANNED = {
    "epochs": 7, "batch": 3, "learning_rate": 0.007, "seed": 11, "loss": "tversky", "clipping": 0.75, "keep": "average",
    "averaged_epochs": 4.5, "schedule": "cosine", "plateau": 9, "warm_up": 2, "patience": 6, "frozen_epochs": 5,
    "tuned_rate": 0.0003, "correction_weight": 8.0, "unreviewed_weight": 0.25,
}  # fmt: skip
"""An option for everything that a plan says by itself; each another value than its own default and the others'."""

ELSEWHERE = {"schedule": "kind", "correction_weight": "correction", "unreviewed_weight": "unreviewed"}
"""What the plan calls them, where it is by another name."""


def planned(**values: Any) -> dict[str, Any]:
    """The plan of these options, all that it says in one line."""
    found = asdict(_plan(options_of("conv-unet")(**values), None, ListReporter()))
    return found.pop("schedule") | found.pop("weighing") | found


@pytest.mark.parametrize("name", PLANNED)
def test_an_option_becomes_a_part_of_the_plan_and_changes_no_other(name: str) -> None:
    usual, changed = planned(), planned(**{name: PLANNED[name]})
    assert {one: value for one, value in changed.items() if usual[one] != value} == {
        ELSEWHERE.get(name, name): PLANNED[name]
    }
