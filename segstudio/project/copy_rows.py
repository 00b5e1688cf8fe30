"""The text files beside augmented copies: manifest.csv, rejected.csv and about.json.

manifest.csv   one row a copy: what it was made of and how; appended while a job runs
rejected.csv   copies that a person does not want, by name and content
about.json     the recipe as it was, and what was asked for, when copies were last made
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from segstudio.augmentation.recipe import Recipe
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically

FIELDS = (
    "name", "source", "copy", "seed", "revision", "image_sha256", "mask_sha256", "recipe_digest", "parameters",
    "copy_sha256", "donors_sha256",
)  # fmt: skip
"""The columns of manifest.csv."""

_WITHOUT_DONORS = FIELDS[:-1]
"""The columns from before foreground could be taken from other samples."""

csv.field_size_limit(1 << 24)  # what a transform has drawn may be long; the module's own limit is 128 KB

REJECTED_FIELDS = ("name", "copy_sha256", "time")
"""The columns of rejected.csv."""


@dataclass(frozen=True, slots=True)
class Row:
    """One copy, as manifest.csv has it: what is before `parameters`, and the donors, decide it byte for byte.

    Attributes:
        name: Path of the image and of the mask below images/ and masks/, without the extension.
        source: Path of the image that it was made of, below the dataset.
        number: Which copy of this image it is, from 1.
        seed: Of this copy alone.
        revision: Number of the mask that it was made of; 0 is the dataset's own.
        image_sha256: Of the image's file.
        mask_sha256: Of the mask's file.
        recipe_digest: Of the recipe.
        parameters: JSON of what was applied, with the values as they were drawn.
        copy_sha256: Of the copy's two files, image before mask.
        donors_sha256: Of the samples that foreground may have been taken from, see `copy_donors`; empty when from none.
    """

    name: str
    source: str
    number: int
    seed: int
    revision: int
    image_sha256: str
    mask_sha256: str
    recipe_digest: str
    parameters: str
    copy_sha256: str
    donors_sha256: str = ""

    @property
    def identity(self) -> tuple[object, ...]:
        """What decides the copy's bytes; two rows of the same identity are of the same copy."""
        made_of = self.image_sha256, self.mask_sha256, self.donors_sha256
        return self.name, self.source, self.seed, *made_of, self.recipe_digest

    @property
    def taken(self) -> tuple["Taken", ...]:
        """What foreground was in fact taken from, as `parameters` say; empty when they cannot be read."""
        if not self.donors_sha256:
            return ()
        try:
            pasted = [one for step in json.loads(self.parameters) for one in step.get("pasted", ())]
            return tuple(
                Taken(one["donor"], int(one["revision"]), one["mask_sha256"], one.get("ignored_sha256", ""))
                for one in pasted
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            return ()


class Taken(NamedTuple):
    """A sample that foreground was taken from; see `copy_donors.DonorRow`."""

    image: str
    revision: int
    mask_sha256: str
    ignored_sha256: str


_cells = attrgetter(*(field.name for field in fields(Row)))


class Manifest(NamedTuple):
    """What a manifest.csv says.

    Attributes:
        rows: By name; of two rows of one name the last.
        is_whole: Whether the file holds these rows and nothing else; False after a crash in the middle of a line.
    """

    rows: dict[str, Row]
    is_whole: bool


def read_manifest(path: Path) -> Manifest:
    """The rows of manifest.csv; a line that was cut off, and whatever is no row, is left out."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return Manifest({}, is_whole=True)
    rows: dict[str, Row] = {}
    whole, _, rest = text.rpartition("\n")
    count, lines = 0, csv.reader(io.StringIO(whole + "\n", newline=""))
    is_whole = not rest
    try:
        is_whole &= tuple(next(lines, ())) in (FIELDS, _WITHOUT_DONORS)
        for cells in lines:
            count += 1
            row = _row(cells)
            if row is not None:
                rows[row.name] = row
    except csv.Error:
        is_whole = False
    return Manifest(rows, is_whole and count == len(rows))


def manifest_lines(rows: Iterable[Row], *, with_head: bool = False) -> bytes:
    """Rows as lines of manifest.csv, each with its end."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if with_head:
        writer.writerow(FIELDS)
    writer.writerows(map(_cells, rows))
    return text.getvalue().encode()


def _row(cells: list[str]) -> Row | None:
    if len(cells) not in (len(FIELDS), len(_WITHOUT_DONORS)):
        return None
    if not all(len(cells[place]) == 64 for place in (5, 6, 9)):
        return None
    name, source, number, seed, revision, *others = cells
    if not name or name.startswith("/") or ".." in name.split("/"):
        return None  # nobody but us should have written this, and nothing outside the folder may ever be deleted
    try:
        return Row(name, source, int(number), int(seed), int(revision), *others)
    except ValueError:
        return None


def read_rejected(path: Path) -> dict[tuple[str, str], str]:
    """When a person rejected which copies, each named by its name and the hash of its content."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            lines = [tuple(cells) for cells in csv.reader(file)]
    except (FileNotFoundError, csv.Error):
        return {}
    entries = (line for line in lines if len(line) == len(REJECTED_FIELDS) and line != REJECTED_FIELDS)
    return {(name, sha256): time for name, sha256, time in entries}


def write_rejected(path: Path, rejected: Mapping[tuple[str, str], str]) -> None:
    """Write rejected.csv, whole or not at all; without a line there is no file."""
    if not rejected:
        path.unlink(missing_ok=True)
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(REJECTED_FIELDS)
    writer.writerows((*copy, time) for copy, time in sorted(rejected.items()))
    write_atomically(path, text.getvalue().encode())


@dataclass(frozen=True)
class About:
    """How copies were last made.

    Attributes:
        recipe: As it was.
        digest: Of that recipe.
        copies: Of each sample.
        filter: Which samples.
        seed: Of all copies.
    """

    recipe: Recipe
    digest: str
    copies: int
    filter: str
    seed: int


def write_about(path: Path, about: About) -> None:
    """Write about.json."""
    said: dict[str, Any] = {
        "recipe": json.loads(about.recipe.to_json()), "digest": about.digest, "copies": about.copies,
        "filter": about.filter, "seed": about.seed,
    }  # fmt: skip
    write_atomically(path, json.dumps(said, ensure_ascii=False, indent=2).encode(), is_durable=False)


def read_about(path: Path, name: str) -> About | None:
    """What about.json says of the recipe `name`; None when there is none that can be read."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        recipe = Recipe.from_json(json.dumps(said["recipe"]), name, is_checked=False)
        return About(recipe, str(said["digest"]), int(said["copies"]), str(said["filter"]), int(said["seed"]))
    except (OSError, ValueError, TypeError, KeyError, UserError):
        return None
