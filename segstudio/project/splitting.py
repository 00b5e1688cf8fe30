"""Splitting: which samples teach, which choose the best weights, and which are kept for the final examination.

And folds: which samples are measured by which of the trainings of a cross-validation.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from segstudio.core.errors import UserError
from segstudio.core.sample import Split
from segstudio.formats.naming import split_of_path

Fractions = tuple[float, float, float]
"""Shares of train, val and test; they add up to 1."""

_SPLITS = (Split.TRAIN, Split.VAL, Split.TEST)
_SUM_COUNTS = 0.1

_Part = TypeVar("_Part", bound=Hashable)
"""A split, or the number of a fold."""


def parse_fractions(text: str) -> Fractions:
    """The shares that a person means by "70/15/15", "0.7/0.15/0.15" or "70/30".

    Two numbers are train and val, and there is no test split: that is what the notebooks call 70/30, and training
    cannot do without val, which picks the best weights. Its figures are those of `evaluate --split val`, a little
    flattered by that choice.

    Raises:
        UserError: When it is not two or three numbers that add up to 1 or 100, or nothing is left to train on.
    """
    hint = "for example 70/15/15 (train/val/test) or 70/30 (train/val)"
    words = [word.strip().rstrip("%") for word in text.split("/")]
    if len(words) not in (2, 3) or not all(re.fullmatch(r"\d+(\.\d*)?|\.\d+", word) for word in words):
        raise UserError(f"{text!r} is not a split", hint)
    numbers = [float(word) for word in words] + [0.0] * (3 - len(words))
    total = sum(numbers)
    if min(abs(total - 1), abs(total - 100)) > 1e-6 * total:
        raise UserError(f"the split {text!r} adds up to {total:g}, not to 100", hint)
    if numbers[0] <= 0:
        raise UserError(f"the split {text!r} leaves nothing to train on", hint)
    train, val, test = (number / total for number in numbers)
    return train, val, test


def splits_of_folders(images: Iterable[str]) -> list[Split] | None:
    """The splits that a dataset already has, as its folders say ("train/images/1.png").

    Args:
        images: Paths below the dataset, with forward slashes.

    Returns:
        One for each image; None when they do not say it of every image, or say the same of all.
    """
    said: list[Split] = []
    for image in images:
        split = split_of_path(image)
        if split is None:
            return None
        said.append(Split(split))
    return said if len(set(said)) > 1 else None


def split_text(splits: Iterable[Split]) -> str:
    """How many are in each split, in words: "train 70, val 15, test 15"."""
    counts = Counter(splits)
    return ", ".join(f"{split} {counts[split]}" for split in _SPLITS if counts[split])


def assign(
    groups: Sequence[Hashable], fractions: Fractions, seed: int, kinds: Sequence[Hashable] | None = None
) -> list[Split]:
    """Give every sample its split: whole groups on one side, as near to the fractions as that allows.

    The answer depends on the groups' names and the seed, not on the order of the samples. Every split that shall have
    something gets at least one group, as long as there are groups.

    Args:
        groups: For each sample the group it belongs to; str() of it must be unique.
        fractions: Shares of train, val and test.
        seed: Another one gives another split.
        kinds: For each sample its kind (without a mask, empty, not empty); each kind is spread as all are.

    Returns:
        As many splits, in the order of `groups`.
    """
    part_of = _dealt(groups, dict(zip(_SPLITS, fractions, strict=True)), seed, kinds)
    return [part_of[group] for group in groups]


def folds(groups: Sequence[Hashable], count: int, seed: int, kinds: Sequence[Hashable] | None = None) -> list[int]:
    """Give every sample the fold that measures it: whole groups in one fold, folds as alike as that allows.

    As with `assign`, the answer depends on the groups' names and the seed, and every fold gets something.

    Args:
        groups: For each sample the group it belongs to; str() of it must be unique.
        count: How many folds.
        seed: Another one gives other folds.
        kinds: For each sample its kind (empty, little foreground, much of it); each kind is spread as all are.

    Returns:
        As many folds, from 0, in the order of `groups`.

    Raises:
        UserError: When there are fewer groups than folds.
    """
    different = len(set(groups))
    if different < count:
        raise UserError(
            f"{different} independent samples (near-duplicates and groups count as one) cannot make {count} folds",
            f"ask for {different} folds at most" if different > 1 else "add samples",
        )
    fold_of = _dealt(groups, dict.fromkeys(range(count), 1 / count), seed, kinds)
    return [fold_of[group] for group in groups]


def strata(foreground: Sequence[float | None]) -> list[str]:
    """The kinds that folds are balanced by: without foreground, and thirds of the others by their share of it.

    Args:
        foreground: Share of the area that each mask covers; None where it is not known.
    """
    known = sorted(share for share in foreground if share)
    thirds = [known[len(known) * part // 3] for part in (1, 2)] if known else []

    def kind(share: float | None) -> str:
        if share is None:
            return "unknown"
        return f"third {sum(share >= bound for bound in thirds) + 1}" if share else "empty"

    return [kind(share) for share in foreground]


def _dealt(
    groups: Sequence[Hashable], shares: Mapping[_Part, float], seed: int, kinds: Sequence[Hashable] | None
) -> dict[Hashable, _Part]:
    """The part of every group."""
    kinds = kinds if kinds is not None else [""] * len(groups)
    content: defaultdict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for group, kind in zip(groups, kinds, strict=True):
        content[group][kind] += 1
    dealer = _Dealer(Counter(kinds), shares)
    # The largest first, while there is room to balance them; among equals, chance decides.
    for group in sorted(content, key=lambda group: (-content[group].total(), _chance(seed, group))):
        dealer.deal(group, content[group])
    dealer.fill_empty_parts()
    return dealer.part_of


def _chance(seed: int, group: Hashable) -> bytes:
    return hashlib.blake2b(f"{seed}\0{group}".encode("utf-8", "surrogatepass"), digest_size=8).digest()


class _Dealer(Generic[_Part]):
    """Deals groups to parts, one after the other, each to where most of its kinds is still wanted."""

    def __init__(self, totals: Counter[Hashable], shares: Mapping[_Part, float]) -> None:
        self.part_of: dict[Hashable, _Part] = {}
        self._wanted = {
            part: {kind: count * share for kind, count in totals.items()} for part, share in shares.items() if share > 0
        }
        self._room = {part: totals.total() * share for part, share in shares.items()}
        self._share = dict(shares)
        self._size: dict[Hashable, int] = {}

    def deal(self, group: Hashable, content: Counter[Hashable]) -> None:
        size = content.total()
        part = max(self._wanted, key=lambda part: self._gain(part, content, size))
        self.part_of[group] = part
        self._size[group] = size
        self._room[part] -= size
        for kind, count in content.items():
            self._wanted[part][kind] -= count

    def _gain(self, part: _Part, content: Counter[Hashable], size: int) -> float:
        """How much nearer to the wish this part comes by the group.

        With w wanted and n given, the squared lack falls by w² - (w - n)² = n (2 w - n); it is measured in the part's
        own size, so that a small one is not starved. Each kind counts, and the sum a little: it settles which part
        the remainders of the kinds go to.
        """
        share = self._share[part]
        wanted = self._wanted[part]
        kinds = sum(count * (2 * wanted[kind] - count) for kind, count in content.items())
        return (kinds + _SUM_COUNTS * size * (2 * self._room[part] - size)) / share

    def fill_empty_parts(self) -> None:
        """Take the smallest group for a part that shall have something and got nothing: tiny datasets."""
        for part in self._wanted:
            if part in self.part_of.values():
                continue
            groups_in = Counter(self.part_of.values())
            giving = [group for group, given in self.part_of.items() if groups_in[given] > 1]
            if giving:
                self.part_of[min(reversed(giving), key=lambda group: self._size[group])] = part
