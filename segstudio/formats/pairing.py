"""Which mask belongs to which image: found by names alone, told in words, and nothing dropped silently.

Rules are tried from the strictest to the loosest; each takes what it can pair one to one and leaves the rest to the
next. Where a rule finds several candidates it does not guess: all of them are listed as ambiguous, and the images
become samples without a mask.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.wording import count_text
from segstudio.formats import image_suffixes
from segstudio.formats.listing import Note, list_pictures
from segstudio.formats.naming import (
    Bare,
    FolderName,
    Role,
    bare_image,
    bare_mask,
    folded,
    folder_name,
    letter_roles,
    normal,
    split_suffix,
)

Parts = tuple[str, ...]

_JPEG = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and the mask that was found for it.

    Attributes:
        image: Path below the source, with forward slashes.
        mask: Path below the source, or None.
        how: Why they belong together, in words ("same name in masks/"); empty without a mask.
        problem: What kept a mask from being chosen, or empty.
    """

    image: str
    mask: str | None
    how: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Images and masks that one rule takes for the same thing, and more than one of either.

    Attributes:
        images: Paths below the source.
        masks: Paths below the source.
        reason: What is ambiguous, in words.
    """

    images: tuple[str, ...]
    masks: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Scan:
    """What a dataset folder holds.

    Attributes:
        source: The folder.
        pairs: Every image, with its mask or without, sorted by path.
        ambiguous: Where a person must decide.
        unmatched_masks: Masks without an image, sorted.
        notes: (path, reason) of whatever else was left out.
        image_folders: Folders that images come from, below the source ("." is the source itself).
        mask_folders: Folders that masks come from.
    """

    source: Path
    pairs: list[Pair]
    ambiguous: list[Ambiguity] = field(default_factory=list)
    unmatched_masks: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    image_folders: list[str] = field(default_factory=list)
    mask_folders: list[str] = field(default_factory=list)

    @property
    def with_mask(self) -> int:
        """How many images have a mask."""
        return sum(pair.mask is not None for pair in self.pairs)


def scan(
    source: Path,
    images: str | None = None,
    masks: str | None = None,
    report: Reporter | None = None,
    *,
    skip: Collection[Path] = (),
    also: frozenset[str] = frozenset(),
    is_deep: bool = True,
) -> Scan:
    """Find images and their masks below a folder, without opening any of them.

    Args:
        source: The dataset's folder.
        images: The folder of the images, below `source`, when names shall not decide.
        masks: The folder of the masks, below `source`, when names shall not decide.
        report: Told about the progress.
        skip: Folders that are not entered.
        also: Further suffixes that are taken for pictures, lower case, with the dot.
        is_deep: Whether folders in it are entered too.

    Returns:
        All that was found; the same folder gives the same answer on every system.

    Raises:
        UserError: When a folder is missing or nothing in it is a picture.
    """
    listing = list_pictures(source, skip, report, also, is_deep=is_deep)
    if not listing.folders:
        looked_for = " ".join(sorted(image_suffixes() | also))
        raise UserError(f"{source}: there are no pictures in this folder", f"looked for {looked_for}")
    image_folder = None if images is None else _below(source, images, "images")
    mask_folder = None if masks is None else _below(source, masks, "masks")
    places = _places(list(listing.folders), image_folder, mask_folder)
    files = [_File(place, name) for parts, place in places.items() for name in listing.folders[parts]]
    has_mask_folder = any(place.role is Role.MASK for place in places.values())
    is_explicit = mask_folder is not None
    sorted_out = _Roles(files, may_tell_by_suffix=not has_mask_folder, may_tell_by_affix=not is_explicit)
    matching = _Matching(sorted_out.images, sorted_out.masks)
    matching.run()
    return _as_scan(source, matching, listing.notes, is_image_folder_given=image_folder is not None)


class _Place(NamedTuple):
    """A folder with pictures.

    Attributes:
        parts: Its path below the source.
        role: What its name, or that of a folder around it, says.
        twin: Its path with the telling folder's name reduced to its rest: the same for images/a and masks/a.
        plain: Its path without the telling folder.
    """

    parts: Parts
    role: Role | None
    twin: Parts
    plain: Parts

    def __str__(self) -> str:
        return "/".join(self.parts) or "."


class _File:
    """One picture, with the forms of its name under which it may be found."""

    __slots__ = ("bare", "how", "name", "partner", "place", "problem", "stem", "suffix")

    def __init__(self, place: _Place, name: str) -> None:
        self.place = place
        self.name = name
        stem, self.suffix = split_suffix(name)
        self.stem = normal(stem)
        self.bare: Bare | None = None
        self.partner: _File | None = None
        self.how = ""
        self.problem = ""

    @property
    def path(self) -> str:
        return "/".join((*self.place.parts, self.name))


def _below(source: Path, text: str, what: str) -> Parts:
    """The parts below `source` of a folder that the user named, relative to it or absolute."""
    folder = source / text
    if not folder.is_dir():
        raise UserError(f"{text}: there is no such folder in {source}", f"give --{what} a folder inside the dataset")
    try:
        return folder.resolve().relative_to(source.resolve()).parts
    except ValueError:
        raise UserError(
            f"{text}: the folder of the {what} must lie inside {source}",
            "give --from the folder that holds both images and masks",
        ) from None


# --- what folders hold ----------------------------------------------------------------------------------------------


def _places(folders: list[Parts], images: Parts | None, masks: Parts | None) -> dict[Parts, _Place]:
    names = _telling_names(folders)
    places = {}
    for parts in folders:
        is_mask, is_image = _is_in(parts, masks), _is_in(parts, images)
        if is_mask and masks is not None and not (is_image and len(images or ()) > len(masks)):
            places[parts] = _place(parts, len(masks) - 1, FolderName(Role.MASK, ""))
        elif is_image and images is not None:
            places[parts] = _place(parts, len(images) - 1, FolderName(Role.IMAGE, ""))
        else:
            index = next((i for i in reversed(range(len(parts))) if parts[: i + 1] in names), None)
            places[parts] = _Place(parts, None, *[_key(parts)] * 2) if index is None else _named(parts, index, names)
            if masks is not None and places[parts].role is Role.MASK:
                places[parts] = places[parts]._replace(role=None)  # the masks are said to be elsewhere
    return places


def _is_in(parts: Parts, folder: Parts | None) -> bool:
    return folder is not None and parts[: len(folder)] == folder


def _named(parts: Parts, index: int, names: dict[Parts, FolderName]) -> _Place:
    return _place(parts, index, names[parts[: index + 1]])


def _place(parts: Parts, index: int, said: FolderName) -> _Place:
    before, after = parts[: max(index, 0)], parts[index + 1 :]
    rest = (said.rest,) if said.rest else ()
    return _Place(parts, said.role, _key((*before, *rest, *after)), _key((*before, *after)))


def _key(parts: Parts) -> Parts:
    return tuple(folded(part) for part in parts)


def _telling_names(folders: list[Parts]) -> dict[Parts, FolderName]:
    """The folders whose names say what they hold.

    Not those around all pictures ("lung segmentation/"), and not those around another folder whose name says it.
    """
    common = _common_depth(folders)
    prefixes = sorted({parts[: end + 1] for parts in folders for end in range(common, len(parts))})
    siblings: defaultdict[Parts, list[str]] = defaultdict(list)
    for prefix in prefixes:
        siblings[prefix[:-1]].append(prefix[-1])
    letters = {parent: letter_roles(names) for parent, names in siblings.items()}
    said = {prefix: letters[prefix[:-1]].get(prefix[-1]) or folder_name(prefix[-1]) for prefix in prefixes}
    telling = {prefix: name for prefix, name in said.items() if name.role is not None}
    around = {prefix[:end] for prefix in telling for end in range(1, len(prefix))}
    return {prefix: name for prefix, name in telling.items() if prefix not in around}


def _common_depth(folders: list[Parts]) -> int:
    """How many leading parts all folders share."""
    first, last = min(folders), max(folders)
    return next((i for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))


# --- what files are -------------------------------------------------------------------------------------------------


class _Roles:
    """Tells images from masks: by folder, by "_mask" in the name, by x.jpg beside x.png."""

    def __init__(self, files: list[_File], *, may_tell_by_suffix: bool, may_tell_by_affix: bool) -> None:
        self.images: list[_File] = []
        self.masks: list[_File] = []
        by_place: defaultdict[_Place, list[_File]] = defaultdict(list)
        for file in files:
            by_place[file.place].append(file)
        stems = {folded(file.stem) for file in files} if may_tell_by_affix else set()
        for place, here in by_place.items():
            if place.role is Role.MASK:
                found = here
            elif may_tell_by_affix:
                found = _affixed(here, stems) or (_lossless_twins(here) if may_tell_by_suffix else [])
            else:
                found = []
            chosen = set(found)
            self.masks += found
            self.images += [file for file in here if file not in chosen] if found else here
        for file in self.masks:
            file.bare = bare_mask(file.stem)
        for file in self.images:
            file.bare = bare_image(file.stem)


def _affixed(here: list[_File], stems_anywhere: set[str]) -> list[_File]:
    """The files of one folder that are masks by their names.

    "_mask" alone proves nothing (there are photos of masks). It must fit an image beside it; then the other files
    named so are masks as well. A folder in which every name has it holds masks if one of them fits an image elsewhere.
    """
    bare = {file: said for file in here if (said := bare_mask(file.stem))}
    if not bare:
        return []
    plain = [file for file in here if file not in bare]
    known = {folded(file.stem) for file in plain}
    known |= {folded(said.stem) for file in plain if (said := bare_image(file.stem))}
    fitting = stems_anywhere if not plain else known
    return list(bare) if any(folded(said.stem) in fitting for said in bare.values()) else []


def _lossless_twins(here: list[_File]) -> list[_File]:
    """In a folder of x.jpg and x.png, the latter: nobody keeps a mask as JPEG when the image is not one."""
    by_stem: defaultdict[str, list[_File]] = defaultdict(list)
    for file in here:
        by_stem[folded(file.stem)].append(file)
    twins = [files for files in by_stem.values() if sorted(file.suffix in _JPEG for file in files) == [False, True]]
    if 2 * len(twins) < len(by_stem):
        return []
    return [file for files in twins for file in files if file.suffix not in _JPEG]


# --- who belongs to whom --------------------------------------------------------------------------------------------

Name = Callable[[_File], str | None]
Meeting = tuple[list[_File], list[_File]]
"""Images and masks that agree in folder and name."""


def _full_name(file: _File) -> str | None:
    return normal(file.name)


def _stem(file: _File) -> str | None:
    return file.stem


def _bare(file: _File) -> str | None:
    return file.bare.stem if file.bare else None


# (form of the image's name, form of the mask's name)
_NAME_RULES: tuple[tuple[Name, Name], ...] = (
    (_full_name, _stem),  # x.jpg and x.jpg.png
    (_stem, _stem),
    (_stem, _bare),
    (_bare, _stem),
    (_bare, _bare),
)


class _Matching:
    def __init__(self, images: list[_File], masks: list[_File]) -> None:
        self.images = images
        self.masks = masks
        self.ambiguous: list[Ambiguity] = []

    def run(self) -> None:
        """Give every image its partner where there is exactly one."""
        self._pass(lambda file: file.place.twin, "")
        self._pass(lambda file: file.place.plain, "")
        # By name alone, wherever it lies; but not for folders that have found their counterpart: there a left-over
        # train/1.png must not be given the mask of test/1.png.
        paired = {file.place for file in (*self.images, *self.masks) if file.partner}
        self._pass(lambda file: () if file.place not in paired else None, "by name alone, ")

    def _pass(self, folder_key: Callable[[_File], Parts | None], prefix: str) -> None:
        for image_name, mask_name in _NAME_RULES:
            images = [file for file in self.images if file.partner is None and not file.problem]
            masks = [file for file in self.masks if file.partner is None and not file.problem]
            if not images or not masks:
                return
            image_keys = _by_key(images, image_name, folder_key)
            mask_keys = _by_key(masks, mask_name, folder_key)
            for key in image_keys.keys() & mask_keys.keys():
                self._settle(_by_exact_case(image_keys[key], image_name, mask_keys[key], mask_name), prefix)

    def _settle(self, meetings: Iterable[Meeting], prefix: str) -> None:
        for images, masks in meetings:
            if len(images) == 1 and len(masks) == 1:
                _join(images[0], masks[0], prefix)
            elif images and masks:
                self._disagree(images, masks)

    def _disagree(self, images: list[_File], masks: list[_File]) -> None:
        if len(images) == 1:
            reason = f"{len(masks)} masks for one image: {_names(masks)}"
        elif len(masks) == 1:
            reason = f"{len(images)} images for one mask: {_names(images)}"
        else:
            reason = f"{len(images)} images and {len(masks)} masks of one name: {_names(images + masks)}"
        for file in (*images, *masks):
            file.problem = reason
        paths = tuple(file.path for file in images), tuple(file.path for file in masks)
        self.ambiguous.append(Ambiguity(*paths, reason))


def _by_key(
    files: list[_File], name: Name, folder_key: Callable[[_File], Parts | None]
) -> dict[tuple[Parts, str], list[_File]]:
    found: defaultdict[tuple[Parts, str], list[_File]] = defaultdict(list)
    for file in files:
        folder, text = folder_key(file), name(file)
        if folder is not None and text is not None:
            found[folder, folded(text)].append(file)
    return found


def _by_exact_case(images: list[_File], image_name: Name, masks: list[_File], mask_name: Name) -> Iterable[Meeting]:
    """Split a meeting of several by case: A.png and a.png are two images where the disk says so."""
    if len(images) == 1 and len(masks) == 1:
        return [(images, masks)]
    exact: defaultdict[str | None, Meeting] = defaultdict(lambda: ([], []))
    for side, (files, name) in enumerate(((images, image_name), (masks, mask_name))):
        for file in files:
            exact[name(file)][side].append(file)
    is_settled = all(len(some_images) <= 1 and len(some_masks) <= 1 for some_images, some_masks in exact.values())
    return exact.values() if is_settled else [(images, masks)]


def _join(image: _File, mask: _File, prefix: str) -> None:
    image.partner, mask.partner = mask, image
    where = "beside it" if image.place == mask.place else f"in {mask.place}/"
    if folded(image.stem) == folded(mask.stem):
        how = f"same name with {mask.suffix}" if image.place == mask.place else "same name"
    elif mask.stem == normal(image.name):
        how = "named after the whole file"
    else:
        how = _affix_words(image, mask)
    image.how = f"{prefix}{how} {where}"


def _affix_words(image: _File, mask: _File) -> str:
    words = []
    if mask.bare and folded(mask.bare.stem) != folded(image.stem) and image.bare:
        words.append(f"{image.bare} of the image")
    if mask.bare and folded(mask.stem) != folded(image.bare.stem if image.bare else image.stem):
        words.append(f"{mask.bare} of the mask" if words else str(mask.bare))
    if not words and image.bare:
        words.append(f"{image.bare} of the image")
    return " and ".join(words)


# --- the answer -----------------------------------------------------------------------------------------------------


def _as_scan(source: Path, matching: _Matching, notes: list[Note], *, is_image_folder_given: bool) -> Scan:
    images, left_out = _without_bystanders(matching.images, is_image_folder_given)
    pairs = [Pair(file.path, file.partner.path if file.partner else None, file.how, file.problem) for file in images]
    pairs.sort(key=lambda pair: pair.image)
    hint = [] if matching.masks else _same_names_elsewhere(images)
    return Scan(
        source,
        pairs,
        sorted(matching.ambiguous, key=lambda one: one.images),
        sorted(file.path for file in matching.masks if file.partner is None and not file.problem),
        sorted([*notes, *left_out, *hint]),
        sorted({str(file.place) for file in images}),
        sorted({str(file.place) for file in matching.masks}),
    )


def _without_bystanders(images: list[_File], is_image_folder_given: bool) -> tuple[list[_File], list[Note]]:
    """Leave out folders beside the image folders (previews, figures) in which nothing has a mask; they are noted."""
    has_pair = {file.place for file in images if file.partner or file.problem}
    if not is_image_folder_given and not any(place.role is Role.IMAGE for place in has_pair):
        return images, []
    aside: defaultdict[_Place, list[_File]] = defaultdict(list)
    for file in images:
        if file.place.role is not Role.IMAGE and (file.place not in has_pair or is_image_folder_given):
            aside[file.place].append(file)
    notes = [
        (str(place), f"{count_text(len(files), 'picture')} outside the image folders left out")
        for place, files in aside.items()
    ]
    return [file for file in images if file.place not in aside], notes


def _same_names_elsewhere(images: list[_File]) -> list[Note]:
    """A hint for two folders with the same names, of which neither says that it holds masks."""
    stems: defaultdict[_Place, set[str]] = defaultdict(set)
    for file in images:
        stems[file.place].add(folded(file.stem))
    places = sorted(stems, key=lambda place: place.parts)
    for one, other in pairwise(places):
        if 2 * len(stems[one] & stems[other]) > max(len(stems[one]), len(stems[other])):
            return [(str(other), f"has the same names as {one}; if it holds the masks, say --masks {other}")]
    return []


def _names(files: list[_File]) -> str:
    shown = ", ".join(file.path for file in files[:4])
    return shown if len(files) <= 4 else f"{shown} and {len(files) - 4} more"
