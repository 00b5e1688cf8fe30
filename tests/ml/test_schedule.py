"""Rates and early ends, from nothing but the rows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.ml.schedule import Schedule, best_row, plateaus


def rows(*scores, first=1):
    return [{"epoch": first + n, "val_iou": score, "val_loss": 0.5} for n, score in enumerate(scores)]


def rates(schedule, epochs, rate=1.0, of=()):
    return [schedule.rate(epoch, epochs, rate, of[: epoch - 1]) for epoch in range(1, epochs + 1)]


def test_constant_and_cosine():
    assert rates(Schedule(), 3) == [1, 1, 1]
    assert rates(Schedule("cosine"), 4) == [0.5 * (1 + math.cos(math.pi * done / 4)) for done in range(4)]


def test_warm_up_rises_in_equal_steps_and_then_the_schedule_begins():
    assert rates(Schedule(warm_up=3), 5) == [0.25, 0.5, 0.75, 1, 1]
    assert rates(Schedule("cosine", warm_up=1), 3) == pytest.approx([0.5, 1, 0.5])
    assert rates(Schedule(warm_up=9), 2) == [0.5, 1], "there is an epoch at the full rate"


def test_a_plateau_halves_the_rate_each_time():
    of = rows(0.1, 0.2, 0.2, 0.1, 0.3, 0.3, 0.3, 0.3, 0.3)
    assert rates(Schedule("plateau", plateau=2), 9, of=of) == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert rates(Schedule("plateau", plateau=2, warm_up=2), 7, of=rows(*[0.1] * 9))[2:] == [1, 1, 1, 0.5, 0.5]


def test_at_a_tie_of_iou_a_lower_loss_is_better():
    of = rows(0.0, 0.0)
    of[1]["val_loss"] = 0.4
    assert plateaus(of, 1) == 0
    assert best_row(of)["epoch"] == 2


def test_each_phase_has_a_schedule_of_its_own():
    schedule = Schedule("cosine", frozen_epochs=2, tuned_rate=0.1)
    assert rates(schedule, 4) == pytest.approx([1, 0.5, 0.1, 0.05])
    assert rates(schedule, 1) == [1], "with fewer epochs than that the encoder is never trained"
    waiting = Schedule("plateau", plateau=2, frozen_epochs=3, tuned_rate=0.1)
    assert rates(waiting, 7, of=rows(0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1))[3:] == pytest.approx([0.1, 0.1, 0.1, 0.05])


def test_the_end_comes_after_patience_without_a_better_epoch():
    schedule = Schedule(patience=2)
    assert schedule.end([]) == ""
    assert schedule.end(rows(0.5, 0.4)) == ""
    assert "epoch 1 (IoU 0.5000)" in schedule.end(rows(0.5, 0.4, 0.3))
    assert schedule.end(rows(0.5, 0.4, 0.6)) == ""
    assert "epoch 0" in schedule.end(rows(0.5, 0.4, 0.4, first=0))
    assert Schedule().end(rows(*[0.1] * 99)) == ""


def test_the_first_phase_never_ends_early_and_the_second_waits_anew():
    schedule = Schedule(patience=2, frozen_epochs=4)
    found = [bool(schedule.end(rows(*[0.5, 0.4, 0.4, 0.4, 0.4, 0.4][:n]))) for n in range(1, 7)]
    assert found == [False, False, False, False, False, True]


@given(
    scores=st.lists(st.floats(0, 1), min_size=1, max_size=30), kind=st.sampled_from(["constant", "cosine", "plateau"]),
    warm_up=st.integers(0, 40), frozen=st.integers(0, 40), plateau=st.integers(1, 5),
)  # fmt: skip
def test_a_rate_is_never_above_its_phase_and_never_nothing(scores, kind, warm_up, frozen, plateau):
    schedule = Schedule(kind, plateau=plateau, warm_up=warm_up, frozen_epochs=frozen, tuned_rate=0.2)
    for epoch, rate in enumerate(rates(schedule, len(scores), of=rows(*scores)), 1):
        assert 0 < rate <= (1 if epoch <= frozen or not frozen else 0.2)


@pytest.mark.parametrize("kind", ["constant", "cosine", "plateau"])
def test_after_a_rate_set_by_hand_the_schedule_goes_on_in_proportion(kind):
    schedule, of = Schedule(kind, plateau=2, warm_up=2), rows(0.5, 0.4, 0.3, 0.4, 0.3, 0.2, 0.1, 0.1)
    planned = rates(schedule, 8, of=of)
    set_by_hand = [schedule.rate(epoch, 8, 0.1, of[: epoch - 1], by_hand=(4, 0.02)) for epoch in range(4, 9)]
    assert set_by_hand[0] == 0.02
    assert set_by_hand == pytest.approx([0.02 * rate / planned[3] for rate in planned[3:]])


def test_a_rate_set_by_hand_ends_the_warm_up_and_does_not_reach_into_the_next_phase():
    schedule = Schedule(warm_up=3, frozen_epochs=4, tuned_rate=1e-3)
    by_hand = [schedule.rate(epoch, 9, 0.1, by_hand=(2, 0.5)) for epoch in range(2, 10)]
    assert by_hand == pytest.approx([0.5] * 3 + [0.00025, 0.0005, 0.00075, 0.001, 0.001])


def test_a_rate_set_by_hand_near_the_end_of_a_cosine_stays_small_when_it_is_stretched():
    schedule = Schedule("cosine")
    at_end = schedule.rate(24, 25, 0.1, by_hand=(24, 0.001))
    stretched = [schedule.rate(epoch, 50, 0.1, by_hand=(24, 0.001)) for epoch in range(24, 51)]
    assert at_end == stretched[0] == 0.001
    assert max(stretched) == 0.001
