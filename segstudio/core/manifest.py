"""Manifests: what a training says about every image and mask it used."""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.sample import ReviewState


@dataclass(frozen=True)
class ManifestRow:
    """What a run says about one image it used; a line of manifest.csv.

    Attributes:
        sample: Id of the sample in the project.
        image: Path of the image below the dataset; that of an augmented copy below the project.
        split: Its part in the training, "train" or "val".
        revision: Number of the mask's revision; of a copy, that of the mask it was made of.
        image_sha256: Of the image's file.
        mask_sha256: Of the mask's file.
        recipe: Of an augmented copy, the recipe that made it; else empty.
        ignored_sha256: Of the file that said where pixels are ignored; empty where none were.
        before: Number of the revision against which its mask is corrected; None when no pixel counted as corrected.
        state: The review state of the sample; empty in runs of earlier versions.
        copy_sha256: Of both files of an augmented copy, as the list of copies had it then; else empty.
    """

    sample: int
    image: str
    split: str
    revision: int
    image_sha256: str
    mask_sha256: str
    recipe: str = ""
    ignored_sha256: str = ""
    before: int | None = None
    state: str = ""
    copy_sha256: str = ""

    @property
    def is_reviewed(self) -> bool:
        """Whether somebody had looked at the sample; of those of earlier versions nobody doubts it."""
        return self.state != ReviewState.TODO


def save_manifest(rows: Sequence[ManifestRow], path: Path) -> None:
    """Write manifest.csv: one line a sample, with the hashes of the files that were used."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([field.name for field in fields(ManifestRow)])
    writer.writerows(astuple(row) for row in rows)  # None is an empty field
    write_atomically(path, text.getvalue().encode("utf-8"))


def load_manifest(path: Path) -> list[ManifestRow]:
    """Read what `save_manifest` wrote.

    Raises:
        UserError: When it is missing or damaged.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                ManifestRow(int(row["sample"]), row["image"], row["split"], int(row["revision"]),
                            row["image_sha256"], row["mask_sha256"], row.get("recipe") or "",
                            row.get("ignored_sha256") or "", int(row["before"]) if row.get("before") else None,
                            row.get("state") or "", row.get("copy_sha256") or "")
                for row in csv.DictReader(file)
            ]  # fmt: skip
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}", "without its manifest a run cannot be resumed") from error
