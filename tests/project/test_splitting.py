"""Splits: near the fractions, whole groups, the same for the same seed."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.core.errors import UserError
from segstudio.core.sample import Split
from segstudio.project.splitting import assign, folds, parse_fractions, strata

USUAL = (0.7, 0.15, 0.15)


def counts(splits: list[Split]) -> tuple[int, int, int]:
    found = Counter(splits)
    return found[Split.TRAIN], found[Split.VAL], found[Split.TEST]


@pytest.mark.parametrize(
    ("text", "fractions"),
    [
        ("70/15/15", USUAL),
        ("0.7/0.15/0.15", USUAL),
        (" 70% / 15% / 15% ", USUAL),
        ("70/30", (0.7, 0.3, 0.0)),
        ("100/0/0", (1.0, 0.0, 0.0)),
    ],
)
def test_what_a_person_writes(text: str, fractions: tuple[float, float, float]) -> None:
    assert parse_fractions(text) == pytest.approx(fractions)


@pytest.mark.parametrize("text", ["", "70", "70/20", "70/-15/45", "a/b", "0/50/50", "70/10/10/10", "nan/1", "1e2/0"])
def test_what_is_no_split(text: str) -> None:
    with pytest.raises(UserError):
        parse_fractions(text)


@pytest.mark.parametrize("count", [20, 100, 1000])
def test_fractions_are_met(count: int) -> None:
    assert counts(assign(range(count), USUAL, 0)) == (0.7 * count, 0.15 * count, 0.15 * count)
    assert counts(assign(range(count), (0.7, 0.3, 0), 0)) == (0.7 * count, 0.3 * count, 0)


@pytest.mark.parametrize(("count", "expected"), [(0, (0, 0, 0)), (1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1))])
def test_tiny_sets_get_what_they_can(count: int, expected: tuple[int, int, int]) -> None:
    assert counts(assign(range(count), USUAL, 0)) == expected


def test_kinds_are_spread() -> None:
    kinds = ["empty"] * 34 + ["mask"] * 22
    splits = assign(range(56), USUAL, 3, kinds)
    for split, share in zip(Split, USUAL, strict=True):
        empty = sum(one is split and kind == "empty" for one, kind in zip(splits, kinds, strict=True))
        assert abs(empty - 34 * share) <= 1.5


def test_seeds_differ_and_repeat() -> None:
    assert assign(range(50), USUAL, 1) == assign(range(50), USUAL, 1)
    assert assign(range(50), USUAL, 1) != assign(range(50), USUAL, 2)


samples = st.lists(st.tuples(st.integers(0, 25), st.sampled_from("ab")), min_size=1, max_size=80)


@given(samples, st.integers(0, 5), st.randoms(use_true_random=False))
def test_groups_stay_whole_whatever_the_order(chosen: list[tuple[int, str]], seed: int, random: object) -> None:
    def split_of(order: list[tuple[int, str]]) -> dict[int, Split]:
        groups = [group for group, _ in order]
        splits = assign(groups, USUAL, seed, [kind for _, kind in order])
        by_group = dict(zip(groups, splits, strict=True))
        assert splits == [by_group[group] for group in groups]
        return by_group

    shuffled = list(chosen)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert split_of(chosen) == split_of(shuffled)


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=60, unique=True), st.integers(0, 5))
def test_every_split_gets_something(groups: list[int], seed: int) -> None:
    assert min(counts(assign(groups, USUAL, seed))) >= 1


@given(samples, st.integers(2, 6), st.integers(0, 5), st.randoms(use_true_random=False))
def test_every_sample_is_in_one_fold_and_no_group_in_two(
    chosen: list[tuple[int, str]], count: int, seed: int, random: object
) -> None:
    def fold_of(order: list[tuple[int, str]]) -> dict[int, int]:
        groups = [group for group, _ in order]
        dealt = folds(groups, count, seed, [kind for _, kind in order])
        assert len(dealt) == len(order)
        by_group = dict(zip(groups, dealt, strict=True))
        assert dealt == [by_group[group] for group in groups]
        assert set(dealt) == set(range(count))
        return by_group

    different = len({group for group, _ in chosen})
    if different < count:
        with pytest.raises(UserError, match=f"{different} independent"):
            fold_of(chosen)
        return
    shuffled = list(chosen)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold_of(chosen) == fold_of(shuffled)


def test_folds_are_alike_in_size_and_kind() -> None:
    shares = [0.0] * 34 + [0.01 * n for n in range(1, 23)]
    kinds = strata(shares)
    assert Counter(kinds) == {"empty": 34, "third 1": 7, "third 2": 7, "third 3": 8}
    dealt = folds(range(56), 5, 0, kinds)
    for fold in range(5):
        of_fold = Counter(kind for kind, one in zip(kinds, dealt, strict=True) if one == fold)
        assert 10 <= of_fold.total() <= 12
        assert 6 <= of_fold["empty"] <= 7
        assert all(1 <= of_fold[f"third {part}"] <= 2 for part in (1, 2, 3))
    assert folds(range(56), 5, 1, kinds) != dealt


def test_what_is_not_known_is_a_kind_of_its_own() -> None:
    assert strata([None, 0.0, 0.5]) == ["unknown", "empty", "third 3"]
    assert strata([]) == []
