"""What the masks of a dataset hold, and which values are meant as foreground; every mask is looked at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segstudio.core.errors import BadImage
from segstudio.core.percentage import percent
from segstudio.core.reporter import Reporter
from segstudio.core.wording import count_text
from segstudio.formats import FORMATS, read_mask, read_mask_values, reason_of
from segstudio.formats.foreground import ForegroundRule, Value, value_text
from segstudio.formats.naming import split_suffix
from segstudio.formats.parallel import in_parallel

_KEPT_VALUES = 512
_SOLID = 0.2
_NOISE = 40
_MANY = 64
_FEW = 3
_BRIGHT = 192
_BATCH = 2000


@dataclass(frozen=True, slots=True)
class MaskFacts:
    """What one mask file holds.

    Attributes:
        width: In pixels.
        height: In pixels.
        keys: uint32 (K,): its values as 0xRRGGBB (grey g as (g, g, g)), ascending.
        counts: int64 (K,): pixels of each value.
        solid: int64 (K,): those of them whose four neighbours have the same value.
        is_complete: Whether these are all values, and not only the most frequent ones.
    """

    width: int
    height: int
    keys: np.ndarray
    counts: np.ndarray
    solid: np.ndarray
    is_complete: bool = True

    def share(self, rule: ForegroundRule) -> float | None:
        """The foreground's share of the area, 0 to 1; None when not all values are known."""
        if not self.is_complete:
            return None
        is_foreground = rule.apply(_colours(self.keys)[None])[0].astype(bool)
        return float(self.counts[is_foreground].sum() / self.counts.sum())


@dataclass(frozen=True, slots=True)
class ValueShare:
    """One value that occurs in the masks.

    Attributes:
        value: (grey,) or (red, green, blue).
        share: Of all pixels of all masks, 0 to 1.
        files: In how many masks it occurs.
        example: The mask that has most of it.
    """

    value: Value
    share: float
    files: int
    example: Path

    def __str__(self) -> str:
        masks = count_text(self.files, "mask")
        return f"{value_text(self.value)} ({percent(self.share, 2)} of all pixels, {masks})"


@dataclass(frozen=True)
class MaskSurvey:
    """What the masks hold, all together.

    Attributes:
        values: All values but black, the most frequent first.
        rule: What is proposed as foreground.
        needs_choice: Whether only a person can say what is foreground.
        reason: Why the rule was proposed, in words.
        facts: What each readable mask holds.
        problems: (path, reason) of each mask that cannot be read.
    """

    values: list[ValueShare]
    rule: ForegroundRule
    needs_choice: bool
    reason: str
    facts: dict[Path, MaskFacts] = field(default_factory=dict)
    problems: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def is_colour(self) -> bool:
        """Whether any value is a colour."""
        return any(len(one.value) == 3 for one in self.values)


def survey_masks(paths: Sequence[Path], report: Reporter | None = None) -> MaskSurvey:
    """Look at every mask and find out which values are foreground.

    A single value besides black is foreground. Several are real classes when they fill areas, and then a person must
    choose; when they are only a seam between black and one value, edges were smoothed (or JPEG has blurred them), and
    half of the brightness is the border.

    Args:
        paths: The mask files.
        report: Told about the progress.
    """
    facts: dict[Path, MaskFacts] = {}
    problems: list[tuple[Path, str]] = []
    for path, found in zip(paths, in_parallel(_facts_or_error, paths, report, "looking at masks"), strict=True):
        if isinstance(found, BadImage):
            problems.append((path, reason_of(found, path)))
        else:
            facts[path] = found
    pooled = _pooled(list(facts.values()))
    names = list(facts)
    total = max(int(pooled.counts.sum()), 1)
    values = [
        ValueShare(_value(key), count / total, int(files), names[example])
        for key, count, files, example in zip(pooled.keys, pooled.counts, pooled.files, pooled.example, strict=True)
        if key
    ]
    values.sort(key=lambda one: (-one.share, one.value))
    rule, needs_choice, reason = _proposal(pooled, is_lossy=any(_is_lossy(path) for path in facts))
    return MaskSurvey(values, rule, needs_choice, reason, facts, problems)


def mask_facts(path: Path) -> MaskFacts:
    """What a mask file holds; raises BadImage when it cannot be read."""
    values = read_mask_values(path)
    height, width = values.shape[:2]
    packed = _packed(values)
    keys, counts = _counted(packed)
    solid = counts if np.count_nonzero(keys) <= 1 else _solid_counts(packed, keys)
    if len(keys) <= _KEPT_VALUES:
        return MaskFacts(width, height, keys, counts, solid)
    most = np.sort(np.argsort(counts, kind="stable")[-_KEPT_VALUES:])
    return MaskFacts(width, height, keys[most], counts[most], solid[most], is_complete=False)


def foreground_share(path: Path, facts: MaskFacts, rule: ForegroundRule) -> float:
    """The foreground's share of a mask's area, 0 to 1; decodes the file only when the facts are not enough."""
    share = facts.share(rule)
    return float(read_mask(path, rule).mean()) if share is None else share


def _facts_or_error(path: Path) -> MaskFacts | BadImage:
    try:
        return mask_facts(path)
    except BadImage as error:
        return error


# --- counting -------------------------------------------------------------------------------------------------------


def _packed(values: np.ndarray) -> np.ndarray:
    """Grey as uint8 (H, W); colours as uint32 (H, W) of 0xRRGGBB."""
    if values.ndim == 2:
        return values
    red, green, blue = values[..., 0], values[..., 1], values[..., 2]
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return np.ascontiguousarray(red)
    packed: np.ndarray = (red.astype(np.uint32) << 16) | (green.astype(np.uint32) << 8) | blue
    return packed


def _counted(packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values as 0xRRGGBB, ascending, and how often each occurs."""
    if packed.dtype == np.uint8:
        counts = np.bincount(packed.ravel(), minlength=256)
        greys = np.flatnonzero(counts)
        return (greys * 0x010101).astype(np.uint32), counts[greys]
    # Masks are long runs of few values: count runs instead of sorting millions of pixels.
    flat = packed.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(starts, append=flat.size)
    keys, inverse = np.unique(flat[starts], return_inverse=True)
    return keys, np.bincount(inverse, weights=lengths).astype(np.int64)


def _solid_counts(packed: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """How many pixels of each key have four neighbours of the same value; outside the picture counts as the same."""
    same = np.ones(packed.shape, bool)
    beside, below = packed[:, 1:] == packed[:, :-1], packed[1:] == packed[:-1]
    same[:, 1:] &= beside
    same[:, :-1] &= beside
    same[1:] &= below
    same[:-1] &= below
    inner = packed[same]
    result = np.zeros(len(keys), np.int64)
    if inner.size:
        found, counts = _counted(inner)
        result[np.searchsorted(keys, found)] = counts
    return result


class _Pooled(NamedTuple):
    """Values of all masks: keys, pixels, solid pixels, number of masks, index of the mask with most of it."""

    keys: np.ndarray
    counts: np.ndarray
    solid: np.ndarray
    files: np.ndarray
    example: np.ndarray


def _pooled(facts: list[MaskFacts]) -> _Pooled:
    parts = [_pool_batch(facts[start : start + _BATCH], start) for start in range(0, len(facts), _BATCH)]
    if not parts:
        none = np.empty(0, np.int64)
        return _Pooled(none.astype(np.uint32), none, none, none, none)
    return parts[0] if len(parts) == 1 else _merged(parts)


def _pool_batch(facts: Sequence[MaskFacts], first: int) -> _Pooled:
    parts = []
    for index, one in enumerate(facts, start=first):
        ones = np.ones(len(one.keys), np.int64)
        parts.append(_Pooled(one.keys, one.counts, one.solid, ones, ones * index))
    return _merged(parts)


def _merged(parts: Iterable[_Pooled]) -> _Pooled:
    keys, counts, solid, files, example = (np.concatenate(column) for column in zip(*parts, strict=True))
    distinct, inverse = np.unique(keys, return_inverse=True)

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(inverse, weights=values, minlength=len(distinct)).astype(np.int64)

    examples = np.zeros(len(distinct), np.int64)
    rising = np.argsort(counts, kind="stable")
    examples[inverse[rising]] = example[rising]  # the last assignment stays: that of the greatest count
    return _Pooled(distinct, summed(counts), summed(solid), summed(files), examples)


# --- judging --------------------------------------------------------------------------------------------------------


def _proposal(pooled: _Pooled, *, is_lossy: bool) -> tuple[ForegroundRule, bool, str]:
    """The rule, whether a person must choose, and why."""
    is_drawn = pooled.keys != 0
    keys, counts, solid = pooled.keys[is_drawn], pooled.counts[is_drawn], pooled.solid[is_drawn]
    if not len(keys):
        return ForegroundRule(), False, "all masks are empty" if len(pooled.keys) else "there are no masks yet"
    if len(keys) == 1:
        return _single(_value(keys[0]))
    is_noisy = is_lossy or len(keys) > _MANY
    order = np.argsort(-counts, kind="stable")
    areas = [_value(keys[i]) for i in order if solid[i] >= _SOLID * counts[i] and solid[i] > 0]
    if is_noisy:
        areas = _without_noise(areas)
    is_soft = len(areas) <= 1 and (is_noisy or len(keys) > _FEW)
    if not is_soft or not (areas or _is_grey(keys)):
        return ForegroundRule(kind="nonzero"), True, f"the masks hold {len(keys)} values besides 0"
    brightest = max(max(value) for value in areas or [_value(key) for key in keys])
    threshold = 127 if brightest >= _BRIGHT else brightest // 2
    return ForegroundRule(threshold=threshold), False, f"the masks have soft edges, with values up to {brightest}"


def _single(value: Value) -> tuple[ForegroundRule, bool, str]:
    if len(value) == 3:
        return ForegroundRule(kind="values", values=(value,)), False, f"the only colour is {value_text(value)}"
    rule = ForegroundRule() if value[0] > ForegroundRule().threshold else ForegroundRule(kind="nonzero")
    return rule, False, f"the only value besides 0 is {value[0]}"


def _without_noise(values: list[Value]) -> list[Value]:
    """Drop what lies near black or near a more frequent value: a lossy format, or a resize, has made it."""
    kept: list[Value] = [(0, 0, 0)]
    for value in values:
        colour = value * 3 if len(value) == 1 else value
        if all(max(abs(a - b) for a, b in zip(colour, other, strict=True)) > _NOISE for other in kept):
            kept.append(colour)
    return kept[1:]


def _is_lossy(path: Path) -> bool:
    suffix = split_suffix(path.name)[1]
    return any(entry.is_lossy and suffix in entry.suffixes for entry in FORMATS)


def _value(key: int) -> Value:
    red, green, blue = (int(key) >> 16) & 255, (int(key) >> 8) & 255, int(key) & 255
    return (red,) if red == green == blue else (red, green, blue)


def _colours(keys: np.ndarray) -> np.ndarray:
    """uint32 (K,) of 0xRRGGBB as uint8 (K, 3)."""
    return np.stack([(keys >> shift) & 255 for shift in (16, 8, 0)], axis=-1).astype(np.uint8)


def _is_grey(keys: np.ndarray) -> bool:
    colours = _colours(keys)
    return bool((colours == colours[:, :1]).all())
