"""What a dataset holds, found out before a project is made of it: pairs, sizes that differ, values of the masks."""

import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled
from segstudio.core.wording import count_text
from segstudio.formats import Unreadable, image_size, read_mask_values
from segstudio.formats.archive import extract, is_archive
from segstudio.formats.foreground import ForegroundRule
from segstudio.formats.naming import split_suffix
from segstudio.formats.pairing import Pair, Scan
from segstudio.formats.parallel import in_parallel
from segstudio.formats.survey import MaskSurvey, survey_masks
from segstudio.volumes import Slicing, all_suffixes
from segstudio.volumes.looking import Look
from segstudio.volumes.record import VolumeRecord
from segstudio.volumes.unpacking import Holding, Unpacked, find, unpack, volume_format


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the pairing table.

    Attributes:
        image: Path below the dataset; empty for a mask without an image.
        mask: Path below the dataset; empty without one.
        how: Why they belong together.
        problem: What a person should look at, or empty.
    """

    image: str
    mask: str
    how: str
    problem: str


@dataclass(frozen=True, eq=False)
class Preview:
    """All that is shown of a dataset.

    Attributes:
        found: The pairs and what could not be paired.
        rows: The lines of the table, those with a problem first.
        survey: What the masks hold, or None without masks.
        differing: How many masks have another size than their image.
        volumes: How many volumes the images are slices of.
        folders: What may be chosen as the place of images or masks: folders, or the volumes beside a single one.
        look: One of the volumes, to see a slice of it; None without.
    """

    found: Scan
    rows: list[Row]
    survey: MaskSurvey | None
    differing: int = 0
    volumes: int = 0
    folders: list[str] = field(default_factory=list)
    look: Look | None = None

    def sentence(self, rule: ForegroundRule | None = None) -> str:
        """The dataset in one line; `rule` says what is foreground, None when that is still to be chosen."""
        pairs = self.found.pairs
        empty, full = self._empty_and_full(rule)
        parts = [count_text(len(pairs), "image"), f"{self.found.with_mask} with a mask"]
        if self.volumes:
            parts.insert(0, count_text(self.volumes, "volume"))
        without = len(pairs) - self.found.with_mask
        for count, words in (
            (without, "without a mask"),
            (len(self.found.ambiguous), "ambiguous"),
            (len(self.found.unmatched_masks), "masks without an image"),
            (empty, "masks empty" if empty > 1 else "mask empty"),
            (full, "masks full" if full > 1 else "mask full"),
            (self.differing, "of another size than their image"),
            (len(self.survey.problems) if self.survey else 0, "masks unreadable"),
        ):
            if count:
                parts.append(f"{count} {words}")
        return "  ·  ".join(parts)

    def _empty_and_full(self, rule: ForegroundRule | None) -> tuple[int, int]:
        """How many of the paired masks have no foreground, and how many nothing else."""
        if rule is None or self.survey is None:
            return 0, 0
        shares = [facts.share(rule) for facts in self.survey.facts.values()]
        return sum(share == 0 for share in shares), sum(share == 1 for share in shares)


@dataclass
class Inspection:
    """A look at a dataset that goes on in the background.

    Attributes:
        source: Folder, archive or volume.
        images: Folder of the images below it, or empty to go by names.
        masks: Folder of the masks below it, or empty to go by names; of a single volume its mask.
        slicing: How volumes are taken apart.
        state: Written by the looking thread, read by the window: (done, total, text).
    """

    source: Path
    images: str = ""
    masks: str = ""
    slicing: Slicing = field(default_factory=Slicing)
    state: tuple[float, float, str] = (0, 0, "")
    _is_unwanted: threading.Event = field(default_factory=threading.Event)
    _unpacked: "tempfile.TemporaryDirectory[str] | None" = None
    _look: Look | None = None

    def cancel(self) -> None:
        """Stop at the next step; `run` then raises Cancelled."""
        self._is_unwanted.set()

    def run(self) -> Preview:
        """Look at everything; called in a background thread.

        Raises:
            UserError: When there is nothing to be found.
            Cancelled: After `cancel`.
        """
        holding = find(self._folder(), self.images or None, self.masks or None, self)
        found = holding.scan
        unpacked = self._taken_apart(holding) if holding.volumes else None
        if unpacked is not None:
            found = unpacked.scan
        paths = [found.source / pair.mask for pair in found.pairs if pair.mask is not None]
        survey = survey_masks(paths, self) if paths else None
        if unpacked is not None:
            return self._preview_of_volumes(holding, unpacked, survey)
        return replace(_preview(found, survey, self), folders=_folders(found))

    def clean_up(self) -> None:
        """Remove what was unpacked to look at it."""
        if self._look is not None:
            self._look.close()
            self._look = None
        if self._unpacked is not None:
            self._unpacked.cleanup()
            self._unpacked = None

    def _folder(self) -> Path:
        if not self.source.exists():
            raise UserError(f"{self.source}: there is no such folder or file")
        if self.source.is_dir():
            return self.source
        if not is_archive(self.source):
            if volume_format(self.source) is not None:
                return self.source
            raise UserError(
                f"{self.source}: this is neither a folder nor a zip archive nor a volume", "unpack it, give the folder"
            )
        folder = self._scratch() / self.source.stem
        extract(self.source, folder, self)
        return folder

    def _scratch(self) -> Path:
        if self._unpacked is None:
            self._unpacked = tempfile.TemporaryDirectory(prefix="segstudio-", ignore_cleanup_errors=True)
        return Path(self._unpacked.name)

    def _taken_apart(self, holding: Holding) -> Unpacked:
        """The slices that the volumes will become, of which the masks alone are written, to see what they hold."""
        return unpack(holding, self._scratch() / "masks", self.slicing, self, is_for_looking=True)

    def _preview_of_volumes(self, holding: Holding, unpacked: Unpacked, survey: MaskSurvey | None) -> Preview:
        """A line for each volume, not for each of its slices."""
        slices = {path for record in unpacked.records for path in record.slices}
        pairs = {pair.image: pair for pair in unpacked.scan.pairs}
        plain = [pair for pair in unpacked.scan.pairs if pair.image not in slices]
        pictures = _preview(replace(unpacked.scan, pairs=plain), survey, self)
        how = {pair.image: pair.how for pair in holding.scan.pairs}
        rows = [_row(record, pairs, how[record.image]) for record in unpacked.records]
        folders, images, masks = _folders(holding.scan), holding.scan.image_folders, holding.scan.mask_folders
        if self.source.is_file() and not is_archive(self.source):
            (pair,) = holding.scan.pairs
            folders, images = _volumes_beside(self.source), [pair.image]
            masks = [] if pair.mask is None else [pair.mask]
        found = replace(unpacked.scan, image_folders=images, mask_folders=masks)
        self._look = self._first_look(holding, unpacked)
        rows = sorted([*rows, *pictures.rows], key=lambda row: not row.problem)
        return Preview(found, rows, survey, pictures.differing, len(unpacked.records), folders, self._look)

    def _first_look(self, holding: Holding, unpacked: Unpacked) -> Look | None:
        for record in unpacked.records:
            kind = holding.volumes[record.image]
            with suppress(Unreadable):
                return Look(kind, holding.scan.source / record.image, self.slicing, self._scratch(), self)
        return None

    # Reporter

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Say how far it is; Cancelled when it is not wanted any more."""
        self.state = (done, total, text)
        if self._is_unwanted.is_set():
            raise Cancelled

    def pace(self, *, is_even: bool) -> None:
        """Nobody is told how long it takes."""

    def metric(self, step: int, **values: float) -> None:
        """Nothing is measured here."""

    def note(self, subject: str, text: str) -> None:
        """What is left out stands in the scan as well."""

    def artifact(self, path: Path) -> None:
        """Nothing is written for others."""

    def log(self, text: str) -> None:
        """Nobody reads it."""


def colour_preview(path: Path, rule: ForegroundRule, foreground: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """A mask as its file shows it, with what the rule calls foreground in one colour.

    Returns:
        uint8 (H, W, 3).
    """
    values = read_mask_values(path)
    shown = np.stack([values] * 3, axis=-1) if values.ndim == 2 else values.copy()
    brightest = int(shown.max(initial=0))
    if 0 < brightest < 64:  # classes 1, 2, 3 are black to the eye
        shown = (shown.astype(np.float32) * (160 / brightest)).astype(np.uint8)
    shown = shown // 2
    shown[rule.apply(values) > 0] = foreground
    return np.ascontiguousarray(shown)


def _preview(found: Scan, survey: MaskSurvey | None, inspection: Inspection) -> Preview:
    sizes = in_parallel(_size, [found.source / pair.image for pair in found.pairs], inspection, "looking at images")
    rows, differing = [], 0
    for pair, size in zip(found.pairs, sizes, strict=True):
        problem, is_differing = _problem(found.source, pair, size, survey)
        differing += is_differing
        rows.append(Row(pair.image, pair.mask or "", pair.how, problem))
    rows += [Row("", mask, "", "mask without an image") for mask in found.unmatched_masks]
    rows += [Row(path, "", "", reason) for path, reason in found.notes]
    rows.sort(key=lambda row: not row.problem)
    return Preview(found, rows, survey, differing)


def _row(record: VolumeRecord, pairs: Mapping[str, Pair], how: str) -> Row:
    first = next(pairs[path] for path in record.slices if path is not None)
    what = f"{record.words}, {how}" if first.mask else record.words
    problem = "" if first.mask else f"{first.problem or 'no mask'}: {record.words}"
    return Row(record.image, record.mask or "", what, problem)


def _folders(found: Scan) -> list[str]:
    return sorted({*found.image_folders, *found.mask_folders})


def _volumes_beside(source: Path) -> list[str]:
    """The volumes that may be the mask of another one, by their names."""
    suffixes = all_suffixes()
    names = (path.name for path in source.parent.iterdir() if path.name != source.name)
    return sorted(name for name in names if split_suffix(name)[1] in suffixes)


def _problem(source: Path, pair: Pair, size: tuple[int, int] | str, survey: MaskSurvey | None) -> tuple[str, bool]:
    """What a person should look at, and whether it is that the mask has another size than the image."""
    if isinstance(size, str):
        return size, False
    if pair.mask is None or survey is None:
        return pair.problem or "no mask", False
    path = source / pair.mask
    facts = survey.facts.get(path)
    if facts is None:
        return dict(survey.problems).get(path, "the mask cannot be read"), False
    if (facts.width, facts.height) != size:
        return f"the mask is {facts.width}×{facts.height}, the image {size[0]}×{size[1]}", True
    return pair.problem, False


def _size(path: Path) -> tuple[int, int] | str:
    try:
        return image_size(path)
    except UserError as error:
        return error.message
