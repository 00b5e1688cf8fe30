"""What names tell: which folders hold images and which masks, and what is left of a name without "_mask".

Pure functions over names; nothing here looks at a disk.
"""

import re
import unicodedata
from enum import Enum
from functools import lru_cache
from typing import NamedTuple


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IMAGE_WORDS = _words("""
    image images img imgs im ims photo photos picture pictures pic pics frame frames scan scans slices
    input inputs original originals orig raw rgb source sources sat
""")
MASK_WORDS = _words("""
    mask masks msk msks label labels lbl lbls seg segs segm segmentation segmentations segmented
    annotation annotations annot annots anno gt truth truths groundtruth groundtruths target targets
    manual matte mattes semantic instance instances trimap trimaps
""")

SPLIT_WORDS = {
    "train": _words("train trn training"),
    "val": _words("val valid validation dev"),
    "test": _words("test tst testing"),
}

_ENDINGS = ("masks", "mask", "labels", "label", "annotations", "annot", "images", "image", "imgs")
_MASK_AFFIX = (
    "masks?|msks?|labels?|lbl|segs?|segm|segmentations?|segmented|annotations?|annot|gt|ground_?truth|truth|matte"
)
_IMAGE_AFFIX = "images?|imgs?|im|photo|pic|picture|input|orig|original|raw|rgb|sat|0000"
_BETWEEN = r"[_\-. ]+"
_MASK_SUFFIX = re.compile(rf"(.+?)({_BETWEEN}(?:{_MASK_AFFIX})(?:[_\-. ]?\d{{1,2}})?)", re.IGNORECASE)
_MASK_PREFIX = re.compile(rf"((?:{_MASK_AFFIX}){_BETWEEN})(.+)", re.IGNORECASE)
_IMAGE_SUFFIX = re.compile(rf"(.+?)({_BETWEEN}(?:{_IMAGE_AFFIX}))", re.IGNORECASE)
_IMAGE_PREFIX = re.compile(rf"((?:{_IMAGE_AFFIX}){_BETWEEN})(.+)", re.IGNORECASE)
_PACKED = re.compile(r"\.[a-z][a-z0-9]{1,3}\.gz$", re.IGNORECASE)
_WORD_BREAK = re.compile(
    r"[\W_]+"
    r"|(?<=[^\W\d_A-Z])(?=[A-Z])"  # ground|Truth
    r"|(?<=[A-Z])(?=[A-Z][a-z])"  # JPEG|Images
    r"|(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)"  # masks|2
)


class Role(Enum):
    """What the pictures in a folder are."""

    IMAGE = "image"
    MASK = "mask"


class FolderName(NamedTuple):
    """What a folder's name says.

    Attributes:
        role: What it holds, or None when the name does not say.
        rest: The name without the words that say so: "open" of "open_img" and of "open_msk".
    """

    role: Role | None
    rest: str


class Bare(NamedTuple):
    """A file's stem without an affix.

    Attributes:
        stem: What is left.
        affix: What was taken off, with its separator.
        is_prefix: On which side it was.
    """

    stem: str
    affix: str
    is_prefix: bool

    def __str__(self) -> str:
        return f"prefix {self.affix}" if self.is_prefix else f"suffix {self.affix}"


def normal(text: str) -> str:
    """The text in Unicode's composed form: macOS stores "é" as two characters, other systems as one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """The text for comparison regardless of case and composition."""
    return text.lower() if text.isascii() else normal(normal(text).casefold())


def split_suffix(name: str) -> tuple[str, str]:
    """The stem and the lower-case suffix of a file name: from the last dot ("F2.ts_f_500.jpg"), or ".nii.gz"."""
    if (packed := _PACKED.search(name)) and packed.start():
        return name[: packed.start()], packed[0].lower()
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix.lower()) if stem else (name, "")


@lru_cache(maxsize=4096)
def folder_name(name: str) -> FolderName:
    """What the name of a folder says; mask words win over image words ("image_masks")."""
    words = [folded(word) for word in _WORD_BREAK.split(normal(name)) if word]
    rest = "_".join(word for word in words if word not in IMAGE_WORDS | MASK_WORDS)
    if any(word in MASK_WORDS for word in words):
        return FolderName(Role.MASK, rest)
    if any(word in IMAGE_WORDS for word in words):
        return FolderName(Role.IMAGE, rest)
    whole = folded(name)
    for ending in _ENDINGS:  # "trainannot"
        if whole.endswith(ending):
            role = Role.IMAGE if ending.startswith("im") else Role.MASK
            return FolderName(role, whole.removesuffix(ending).strip("_-. "))
    return FolderName(None, "_".join(words))


def split_of_path(path: str) -> str | None:
    """What the folders of a path say of its split, the innermost that says anything.

    Returns:
        "train", "val" or "test"; None when no folder says it, or one says two of them ("train_val").
    """
    for folder in reversed(path.split("/")[:-1]):
        words = set(folder_name(folder).rest.split("_"))
        said = [split for split, meant in SPLIT_WORDS.items() if words & meant]
        if said:
            return said[0] if len(said) == 1 else None
    return None


def letter_roles(names: list[str]) -> dict[str, FolderName]:
    """The roles of sibling folders such as "x" and "y", or "x_train" and "y_train": only the two together mean it."""
    words = {name: [folded(word) for word in _WORD_BREAK.split(normal(name)) if word] for name in names}
    known = {tuple(parts) for parts in words.values()}
    roles = {}
    for name, parts in words.items():
        for letter, other, role in (("x", "y", Role.IMAGE), ("y", "x", Role.MASK)):
            if letter in parts and tuple(other if part == letter else part for part in parts) in known:
                roles[name] = FolderName(role, "_".join(part for part in parts if part != letter))
    return roles


def bare_mask(stem: str) -> Bare | None:
    """The stem without "_mask", "mask_" and their like ("_mask_1" too), or None when there is no such affix."""
    return _bare(stem, _MASK_SUFFIX, _MASK_PREFIX)


def bare_image(stem: str) -> Bare | None:
    """The stem without "_image", "img_" and their like, or None when there is no such affix."""
    return _bare(stem, _IMAGE_SUFFIX, _IMAGE_PREFIX)


def _bare(stem: str, suffix: re.Pattern[str], prefix: re.Pattern[str]) -> Bare | None:
    if match := suffix.fullmatch(stem):
        return Bare(match[1], match[2], is_prefix=False)
    if match := prefix.fullmatch(stem):
        return Bare(match[2], match[1], is_prefix=True)
    return None
