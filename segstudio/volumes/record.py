"""volumes.json: how the volumes lay that a dataset's slices come from; it lies beside the slices."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segstudio.core.files import write_atomically
from segstudio.volumes import size_words

RECORDS = "volumes.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class VolumeRecord:
    """One volume that was taken apart.

    Attributes:
        name: Path of its folder of slices below images/; unique in the dataset.
        image: The volume itself, below the dataset that the project was made from, or a whole path.
        mask: The volume of labels, or None.
        plane: Which way it was cut; "auto" where nobody knows.
        window: What became black and white, or None when the values were taken as they are.
        subject: Whom it shows, as the file says; empty when it does not.
        size: Slices, height, width.
        slices: Paths of the slices below the dataset, with forward slashes; None for one that could not be read.
        place: What `stacking` needs to lay masks where the volume lay.
    """

    name: str
    image: str
    mask: str | None
    plane: str
    window: tuple[float, float] | None
    subject: str
    size: tuple[int, int, int]
    slices: list[str | None]
    place: dict[str, Any]

    @property
    def words(self) -> str:
        """The size for a person: "30 axial slices of 122×101"."""
        return size_words(self.size, self.plane)


def write_records(dataset: Path, records: list[VolumeRecord]) -> None:
    """Write volumes.json into a dataset's folder; OSError when that fails."""
    text = json.dumps({"version": _VERSION, "volumes": [asdict(one) for one in records]}, ensure_ascii=False, indent=1)
    write_atomically(dataset / RECORDS, text.encode(), is_durable=False)


def read_records(dataset: Path) -> list[VolumeRecord]:
    """The volumes that a dataset's slices come from; empty when it has none, or the file is damaged."""
    try:
        content = json.loads((dataset / RECORDS).read_text(encoding="utf-8"))
        return [_record(one) for one in content["volumes"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def volumes_of_slices(dataset: Path) -> dict[str, str]:
    """The name of the volume that each slice comes from, by the slice's path; ordinary pictures are not among them."""
    return {path: record.name for record in read_records(dataset) for path in record.slices if path is not None}


def _record(plain: dict[str, Any]) -> VolumeRecord:
    count, height, width = plain["size"]
    window = plain["window"]
    return VolumeRecord(
        str(plain["name"]),
        str(plain["image"]),
        plain["mask"],
        str(plain["plane"]),
        None if window is None else (float(window[0]), float(window[1])),
        str(plain["subject"]),
        (int(count), int(height), int(width)),
        [None if one is None else str(one) for one in plain["slices"]],
        dict(plain["place"]),
    )
