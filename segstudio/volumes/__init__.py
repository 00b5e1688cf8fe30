"""Volumes: files that hold a stack of pictures, taken apart into slices when a project is made; one file, one kind.

A volume is a container of pictures as a zip is: what a person reviews and a network learns from are its slices, and
they lie in the project's own folder as ordinary PNG files. The volume itself is never written. `record` keeps how it
lay, so that the masks of its slices can be put together again for the program that it came from.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import field_validator

from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.registry import Registry
from segstudio.core.reporter import Reporter
from segstudio.formats.window import Bounds, parse_window

Plane = Literal["auto", "axial", "coronal", "sagittal"]


class Slicing(Options):
    """How volumes are taken apart; makes no difference to ordinary pictures."""

    window: str = option(
        "auto",
        "Window",
        help="What becomes black and white in slices of more than 8 bits: auto (the file's own window, or all but the "
        "darkest and brightest thousandth of the whole volume), lung, soft-tissue, bone, brain, or centre/width in "
        "the volume's own units, for example -600/1500.",
    )
    plane: Plane = option(
        "auto", "Slices", help="Which way volumes are cut; auto is the way they were taken: across the widest spacing."
    )
    channel: int = option(
        1, "Channel", ge=1, help="Which one of a file that holds several volumes: points in time, sequences, channels."
    )

    @field_validator("window")
    @classmethod
    def _is_window(cls, text: str) -> str:
        try:
            parse_window(text)
        except UserError as error:
            raise ValueError(f"{error.message}; {error.hint}") from None
        return text


def size_words(size: tuple[int, int, int], plane: str) -> str:
    """Slices, height and width for a person: "30 axial slices of 122×101"."""
    count, height, width = size
    kind = "" if plane == "auto" else f"{plane} "
    return f"{count} {kind}{'slice' if count == 1 else 'slices'} of {width}×{height}"


class Volume(ABC):
    """An open stack of pictures of one size; its slices may be read from several threads.

    Attributes:
        count: How many slices.
        height: Of a slice, in pixels.
        width: Of a slice, in pixels.
        plane: Which way it is cut; "auto" for kinds that do not know where up is.
        subject: Whom it shows, as the file says; empty when it does not.
        window: The bounds that the file itself names, or None.
        is_inverted: Whether more is darker.
        remark: What was left out of it ("it holds 4 volumes: ..."), or empty.
        place: Plain values: what `stacking` needs to lay masks of its slices where it lay itself.
    """

    count: int
    height: int
    width: int
    plane: Plane = "auto"
    subject: str = ""
    window: Bounds | None = None
    is_inverted: bool = False
    remark: str = ""
    place: dict[str, Any]

    @property
    def size(self) -> tuple[int, int, int]:
        """Slices, height, width."""
        return self.count, self.height, self.width

    @property
    def words(self) -> str:
        """The size for a person: "30 axial slices of 122×101"."""
        return size_words(self.size, self.plane)

    def prepare(self, scratch: Path, report: Reporter) -> None:  # noqa: B027 - most kinds have nothing to prepare
        """Make the slices readable; called once, before any of them is read.

        Args:
            scratch: A folder for temporary files, removed by the caller.
            report: Told about the progress; may cancel.

        Raises:
            Unreadable: When the file is damaged.
        """

    @abstractmethod
    def read(self, index: int) -> np.ndarray:
        """One slice: (height, width) of any real type, or uint8 (height, width, 3).

        Raises:
            Unreadable: When this slice is damaged; other errors of decoders are taken for the same.
        """

    def lie_as(self, image: "Volume") -> str:
        """Make a volume of labels lie as its image does; called before `prepare`.

        Returns:
            What a person should know of it, or an empty string.
        """
        return ""

    def close(self) -> None:  # noqa: B027
        """Let go of the file."""


class VolumeFormat(ABC):
    """One kind of file that holds stacks.

    Attributes:
        name: Unique in VOLUME_FORMATS.
        title: What a person calls it.
        suffixes: Lower case, with the dot; only files with these suffixes are looked at.
        is_always: Whether every such file is a volume, and none an ordinary picture.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    is_always: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def is_stack(cls, path: Path) -> bool:
        """Whether a file holds several pictures, from its header alone; what cannot be read is none."""

    @classmethod
    @abstractmethod
    def open(cls, path: Path, slicing: Slicing) -> Volume:
        """The volume, of which the header alone has been read.

        Raises:
            Unreadable: When it cannot be taken apart, with the reason; other errors of decoders mean damage.
        """


VOLUME_FORMATS: Registry[VolumeFormat] = Registry("segstudio.volumes", "kind of volume")


def all_suffixes() -> tuple[str, ...]:
    """The suffixes of files that may be volumes, lower case, with the dot, sorted."""
    return tuple(sorted({suffix for entry in VOLUME_FORMATS for suffix in entry.suffixes}))


def volume_suffixes() -> frozenset[str]:
    """The suffixes of files that are always volumes, lower case, with the dot."""
    return frozenset(suffix for entry in VOLUME_FORMATS if entry.is_always for suffix in entry.suffixes)
