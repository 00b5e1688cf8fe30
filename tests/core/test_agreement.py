import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.core.agreement import kappa
from segstudio.core.metrics import Counts

numbers = st.integers(0, 500)


def test_a_known_figure() -> None:
    # The textbook example: 20 yes/yes, 15 no/no, 5 and 10 apart, of 50: po 0.7, pe 0.5.
    assert kappa(Counts(tp=20, fp=5, fn=10, tn=15)) == pytest.approx(0.4)


@given(numbers, numbers, numbers, numbers)
def test_kappa_is_symmetric_and_at_most_1(tp: int, fp: int, fn: int, tn: int) -> None:
    one, other = kappa(Counts(tp, fp, fn, tn)), kappa(Counts(tp, fn, fp, tn))
    assert (one is None) == (other is None)
    if one is not None:
        assert one == pytest.approx(other)
        assert -1 <= one <= 1
        assert (one == pytest.approx(1)) == (fp == fn == 0)


def test_where_chance_explains_everything_there_is_no_kappa() -> None:
    assert kappa(Counts(tn=9)) is None
    assert kappa(Counts(tp=9)) is None
    assert kappa(Counts()) is None
    assert kappa(Counts(tp=5, fp=5)) == 0
