"""Taking the volumes of a dataset apart: images through one window into 8 bits, labels as they are, each a PNG."""

import errno
import functools
import secrets
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, Phase, Reporter
from segstudio.formats import Unreadable, encode_grey, encode_rgb
from segstudio.formats.archive import allowed, check_space
from segstudio.formats.listing import Note
from segstudio.formats.naming import folded, split_suffix
from segstudio.formats.pairing import Pair, Scan, scan
from segstudio.formats.parallel import in_parallel
from segstudio.formats.window import Bounds, bounds, parse_window, scaled
from segstudio.volumes import VOLUME_FORMATS, Slicing, Volume, VolumeFormat, all_suffixes, volume_suffixes
from segstudio.volumes.record import VolumeRecord, write_records

IMAGES, MASKS = "images", "masks"

_SAMPLED = 4_000_000
"""Values of which the window is found: of so many, a thousandth is known well enough."""

_AIR = -1024.0
"""Hounsfield units: what CT files hold below it lies outside of the scanner's view."""

_CHANNEL = 4
"""Digits that nnU-Net writes behind a case's name for each of its channels."""


@dataclass(frozen=True)
class Holding:
    """What a dataset holds, volumes included.

    Attributes:
        scan: Its images and masks; a volume is one of either.
        volumes: Paths below the source of those that are volumes, with their kinds.
    """

    scan: Scan
    volumes: dict[str, type[VolumeFormat]] = field(default_factory=dict)


class Unpacked(NamedTuple):
    """A dataset of slices.

    Attributes:
        scan: Every slice, with its mask or without, below the new folder.
        records: The volumes that they come from.
    """

    scan: Scan
    records: list[VolumeRecord]


def volume_format(path: Path) -> type[VolumeFormat] | None:
    """The kind of volume that a file is, or None for an ordinary picture and everything else."""
    suffix = split_suffix(path.name)[1]
    return next(
        (one for one in VOLUME_FORMATS if suffix in one.suffixes and path.is_file() and one.is_stack(path)), None
    )


def find(
    source: Path,
    images: str | None = None,
    masks: str | None = None,
    report: Reporter | None = None,
    *,
    skip: Collection[Path] = (),
) -> Holding:
    """Find images and masks below a folder, as `scan` does, and which of them are volumes; or those of one volume.

    Args:
        source: The dataset's folder, or a file that is a volume: its labels are looked for beside it.
        images: The folder of the images, below `source`, when names shall not decide.
        masks: The folder of the masks, below `source`; of a single volume the file of its labels.
        report: Told about the progress.
        skip: Folders that are not entered.

    Raises:
        UserError: As `scan`.
    """
    if source.is_file():
        return _single(source, masks, report)
    found = _without_other_channels(scan(source, images, masks, report, skip=skip, also=volume_suffixes()))
    suffixes = all_suffixes()
    paths = [path for pair in found.pairs for path in (pair.image, pair.mask) if path is not None]
    candidates = [path for path in paths if split_suffix(path)[1] in suffixes]
    kinds = in_parallel(lambda path: volume_format(source / path), candidates, report, "looking for volumes")
    return Holding(found, {path: kind for path, kind in zip(candidates, kinds, strict=True) if kind is not None})


def _single(source: Path, masks: str | None, report: Reporter | None) -> Holding:
    folder, labels, how = source.parent, None, ""
    if masks:
        labels = folder / Path(masks).expanduser()
        if not labels.is_file():
            raise UserError(f"{masks}: there is no such file", "give the volume that holds the labels of this one")
        how = "said by the user"
    else:
        beside = scan(folder, report=report, also=volume_suffixes(), is_deep=False)
        pair = next((pair for pair in beside.pairs if pair.image == source.name and pair.mask), None)
        if pair is not None and pair.mask is not None:
            labels, how = folder / pair.mask, pair.how
    volumes = {}
    for path in filter(None, (source, labels)):
        kind = volume_format(path)
        if kind is None:
            raise UserError(f"{path}: this is no volume", f"readable are {_titles()}")
        volumes[_told(path, folder)] = kind
    pair = Pair(source.name, None if labels is None else _told(labels, folder), how)
    return Holding(Scan(folder, [pair], image_folders=["."], mask_folders=["."] if labels else []), volumes)


def _told(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _titles() -> str:
    return ", ".join(entry.title for entry in VOLUME_FORMATS)


def _without_other_channels(found: Scan) -> Scan:
    """Of nnU-Net's case_0000, case_0001, ... only the first: they are one case, and it has one mask."""
    cases: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in found.pairs:
        stem, suffix = split_suffix(pair.image)
        case, _, number = stem.rpartition("_")
        if case and suffix in volume_suffixes() and len(number) == _CHANNEL and number.isdecimal():
            cases[folded(case)].append(pair)
    others = [
        pair
        for several in cases.values()
        if any(split_suffix(pair.image)[0].endswith("_0000") for pair in several)
        for pair in several
        if pair.mask is None and not split_suffix(pair.image)[0].endswith("_0000")
    ]
    if not others:
        return found
    left_out = {pair.image for pair in others}
    notes = [(pair.image, "another channel of the same case; _0000 is taken") for pair in others]
    return replace(
        found, pairs=[pair for pair in found.pairs if pair.image not in left_out], notes=sorted([*found.notes, *notes])
    )


def unpack(
    holding: Holding, folder: Path, slicing: Slicing, report: Reporter, *, is_for_looking: bool = False
) -> Unpacked:
    """Write a dataset of slices into a new folder, which appears only when it is complete.

    Ordinary pictures beside the volumes are copied. What cannot be read is noted, and the rest goes on.

    Args:
        holding: What the dataset holds.
        folder: Where images/, masks/ and volumes.json shall lie; must not exist.
        slicing: How volumes are taken apart.
        report: Told about the progress; may cancel, which leaves nothing behind.
        is_for_looking: Whether masks of volumes alone are written, to see what they hold. Slices of images are then
            named and do not exist, and ordinary pictures are named where they lie.

    Raises:
        UserError: When the disk has no room, or nothing at all can be read.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = folder.parent / f".tmp-{secrets.token_hex(8)}"
    try:
        place.mkdir()
        unpacking = _Unpacking(holding, place, slicing, report, is_for_looking=is_for_looking)
        unpacking.run()
        result = unpacking.result(folder)
        shutil.rmtree(unpacking.scratch)
        place.rename(folder)
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise UserError(f"{folder} cannot be written: {error.strerror or error}") from error
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return result


@contextmanager
def opened(kind: type[VolumeFormat], path: Path, slicing: Slicing) -> Iterator[Volume]:
    """A volume, closed again in the end.

    Raises:
        Unreadable: When it cannot be opened.
    """
    with _damage_told():
        volume = kind.open(path, slicing)
    try:
        yield volume
    finally:
        volume.close()


def prepare(volume: Volume, scratch: Path, report: Reporter) -> None:
    """Make the slices of a volume readable.

    Args:
        volume: What `opened` gives.
        scratch: A folder for temporary files.
        report: Told about the progress; may cancel.

    Raises:
        Unreadable: When it is damaged.
        OSError: When the disk is full.
    """
    with _damage_told():
        volume.prepare(scratch, report)


def read_slice(volume: Volume, index: int) -> np.ndarray:
    """One slice of a prepared volume, see Volume.read.

    Raises:
        Unreadable: When it is damaged.
    """
    with _damage_told():
        return volume.read(index)


@contextmanager
def _damage_told() -> Iterator[None]:
    """Whatever a decoder says of a file becomes Unreadable; they raise nearly everything for a damaged one."""
    try:
        yield
    except (Unreadable, UserError, Cancelled):
        raise
    except MemoryError as error:
        raise Unreadable("the volume does not fit into memory") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise Unreadable(error.strerror.lower() if error.strerror else f"the file is damaged ({error})") from error
    except Exception as error:
        raise Unreadable(f"the file is damaged ({error})") from error


class _Unpacking:
    """Volume after volume, picture after picture."""

    def __init__(
        self, holding: Holding, place: Path, slicing: Slicing, report: Reporter, *, is_for_looking: bool
    ) -> None:
        self.scratch = place / ".scratch"
        self._holding = holding
        self._source = holding.scan.source
        self._place = place
        self._slicing = slicing
        self._report = report
        self._is_for_looking = is_for_looking
        self._names = _Names([pair.image for pair in holding.scan.pairs])
        self._pairs: list[Pair] = []
        self._notes: list[Note] = []
        self._records: list[VolumeRecord] = []

    def run(self) -> None:
        self.scratch.mkdir()
        pairs = self._holding.scan.pairs
        sizes = list(in_parallel(self._bytes, pairs, self._report, "looking at volumes"))
        total = max(sum(sizes), 1)
        if not self._is_for_looking:
            check_space(self._source, self._place, sum(sizes))
        done = 0
        for pair, size in zip(pairs, sizes, strict=True):
            phase = Phase(self._report, done / total, size / total)
            try:
                self._one(pair, phase)
            except Unreadable as error:
                self._notes.append((pair.image, _reason(error)))
                shutil.rmtree(self._place / MASKS / self._names.of(pair.image), ignore_errors=True)
            done += size

    def _one(self, pair: Pair, report: Phase) -> None:
        volumes = self._holding.volumes
        if pair.image in volumes:
            self._take_apart(pair, report)
        elif pair.mask in volumes:
            self._copy(replace(pair, mask=None, how="", problem="the mask is a volume, the image one picture"))
            self._notes.append((str(pair.mask), "a volume as the mask of one picture was left out"))
        else:
            self._copy(pair)
        report.progress(1, 1, pair.image)

    def _bytes(self, pair: Pair) -> int:
        """How much it is at most, as slices of 8 bits; the size of the file for a picture."""
        kind = self._holding.volumes.get(pair.image)
        path = self._source / pair.image
        try:
            if kind is None:
                return path.stat().st_size
            with opened(kind, path, self._slicing) as volume:
                return volume.count * volume.height * volume.width
        except (Unreadable, OSError):
            return 1

    def _copy(self, pair: Pair) -> None:
        if self._is_for_looking:
            mask = None if pair.mask is None else str(self._source / pair.mask)
            self._pairs.append(replace(pair, image=str(self._source / pair.image), mask=mask))
            return
        image = f"{IMAGES}/{self._names.of(pair.image)}{split_suffix(pair.image)[1]}"
        mask = None if pair.mask is None else f"{MASKS}/{self._names.of(pair.image)}{split_suffix(pair.mask)[1]}"
        for source, target in ((pair.image, image), (pair.mask, mask)):
            if source is not None and target is not None:
                (self._place / target).parent.mkdir(parents=True, exist_ok=True)
                try:
                    shutil.copyfile(self._source / source, self._place / target)
                except (PermissionError, FileNotFoundError) as error:
                    raise Unreadable(str(error.strerror).lower()) from error
        self._pairs.append(replace(pair, image=image, mask=mask))

    def _take_apart(self, pair: Pair, report: Phase) -> None:
        kind = self._holding.volumes[pair.image]
        name = self._names.of(pair.image)
        with opened(kind, self._source / pair.image, self._slicing) as volume:
            if volume.remark:
                self._notes.append((pair.image, volume.remark))
            share = 0 if pair.mask is None else 1 if self._is_for_looking else 0.3
            has_labels, problem = self._take_labels(pair, name, volume, report.part(0, share))
            seen, results = self._take_images(pair.image, name, volume, report.part(share, 1 - share))
            slices: list[str | None] = []
            stem = name.rpartition("/")[2]
            for index, result in enumerate(results):
                if isinstance(result, Unreadable):
                    self._notes.append((pair.image, f"slice {index + 1}: {_reason(result)}"))
                    slices.append(None)
                    (self._place / self._path(volume, f"{MASKS}/{name}/{stem}", index)).unlink(missing_ok=True)
                    continue
                mask = f"{MASKS}{result.removeprefix(IMAGES)}" if index in has_labels else None
                self._pairs.append(
                    Pair(result, mask, pair.how if mask else "", "" if mask else problem or pair.problem)
                )
                slices.append(result)
        if any(slices):
            window = None if seen is None else (float(seen[0]), float(seen[1]))
            self._records.append(
                VolumeRecord(
                    name, pair.image, pair.mask, volume.plane, window, volume.subject, volume.size, slices, volume.place
                )
            )

    def _take_images(
        self, path: str, name: str, volume: Volume, report: Phase
    ) -> tuple[Bounds | None, Iterator[str | Unreadable]]:
        """Write the slices of a volume; through which window, and where each lies or what is wrong with it."""
        start = f"{IMAGES}/{name}/{name.rpartition('/')[2]}"
        if self._is_for_looking:
            return None, (self._path(volume, start, index) for index in range(volume.count))
        prepare(volume, self.scratch, report.part(0, 0.3))
        seen = window_of(volume, parse_window(self._slicing.window), report.part(0.3, 0.2))
        write = functools.partial(self._write_image, volume, seen, start)
        return seen, in_parallel(write, range(volume.count), report.part(0.5, 0.5), f"slices of {path}")

    def _take_labels(self, pair: Pair, name: str, image: Volume, report: Phase) -> tuple[set[int], str]:
        """Write the masks of the slices; the slices that have one, and what kept others from it."""
        if pair.mask is None:
            return set(), ""
        kind = self._holding.volumes.get(pair.mask)
        try:
            if kind is None:
                raise Unreadable("the mask is one picture, the image a volume")
            with opened(kind, self._source / pair.mask, self._labels_slicing(image)) as labels:
                if remark := labels.lie_as(image) or labels.remark:
                    self._notes.append((pair.mask, remark))
                if labels.size != image.size:
                    raise Unreadable(f"the mask has {labels.words}, the image {image.words}; nothing is resized")
                prepare(labels, self.scratch, report.part(0, 0.4))
                values = _Labels(labels, report.part(0.4, 0.3))
                stem = name.rpartition("/")[2]
                write = functools.partial(self._write_mask, values, f"{MASKS}/{name}/{stem}")
                results = in_parallel(write, range(labels.count), report.part(0.7, 0.3), f"masks of {pair.mask}")
                written = set()
                for index, result in enumerate(results):
                    if isinstance(result, Unreadable):
                        self._notes.append((pair.mask, f"slice {index + 1}: {_reason(result)}"))
                    else:
                        written.add(index)
                return written, "its mask cannot be read"
        except Unreadable as error:
            shutil.rmtree(self._place / MASKS / name, ignore_errors=True)
            self._notes.append((pair.mask, _reason(error)))
            return set(), _reason(error)

    def _labels_slicing(self, image: Volume) -> Slicing:
        return self._slicing.replaced(plane=image.plane, channel=1)

    def _write_image(self, volume: Volume, seen: Bounds | None, start: str, index: int) -> str | Unreadable:
        try:
            pixels = shown(volume, seen, index)
        except Unreadable as error:
            return error
        return self._put(volume, start, index, encode_rgb(pixels) if pixels.ndim == 3 else encode_grey(pixels))

    def _write_mask(self, labels: "_Labels", start: str, index: int) -> str | Unreadable:
        try:
            values = labels.read(index)
        except Unreadable as error:
            return error
        return self._put(labels.volume, start, index, encode_rgb(values) if values.ndim == 3 else encode_grey(values))

    def _put(self, volume: Volume, start: str, index: int, data: bytes) -> str:
        path = self._path(volume, start, index)
        target = self._place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return path

    @staticmethod
    def _path(volume: Volume, start: str, index: int) -> str:
        digits = max(3, len(str(volume.count)))
        return f"{start}_{index + 1:0{digits}d}.png"

    def result(self, folder: Path) -> Unpacked:
        if not self._pairs:
            path, reason = self._notes[0]
            raise UserError(f"{path}: {reason}", "nothing else in it could be read")
        write_records(self._place, self._records)
        found = self._holding.scan
        return Unpacked(
            replace(
                found,
                source=folder,
                pairs=sorted(self._pairs, key=lambda pair: pair.image),
                notes=[*self._notes, *found.notes],
                image_folders=[IMAGES],
                mask_folders=[MASKS],
            ),
            self._records,
        )


class _Names:
    """The paths of images without suffix and without the folders that all share, each once on every file system."""

    def __init__(self, images: list[str]) -> None:
        folders = [image.split("/")[:-1] for image in images if not Path(image).is_absolute()]
        first, last = min(folders, default=[]), max(folders, default=[])
        same = [one == other for one, other in zip(first, last, strict=False)]
        self._shared = same.index(False) if False in same else len(same)
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, image: str) -> str:
        if image not in self._given:
            parts = [allowed(part, is_windows=True) for part in split_suffix(image)[0].split("/")[self._shared :]]
            plain = name = "/".join(parts)
            number = 2
            while folded(name) in self._taken:
                name, number = f"{plain}-{number}", number + 1
            self._taken.add(folded(name))
            self._given[image] = name
        return self._given[image]


def _reason(error: Unreadable) -> str:
    return f"{error.reason} ({error.hint})" if error.hint else error.reason


def _without_gaps(values: np.ndarray, low: float) -> np.ndarray:
    """Values with `low` where there is no number."""
    if not np.issubdtype(values.dtype, np.floating) or np.isfinite(values).all():
        return values
    return np.where(np.isfinite(values), values, low)


def shown(volume: Volume, seen: Bounds | None, index: int) -> np.ndarray:
    """A slice as 8 bits, through a window: uint8 (H, W) or (H, W, 3).

    Raises:
        Unreadable: When it is damaged.
    """
    values = read_slice(volume, index)
    if values.ndim == 3:
        return values
    grey: np.ndarray = values.astype(np.uint8) if seen is None else scaled(_without_gaps(values, seen[0]), *seen)
    return 255 - grey if volume.is_inverted else grey


class _Sample(NamedTuple):
    """What is known of one slice's values: the least and the greatest, whether all are whole, and some of them."""

    low: float
    high: float
    is_whole: bool
    some: np.ndarray


def _sampled(volume: Volume, step: int, index: int) -> _Sample | None:
    try:
        values = read_slice(volume, index)
    except Unreadable:  # told when it is written
        return None
    if values.ndim == 3:
        return None
    flat = values.ravel()
    if np.issubdtype(flat.dtype, np.floating):
        flat = flat[np.isfinite(flat)]
    if not flat.size:
        return None
    is_whole = np.issubdtype(flat.dtype, np.integer) or bool((flat == np.rint(flat)).all())
    return _Sample(float(flat.min()), float(flat.max()), is_whole, flat[index % step :: step])


def window_of(volume: Volume, chosen: Bounds | None, report: Reporter) -> Bounds | None:
    """The bounds that all slices of a volume are seen through; None when its values are 8 bits as they are.

    One window for the whole volume: the same tissue is as bright in every slice.

    Args:
        volume: Prepared.
        chosen: What a person has chosen; None goes by the file, and by its values.
        report: Told about the progress; may cancel.
    """
    chosen = chosen or volume.window
    step = max(1, volume.count * volume.height * volume.width // _SAMPLED)
    look = functools.partial(_sampled, volume, step)
    samples = [one for one in in_parallel(look, range(volume.count), report, "finding the window") if one is not None]
    if not samples:
        return None  # colours
    low, high = min(one.low for one in samples), max(one.high for one in samples)
    if low >= 0 and high <= 255 and all(one.is_whole for one in samples):
        return None
    if chosen is not None:
        return chosen
    found = bounds(np.concatenate([one.some for one in samples]))
    if not found[1] > found[0]:
        found = (low, high)
    is_hounsfield = found[0] < _AIR < found[1] and all(one.is_whole for one in samples)
    return (_AIR, found[1]) if is_hounsfield else found


class _Labels:
    """The values of a volume of labels as 8 bits, the same value meaning the same in every slice."""

    def __init__(self, volume: Volume, report: Reporter) -> None:
        self.volume = volume
        low, high, is_whole, distinct = 0.0, 0.0, True, set[float]()
        look = functools.partial(self._values, volume)
        for values in in_parallel(look, range(volume.count), report, "looking at labels"):
            if values.size:
                low, high = min(low, float(values[0])), max(high, float(values[-1]))
                is_whole = is_whole and bool((values == np.rint(values)).all())
                if len(distinct) <= 2:
                    distinct.update(values[values != 0][:3].tolist())
        is_plain = is_whole and low >= 0 and high <= 255
        self._only = distinct.pop() if len(distinct) == 1 and not is_plain else None
        if self._only is None and not is_plain:
            what = "values between whole numbers" if not is_whole else f"values from {low:g} to {high:g}"
            raise Unreadable(f"the labels have {what}", "labels are whole numbers from 0 to 255")

    @staticmethod
    def _values(volume: Volume, index: int) -> np.ndarray:
        try:
            values = read_slice(volume, index)
        except Unreadable:
            return np.empty(0)
        if values.ndim == 3:
            return np.empty(0)
        found: np.ndarray = np.unique(values[np.isfinite(values)])
        return found

    def read(self, index: int) -> np.ndarray:
        values = read_slice(self.volume, index)
        if values.ndim == 3:
            return values
        if self._only is not None:
            values = (values == self._only).astype(np.uint8) * np.uint8(255)
        grey: np.ndarray = _without_gaps(values, 0).astype(np.uint8)
        return grey
