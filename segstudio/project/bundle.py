"""Bundles: what one reader has made of a project, as one zip for another reader who has the same images.

    bundle.json       format, version, project, reviewer, created, samples
    masks/<stem>.png  their masks, 8-bit 0/255
    ignore/<stem>.png what they ignore, 8-bit 0/255, where they do
    images/<image>    the images, when they were asked for

Nothing is unpacked: what the list names is read, as far as its size can be right, so a zip from anybody does no harm.
"""

import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.mask import Mask
from segstudio.core.reporter import Reporter
from segstudio.core.sample import ReviewState, Sample
from segstudio.formats import encode_mask
from segstudio.project.clock import now

if TYPE_CHECKING:
    from segstudio.project.project import Project

FORMAT = "segstudio-bundle"
VERSION = 2
"""Of a bundle with ignored regions; one without them is of version 1, which every SegStudio reads."""
LIST = "bundle.json"

_LARGEST_LIST = 256 << 20
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a bundle says of one sample.

    Attributes:
        image: Path of the image below the dataset.
        sha256: Of the image's file.
        width: Of the image, in pixels.
        height: Of the image, in pixels.
        state: The reader's verdict.
        comment: What they say of it.
        reviewer: Who gave the verdict, when that was said.
        seconds: That they worked on it.
        mask: The mask's place in the zip, or None when there is none.
        mask_sha256: Of the mask's file, or None.
        ignored: The place of what they ignore in the zip, or None when that is nothing.
        ignored_sha256: Of its file, or None.
    """

    image: str
    sha256: str
    width: int
    height: int
    state: str
    comment: str
    reviewer: str
    seconds: float
    mask: str | None
    mask_sha256: str | None
    ignored: str | None = None
    ignored_sha256: str | None = None


def write_bundle(
    project: "Project", samples: list[Sample], file: Path, reviewer: str, report: Reporter, *, has_images: bool = False
) -> list[Entry]:
    """Write a bundle of some samples to a file, which must not be there.

    Returns:
        What it holds; samples whose image or mask cannot be read are noted and left out.
    """
    entries: list[Entry] = []
    reviews = {review.image: review for review in project.samples.reviews([one.id for one in samples])}
    with zipfile.ZipFile(file, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for done, sample in enumerate(samples, start=1):
            review = reviews[sample.image]
            try:
                image = project.image_path(sample).read_bytes()
                mask = encode_mask(project.masks.load(sample)) if sample.has_mask else None
                region = project.ignored.load(sample)
            except (UserError, OSError) as error:
                report.note(sample.image, str(error))
                continue
            place = None if mask is None else f"masks/{sample.stem}.png"
            if mask is not None and place is not None:
                archive.writestr(zipfile.ZipInfo(place), mask, zipfile.ZIP_STORED)  # a PNG is packed already
            ignored = None if region is None else encode_mask(region)
            if ignored is not None:
                archive.writestr(zipfile.ZipInfo(f"ignore/{sample.stem}.png"), ignored, zipfile.ZIP_STORED)
            if has_images:
                archive.writestr(zipfile.ZipInfo(f"images/{sample.image}"), image, zipfile.ZIP_STORED)
            entries.append(
                Entry(
                    sample.image, _sha256(image), sample.width, sample.height, str(sample.state), review.comment,
                    review.reviewer, review.seconds, place, None if mask is None else _sha256(mask),
                    None if ignored is None else f"ignore/{sample.stem}.png",
                    None if ignored is None else _sha256(ignored),
                )
            )  # fmt: skip
            report.progress(done, len(samples), sample.name)
        about = {
            "format": FORMAT,
            "version": VERSION if any(one.ignored is not None for one in entries) else 1,
            "project": project.name,
            "reviewer": reviewer,
            "created": now(),
            "samples": [_told(one) for one in entries],
        }
        archive.writestr(LIST, json.dumps(about, ensure_ascii=False, indent=1))
    return entries


class Bundle:
    """An open bundle.

    Attributes:
        path: The file.
        reviewer: Who made it.
        created: When (ISO 8601, UTC).
        entries: What it says of each sample.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, about: dict[str, Any]) -> None:
        """For `open`."""
        self.path = path
        self._archive = archive
        self.reviewer = str(about["reviewer"])
        self.created = str(about["created"])
        self.entries = [_entry(one) for one in about["samples"]]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a bundle.

        Raises:
            UserError: When it is none, or damaged, or of a later version.
        """
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"{path} cannot be opened as a bundle: {reason}", "ask for the file once more") from error
        try:
            about = json.loads(_content(path, archive, LIST, _LARGEST_LIST))
            if not isinstance(about, dict) or about.get("format") != FORMAT:
                raise UserError(f"{path} is no bundle of a reader", "`segstudio export bundle` makes one")
            if about.get("version") not in range(1, VERSION + 1):
                raise UserError(f"{path} was made by a later version of SegStudio", "install the newest version")
            return cls(path, archive, about)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            archive.close()
            raise UserError(f"{path}: its list {LIST} is damaged ({error})", "ask for the file once more") from error
        except BaseException:
            archive.close()
            raise

    def mask(self, entry: Entry, sample: Sample) -> Mask | None:
        """The mask of an entry, for a sample of the same size; None when the reader has none.

        Raises:
            UserError: When it is missing, damaged, or of another size.
        """
        return self._picture(entry, entry.mask, entry.mask_sha256, sample, "the mask")

    def ignored(self, entry: Entry, sample: Sample) -> Mask | None:
        """What the reader ignores of an entry, for a sample of the same size; None when nothing.

        Raises:
            UserError: When it is missing, damaged, or of another size.
        """
        return self._picture(entry, entry.ignored, entry.ignored_sha256, sample, "the ignored region")

    def _picture(self, entry: Entry, place: str | None, sha256: str | None, sample: Sample, what: str) -> Mask | None:
        if place is None:
            return None
        # A PNG of one channel is never much larger than its pixels.
        data = _content(self.path, self._archive, place, 2 * sample.width * sample.height + (1 << 16))
        if _sha256(data) != sha256:
            raise UserError(f"{self.path}: {what} of {entry.image} is not the one that was packed")
        # The size is asked for before anything is decoded: a few bytes can claim to be a picture of terabytes.
        size = struct.unpack(">II", data[16:24]) if data.startswith(_PNG) and len(data) > 24 else (0, 0)
        if size != (sample.width, sample.height):
            raise UserError(
                f"{self.path}: {what} of {entry.image} is {size[0]}x{size[1]} pixels and the image "
                f"{sample.width}x{sample.height}"
            )
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        if values is None:
            raise UserError(f"{self.path}: {what} of {entry.image} is damaged")
        return (values > 127).astype(np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._archive.close()


def matched(project: "Project", bundle: Bundle, report: Reporter) -> Iterator[tuple[Entry, Sample]]:
    """Each entry with the project's sample of the very same image; others are noted.

    An image is looked for by its path, and where there is none by its bytes: the other reader's folders may be called
    otherwise.
    """
    by_image = {sample.image: sample for sample in project.samples.all()}
    hashes: dict[str, Sample] | None = None
    for done, entry in enumerate(bundle.entries, start=1):
        sample = by_image.get(entry.image)
        try:
            is_same = sample is not None and _sha256(project.image_path(sample).read_bytes()) == entry.sha256
        except OSError as error:
            report.note(entry.image, f"the image cannot be read: {error.strerror or error}")
            continue
        if sample is None:
            hashes = _hashes(project, by_image.values()) if hashes is None else hashes
            sample = hashes.get(entry.sha256)
            is_same = sample is not None
        if sample is None or not is_same:
            why = "the image of that name is another one here" if sample is not None else "there is no such image here"
            report.note(entry.image, why)
        else:
            yield entry, sample
        report.progress(done, len(bundle.entries), entry.image)


def _hashes(project: "Project", samples: Any) -> dict[str, Sample]:
    found = {}
    for sample in samples:
        try:
            found[_sha256(project.image_path(sample).read_bytes())] = sample
        except OSError:
            continue
    return found


def _content(path: Path, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The bytes of an entry, which may be no more than `most`."""
    try:
        info = archive.getinfo(name)
        if info.file_size > most:
            raise UserError(f"{path}: {name} claims to be {info.file_size:,} bytes long", "do not trust this file")
        with archive.open(info) as file:
            return file.read(most + 1)[: most + 1]
    except KeyError:
        raise UserError(f"{path} lacks {name}", "it is no bundle of a reader, or not all of it") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise UserError(f"{path}: {name} is damaged ({error})", "ask for the file once more") from error


def _told(entry: Entry) -> dict[str, Any]:
    """An entry as the list has it: one that ignores nothing is as it was before there was ignoring."""
    return {name: value for name, value in asdict(entry).items() if value is not None or "ignored" not in name}


def _entry(values: Any) -> Entry:
    entry = Entry(**values)
    if not isinstance(entry.image, str) or not isinstance(entry.sha256, str):
        raise TypeError("a sample without an image")
    ReviewState(entry.state)
    return entry


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
