"""The mirror: small text files beside the index with what no other file says, so that the index can be made anew.

    project.json   name, source, rule of the masks, how the split was made
    samples.csv    image, truth, size, split, group of each sample; written when the project is made
    reviews.csv    one line for each verdict and each change of a comment, appended

They are also the plainest way for another program to read a project.
"""

import contextlib
import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segstudio.core.errors import NotAProject
from segstudio.core.files import write_atomically
from segstudio.core.sample import ReviewState

SAMPLE_FIELDS = ("image", "truth", "stem", "width", "height", "split", "group", "problem", "foreground")
"""The columns of samples.csv."""

SAMPLES_SQL = """
    SELECT image, coalesce(truth, ''), stem, width, height, split, group_name, problem, coalesce(foreground, '')
    FROM sample ORDER BY position
"""
"""What the index has for samples.csv."""

ABOUT_FIELDS = ("name", "created", "source", "rule", "split")
"""What project.json says; settings of the same names say it in the index."""


REVIEWS_SQL = """
    SELECT coalesce(state_changed, ?), image, state, reviewer, seconds, comment
    FROM sample WHERE state_changed IS NOT NULL OR comment <> '' ORDER BY state_changed, id
"""
"""What the index has for reviews.csv; the parameter is the time of comments on what has no verdict."""


@dataclass(frozen=True, slots=True)
class Review:
    """A line of reviews.csv: how the review of a sample stood when a verdict was given or a comment written.

    Attributes:
        time: When (ISO 8601, UTC).
        image: Of which sample.
        state: Its state from then on.
        reviewer: Who gave the last verdict, or empty.
        seconds: That somebody had worked on it.
        comment: What somebody says of it.
    """

    time: str
    image: str
    state: ReviewState
    reviewer: str = ""
    seconds: float = 0.0
    comment: str = ""


def write_about(folder: Path, about: dict[str, Any]) -> None:
    """Write project.json."""
    write_atomically(folder / "project.json", json.dumps(about, ensure_ascii=False, indent=2).encode())


def read_about(folder: Path) -> dict[str, Any]:
    """What project.json says.

    Raises:
        NotAProject: When it is missing or not readable.
    """
    try:
        about = json.loads((folder / "project.json").read_text(encoding="utf-8"))
        if not isinstance(about, dict) or not isinstance(about.get("source"), str):
            raise ValueError("it names no source")
    except (OSError, ValueError) as error:
        raise NotAProject(f"{folder / 'project.json'} cannot be read: {error}") from error
    return about


def write_samples(folder: Path, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write samples.csv from rows of SAMPLE_FIELDS."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SAMPLE_FIELDS)
    writer.writerows(rows)
    write_atomically(folder / "samples.csv", text.getvalue().encode())


def read_samples(folder: Path) -> list[dict[str, str]]:
    """The rows of samples.csv.

    Raises:
        NotAProject: When it is missing or not readable.
    """
    try:
        with (folder / "samples.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, ValueError, csv.Error) as error:
        raise NotAProject(f"{folder / 'samples.csv'} cannot be read: {error}") from error
    if rows and not set(SAMPLE_FIELDS) <= set(rows[0]):
        raise NotAProject(f"{folder / 'samples.csv'} lacks some of the columns {', '.join(SAMPLE_FIELDS)}")
    return rows


def append_reviews(folder: Path, reviews: Iterable[Review]) -> None:
    """Add one line for each."""
    text = _lines(reviews)
    with (folder / "reviews.csv").open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def write_reviews(folder: Path, reviews: Iterable[Review]) -> None:
    """Write reviews.csv anew."""
    write_atomically(folder / "reviews.csv", _lines(reviews).encode())


def _lines(reviews: Iterable[Review]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        (one.time, one.image, one.state, one.reviewer, f"{one.seconds:.1f}", one.comment) for one in reviews
    )
    return text.getvalue()


def read_reviews(folder: Path) -> Iterator[Review]:
    """Each line, the oldest first; one torn by a crash is left out. Lines of version 1 end with the state."""
    path = folder / "reviews.csv"
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for line in csv.reader(file):
            if len(line) not in (3, 6) or line[2] not in set(ReviewState):
                continue
            time, image, state, reviewer, seconds, comment = line if len(line) == 6 else (*line, "", "0", "")
            with contextlib.suppress(ValueError):
                yield Review(time, image, ReviewState(state), reviewer, float(seconds), comment)
