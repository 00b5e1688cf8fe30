import math

import pytest
from scipy.stats import beta, binom

from segstudio.core.audit import checks_for, percent_up, upper_bound


@pytest.mark.parametrize(("checked", "wrong"), [(1, 0), (20, 0), (20, 1), (59, 0), (299, 4), (20, 19)])
def test_the_bound_is_that_of_clopper_and_pearson(checked: int, wrong: int) -> None:
    bound = upper_bound(checked, wrong)
    assert bound == pytest.approx(beta.ppf(0.95, wrong + 1, checked - wrong))
    # With that share of wrong ones, one audit of twenty would find so few.
    assert binom.cdf(wrong, checked, bound) == pytest.approx(0.05)


def test_known_figures() -> None:
    assert upper_bound(20, 0) == pytest.approx(0.1391, abs=1e-4)
    assert checks_for(0.05) == 59
    assert checks_for(0.01) == 299
    assert upper_bound(checks_for(0.05), 0) <= 0.05 < upper_bound(checks_for(0.05) - 1, 0)
    assert (upper_bound(5, 5), upper_bound(0, 0)) == (1.0, 1.0)
    assert upper_bound(8, 2, of=8) == 0.25, "all were looked at"


def test_a_bound_is_rounded_to_the_safe_side() -> None:
    assert percent_up(0.13911) == "14 %"
    assert percent_up(0.05) == "5 %"
    assert percent_up(0.0) == "0 %"
    assert math.isclose(float(percent_up(upper_bound(299, 0)).rstrip(" %")), 1.0)


@pytest.mark.parametrize(("checked", "wrong", "of"), [(3, 4, None), (3, -1, None), (9, 0, 8)])
def test_numbers_that_cannot_be(checked: int, wrong: int, of: int | None) -> None:
    with pytest.raises(ValueError, match="wrong of"):
        upper_bound(checked, wrong, of)
