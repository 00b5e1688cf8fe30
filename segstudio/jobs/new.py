"""new: a project from a folder or an archive of images and masks, or of volumes, which become slices."""

import re
import secrets
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from segstudio.core.errors import BadImage, UserError
from segstudio.core.options import option
from segstudio.core.percentage import percent
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.sample import Split
from segstudio.formats import read_preview, reason_of
from segstudio.formats.archive import extract, is_archive
from segstudio.formats.duplicates import group_near_duplicates, picture_hash
from segstudio.formats.foreground import ForegroundRule, parse_foreground, value_text
from segstudio.formats.naming import split_of_path
from segstudio.formats.pairing import Pair, Scan
from segstudio.formats.parallel import in_parallel
from segstudio.formats.survey import MaskSurvey, foreground_share, survey_masks
from segstudio.jobs import JOBS, Job
from segstudio.project.project import INDEX, Project, check_new_folder
from segstudio.project.samples import NewSample
from segstudio.project.splitting import Fractions, assign, parse_fractions, split_text, splits_of_folders
from segstudio.project.topics import Topics
from segstudio.volumes import Slicing
from segstudio.volumes.record import VolumeRecord
from segstudio.volumes.unpacking import Holding, find, unpack, volume_format

BY_FOLDERS = "folders"
"""What `split` is when the folders of the dataset say it."""

VAL_SHARE = 0.15
"""What is taken of train when no folder is for validation: training cannot do without."""

LARGEST_SUBJECT = 0.3
"""A patient with a larger share of all images is taken for a name that an anonymising program has put everywhere."""

BLOCKS = 12
"""Into about so many runs of neighbouring slices a volume is parted when it is all there is to split."""

_UNZIPPED = ".unzipped"
_HASHED_SIDE = 128
_SHOWN_VALUES = 12


class NewOptions(Slicing):
    """What a project is made from."""

    source: str = option(
        "", "Dataset", help="Folder or .zip archive of images and masks, or of volumes; or one volume.", is_path=True
    )
    images: str = option("", "Images", help="Folder of the images below the dataset; found by its name when empty.")
    masks: str = option(
        "", "Masks", help="Folder of the masks below the dataset, or the mask of a single volume; found when empty."
    )
    split: str = option(
        "70/15/15",
        "Split",
        help="Shares of train/val/test; two numbers (70/30) are train/val; folders keeps the split that folders called "
        "train, val and test say.",
    )
    seed: int = option(0, "Seed", help="Another seed gives another split.")
    group_by: str = option(
        "", "Group by", help="Regular expression; images whose paths give the same match stay on one side of the split."
    )
    foreground: str = option(
        "", "Foreground", help="Mask values that are foreground: 1,2 or #fa3253 or 250,50,83 or >127; found when empty."
    )
    near_duplicates: bool = option(
        True, "Keep near-duplicates together", help="Whether pictures of one scene stay on one side of the split."
    )


@JOBS.register
class New(Job[NewOptions]):
    """Make a project; the dataset is read and never written."""

    name = "new"
    title = "New project"
    lane: ClassVar[Literal["compute", "io"]] = "io"
    topics: ClassVar[Topics] = frozenset({"samples", "masks", "settings", "problems"})
    Options = NewOptions

    def perform(self, folder: Path, report: Reporter) -> dict[str, Any]:
        """Find pairs, look at every file, split, and write the project; it appears complete or not at all."""
        chosen = self.options
        fractions = None if chosen.split.strip().lower() == BY_FOLDERS else parse_fractions(chosen.split)
        pattern = _pattern(chosen.group_by)
        source = _source(chosen.source)
        folder = _without_dots(folder)
        check_new_folder(folder, source)
        is_in_place = source.is_relative_to(folder)
        place = folder if is_in_place else _new_place(folder)
        slices = _free(place)
        try:
            left_out = _Notes(report)
            holding, records = _found(chosen, source, place, left_out, report, skip=(folder, place)), []
            if holding.volumes:
                unpacked = unpack(
                    holding, slices, Slicing(**chosen.model_dump(include=set(Slicing.model_fields))), report
                )
                holding, records = Holding(unpacked.scan), unpacked.records
                shutil.rmtree(place / _UNZIPPED, ignore_errors=True)
            elif source.is_file():
                (place / _UNZIPPED).rename(slices)
                holding = Holding(replace(holding.scan, source=slices))
            draft = _Draft(holding.scan, left_out.notes, records)
            draft.look(report, chosen.foreground)
            draft.group(pattern, report, is_grouping_near=chosen.near_duplicates)
            draft.split(fractions, chosen.seed, report)
            report.progress(0, 0, "writing the project")
            Project.create(
                place,
                holding.scan.source,
                draft.rows(),
                rule=draft.rule,
                split=chosen.model_dump(include={"split", "seed", "group_by", "near_duplicates"}),
                notes=draft.notes,
                name=folder.name,
            ).close()
            if not is_in_place:
                _move(place, folder)
        except BaseException:
            # Of a folder in which the person's own files lie, only what was not there before.
            for made in (slices, place / _UNZIPPED) if is_in_place else (place,):
                shutil.rmtree(made, ignore_errors=True)
            raise
        for path, reason in draft.all_notes():
            report.note(path, reason)
        return draft.result()


def _found(
    chosen: NewOptions, source: Path, place: Path, notes: "_Notes", report: Reporter, *, skip: tuple[Path, ...]
) -> Holding:
    """The images and masks of a dataset; an archive is unpacked beside where the project is made."""
    dataset = source
    if source.is_file() and is_archive(source):
        dataset = place / _UNZIPPED
        extract(source, dataset, notes)
    return find(dataset, chosen.images or None, chosen.masks or None, report, skip=() if dataset != source else skip)


class _Notes(Phase):
    """A Reporter that keeps the notes instead of passing them on; they are told with all others at the end."""

    def __init__(self, report: Reporter) -> None:
        super().__init__(report, 0, 1)
        self.notes: list[tuple[str, str]] = []

    def note(self, subject: str, text: str) -> None:
        """Keep it."""
        self.notes.append((subject, text))


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise UserError(f"group-by {text!r} is not a regular expression: {error}") from None


def _source(text: str) -> Path:
    if not text.strip():
        raise UserError("no dataset was named", "give --from a folder or a .zip archive")
    source = _without_dots(Path(text).expanduser())
    if not source.exists():
        raise UserError(f"{source}: there is no such folder or file")
    if source.is_file() and not is_archive(source) and volume_format(source) is None:
        raise UserError(
            f"{source}: this is neither a folder nor a zip archive nor a volume", "unpack it and give the folder"
        )
    if (source / INDEX).exists():
        raise UserError(f"{source} is a project already", "open it, or give the folder of the images")
    return source


def _without_dots(path: Path) -> Path:
    """The absolute path; one with ".." is followed, so that it has a name and shows what it lies in."""
    return path.resolve() if ".." in path.parts else path.absolute()


def _new_place(folder: Path) -> Path:
    """A folder beside the one that is wanted, in which the project is made before it gets its name."""
    place = folder.parent / f".new-{secrets.token_hex(6)}"
    try:
        place.mkdir(parents=True)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{folder} cannot be made: {reason}", "choose another folder") from error
    return place


def _free(place: Path) -> Path:
    """Where a dataset that is unpacked goes: to data/, or beside the one that lies there."""
    free = [path for path in (place / "data", place / "slices") if not path.exists()]
    if not free:
        raise UserError(f"{place} has a folder data and a folder slices already", "choose a new folder")
    return free[0]


def _move(place: Path, folder: Path) -> None:
    """Give the project its name; a folder that exists is filled, because somebody may work in it (`new .`)."""
    if not folder.exists():
        place.rename(folder)
        return
    # The index last: it is what makes a folder a project.
    for path in sorted(place.iterdir(), key=lambda path: path.name == INDEX):
        path.rename(folder / path.name)
    place.rmdir()


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen of one image: its size in pixels, its hash and whom it shows, or what is wrong with it."""

    width: int = 0
    height: int = 0
    hash: np.ndarray | None = None
    subject: str = ""
    problem: str = ""


def _look_at(path: Path) -> _Look:
    try:
        preview = read_preview(path, _HASHED_SIDE)
        return _Look(preview.width, preview.height, picture_hash(preview.pixels), preview.subject)
    except BadImage as error:
        return _Look(problem=reason_of(error, path))


@dataclass
class _Seen:
    """One image on its way to become a sample."""

    pair: Pair
    look: _Look = field(default_factory=_Look)
    problem: str = ""
    noted: tuple[str, str] | None = None
    foreground: float | None = None
    group: str = ""
    split: Split = Split.TRAIN

    @property
    def kind(self) -> str:
        """What the split is balanced by."""
        if self.problem:
            return "problem"
        if self.foreground is None:
            return "no mask"
        return "mask" if self.foreground else "empty"


class _Draft:
    """The project that is being made.

    Attributes:
        rule: Which mask values are foreground.
        notes: Files that are no sample's.
    """

    def __init__(self, found: Scan, notes: list[tuple[str, str]], records: Sequence[VolumeRecord]) -> None:
        self._found = found
        self._seen = [_Seen(pair) for pair in found.pairs]
        index_of = {pair.image: index for index, pair in enumerate(found.pairs)}
        self._records = records
        self._volumes = [[index_of[path] for path in record.slices if path is not None] for record in records]
        self._cut = 0
        self._near_groups = self._across = 0
        self._by_folders: Counter[Split] | None = None
        self.rule = ForegroundRule()
        self.notes = [*notes, *_scan_notes(found)]

    def look(self, report: Reporter, foreground: str) -> None:
        """Open every mask and every image."""
        root = self._found.source
        paths = [root / one.pair.mask for one in self._seen if one.pair.mask]
        survey = survey_masks(paths, report)
        self.rule = _chosen_rule(survey, foreground, root)
        report.log(f"{self.rule}: {'said by the user' if foreground else survey.reason}")
        images = [root / one.pair.image for one in self._seen]
        for one, look in zip(self._seen, in_parallel(_look_at, images, report, "looking at images"), strict=True):
            one.look = look
            if look.problem:
                one.problem = look.problem
                one.noted = one.pair.image, look.problem
        unreadable = dict(survey.problems)
        for one in self._seen:
            if one.pair.mask:
                self._judge_mask(one, root / one.pair.mask, survey, unreadable)

    def _judge_mask(self, one: _Seen, path: Path, survey: MaskSurvey, unreadable: dict[Path, str]) -> None:
        if path in unreadable:
            self._refuse(one, f"the mask cannot be read: {unreadable[path]}")
            return
        facts = survey.facts[path]
        size = (facts.width, facts.height)
        if not one.look.problem and size != (one.look.width, one.look.height):
            self._refuse(
                one,
                f"the mask has {facts.width}x{facts.height} pixels, the image {one.look.width}x{one.look.height}; "
                "nothing is resized",
            )
            return
        one.foreground = foreground_share(path, facts, self.rule)

    @staticmethod
    def _refuse(one: _Seen, reason: str) -> None:
        one.problem = one.problem or reason
        if one.noted is None:
            one.noted = str(one.pair.mask), reason

    def group(self, pattern: re.Pattern[str] | None, report: Reporter, *, is_grouping_near: bool) -> None:
        """Find out which samples must stay on one side."""
        links = self._links_by_volume(report) + self._links_by_subject(report)
        if pattern is not None:
            links += self._links_by_pattern(pattern)
        if is_grouping_near:
            near = self._links_by_look()
            self._near_groups = len(near)
            links += near
        for members in _joined(len(self._seen), links):
            name = self._group_name(pattern, members)
            for index in members:
                self._seen[index].group = name

    def _links_by_volume(self, report: Reporter) -> list[list[int]]:
        """Slices of one volume, and volumes of one patient, belong together; a volume alone is parted into runs."""
        if len(self._volumes) == 1 and len(self._volumes[0]) == len(self._seen):
            (slices,) = self._volumes
            length = max(1, -(-len(slices) // BLOCKS))
            runs = [slices[start : start + length] for start in range(0, len(slices), length)]
            report.log(
                f"there is one volume only: {len(runs)} runs of {length} neighbouring slices are dealt to the splits; "
                "the patient is the same in all of them, so figures of the test split flatter"
            )
            return runs
        by_subject: dict[str, list[int]] = {}
        for record, slices in zip(self._records, self._volumes, strict=True):
            if record.subject:
                by_subject.setdefault(record.subject, []).append(slices[0])
        several = [firsts for firsts in by_subject.values() if len(firsts) > 1]
        if len(self._volumes) > 1 and any(len(firsts) == len(self._volumes) for firsts in several):
            report.log("all volumes name the same patient, as anonymised ones do: each is taken for one of its own")
            several = []
        return [*self._volumes, *several]

    def _links_by_subject(self, report: Reporter) -> list[list[int]]:
        by_subject: dict[str, list[int]] = {}
        for index, one in enumerate(self._seen):
            if one.look.subject:
                by_subject.setdefault(one.look.subject, []).append(index)
        several = [members for members in by_subject.values() if len(members) > 1]
        if not several:
            return []
        # Few patients with a series each are patients; one name for many beside names for single images is none.
        are_series = len(by_subject) > 1 and len(several) == len(by_subject)
        if not are_series and max(map(len, several)) > LARGEST_SUBJECT * len(self._seen):
            report.log("too many images name the same patient, as anonymised ones do: patients are not kept together")
            return []
        report.log(f"images of one patient stay on one side: {len(several)} patients have several")
        return several

    def _links_by_pattern(self, pattern: re.Pattern[str]) -> list[list[int]]:
        by_text: dict[str, list[int]] = {}
        for index, one in enumerate(self._seen):
            if (text := _group_text(pattern, one.pair.image)) is not None:
                by_text.setdefault(text, []).append(index)
        if not by_text:
            example = self._seen[0].pair.image
            raise UserError(f"group-by {pattern.pattern!r} matches no image", f"it is searched in paths like {example}")
        return list(by_text.values())

    def _links_by_look(self) -> list[list[int]]:
        # Slices of one height look alike in all patients, and those of air are: volumes are compared as a whole.
        passed = {index for slices in self._volumes for index in slices}
        known = (i for i, one in enumerate(self._seen) if one.look.hash is not None and i not in passed)
        indices = np.array(list(known), dtype=np.int64)
        copies = self._links_by_copy()
        if len(indices) < 2:
            return copies
        hashes = np.stack([self._seen[i].look.hash for i in indices])
        groups = group_near_duplicates(hashes)
        self._cut = groups.cut
        order = np.argsort(groups.ids, kind="stable")
        runs = np.split(indices[order], np.flatnonzero(np.diff(groups.ids[order])) + 1)
        return [*copies, *(run.tolist() for run in runs if len(run) > 1)]

    def _links_by_copy(self) -> list[list[int]]:
        """The first slices of volumes that are the same under several names."""
        same: dict[bytes, list[int]] = {}
        for slices in self._volumes:
            hashes = [self._seen[index].look.hash for index in slices]
            key = b"".join(b"" if one is None else one.tobytes() for one in hashes)
            same.setdefault(key, []).append(slices[0])
        return [firsts for firsts in same.values() if len(firsts) > 1]

    def _group_name(self, pattern: re.Pattern[str] | None, members: list[int]) -> str:
        paths = [self._seen[index].pair.image for index in members]
        texts = [text for path in paths if pattern and (text := _group_text(pattern, path)) is not None]
        if texts:
            return min(texts)
        whole = (record.name for record, slices in zip(self._records, self._volumes, strict=True) if slices == members)
        return next(whole, paths[0])

    def split(self, fractions: Fractions | None, seed: int, report: Reporter) -> None:
        """Deal the samples to train, val and test; None does as their folders say.

        Raises:
            UserError: When they do not say it of every image, or leave nothing to train on.
        """
        said = splits_of_folders(one.pair.image for one in self._seen)
        self._by_folders = Counter(said) if said else None
        if fractions is not None:
            self._deal(self._seen, fractions, seed)
            if said:
                report.log(
                    f"the dataset's folders say another split ({split_text(said)}): --split {BY_FOLDERS} keeps it"
                )
            return
        if said is None:
            paths = [one.pair.image for one in self._seen]
            silent = next((path for path in paths if split_of_path(path) is None), None)
            raise UserError(
                f"no folder of {silent} says whether it is for train, val or test"
                if silent
                else f"all images lie in folders for {split_of_path(paths[0])}",
                "give shares, for example 70/15/15",
            )
        for one, split in zip(self._seen, said, strict=True):
            one.split = split
        learnt = [one for one in self._seen if one.split is Split.TRAIN]
        if not learnt:
            raise UserError("no folder is for training", "give shares, for example 70/15/15")
        if Split.VAL not in said:
            self._deal(learnt, (1 - VAL_SHARE, VAL_SHARE, 0.0), seed)
            report.log(f"no folder is for validation: {percent(VAL_SHARE)} of train are taken for it")
        self._across = self._groups_across()
        if self._across:
            report.log(
                f"{self._across} groups of near-duplicates lie on both sides of the folders' split: a test on them is "
                "no test"
            )

    def _deal(self, some: Sequence[_Seen], fractions: Fractions, seed: int) -> None:
        # A lone sample is a group by its path; the tag keeps it from meeting a group of that name.
        groups = [("group", one.group) if one.group else ("image", one.pair.image) for one in some]
        dealt = assign(groups, fractions, seed, [one.kind for one in some])
        for one, split in zip(some, dealt, strict=True):
            one.split = split

    def _groups_across(self) -> int:
        sides: dict[str, set[Split]] = {}
        for one in self._seen:
            if one.group:
                sides.setdefault(one.group, set()).add(one.split)
        return sum(len(splits) > 1 for splits in sides.values())

    def rows(self) -> list[NewSample]:
        """The samples for `Project.create`."""
        return [
            NewSample(
                one.pair.image,
                one.pair.mask,
                one.look.width,
                one.look.height,
                split=one.split,
                group=one.group,
                problem=one.problem,
                foreground=one.foreground,
            )
            for one in self._seen
        ]

    def all_notes(self) -> list[tuple[str, str]]:
        """Notes on samples first, then on other files."""
        return [one.noted for one in self._seen if one.noted] + self.notes

    def result(self) -> dict[str, Any]:
        """What `new --json` prints."""
        shares = [one.foreground for one in self._seen if one.foreground is not None]
        with_mask = self._found.with_mask
        splits = Counter(one.split.value for one in self._seen)
        return {
            "samples": len(self._seen),
            "pairs": with_mask,
            "without_mask": len(self._seen) - with_mask,
            "empty": sum(share == 0 for share in shares),
            "full": sum(share == 1 for share in shares),
            "foreground": {**self.rule.model_dump(mode="json"), "text": str(self.rule)},
            "splits": {split.value: splits[split.value] for split in Split},
            "split_of_folders": self._by_folders and {split.value: self._by_folders[split] for split in Split},
            "groups": len({one.group for one in self._seen} - {""}),
            "near_duplicates": {"groups": self._near_groups, "left_apart": self._cut, "across": self._across},
            "volumes": [
                {
                    "volume": one.image,
                    "mask": one.mask,
                    "slices": len(one.slices),
                    "plane": one.plane,
                    "window": one.window,
                }
                for one in self._records
            ],
            "pairing": dict(Counter(one.pair.how for one in self._seen if one.pair.mask).most_common()),
            "ambiguous": len(self._found.ambiguous),
            "unmatched_masks": len(self._found.unmatched_masks),
            "notes": [{"path": path, "reason": reason} for path, reason in self.all_notes()],
        }


def _scan_notes(found: Scan) -> list[tuple[str, str]]:
    ambiguous = [(path, one.reason) for one in found.ambiguous for path in one.images]
    unmatched = [(path, "this mask has no image") for path in found.unmatched_masks]
    return [*ambiguous, *unmatched, *found.notes]


def _chosen_rule(survey: MaskSurvey, foreground: str, root: Path) -> ForegroundRule:
    if foreground.strip():
        rule = parse_foreground(foreground, is_colour=survey.is_colour)
        if rule.kind == "values" and survey.values and not _occurs(rule, survey):
            raise UserError(f"no mask has any of the values {foreground!r}", f"the masks hold {_values_text(survey)}")
        return rule
    if survey.needs_choice:
        example = survey.values[0]
        raise UserError(
            f"{survey.reason}: {_values_text(survey)}",
            f"say which are foreground with --foreground, for example --foreground {_argument(survey)} "
            f"(look at {example.example.relative_to(root).as_posix()})",
        )
    return survey.rule


def _occurs(rule: ForegroundRule, survey: MaskSurvey) -> bool:
    seen = {one.value for one in survey.values} | {(0,)}
    return any((value[:1] if len(set(value)) == 1 else value) in seen for value in rule.values)


def _values_text(survey: MaskSurvey) -> str:
    shown = ", ".join(str(one) for one in survey.values[:_SHOWN_VALUES])
    more = len(survey.values) - _SHOWN_VALUES
    return f"{shown} and {more} more" if more > 0 else shown


def _argument(survey: MaskSurvey) -> str:
    text = value_text(survey.values[0].value)
    return f'"{text}"' if text.startswith("#") else text


def _group_text(pattern: re.Pattern[str], path: str) -> str | None:
    """The first group of the match, or all of it when the expression has no group."""
    match = pattern.search(path)
    if match is None:
        return None
    return match[1] if pattern.groups else match[0]


def _joined(count: int, links: list[list[int]]) -> list[list[int]]:
    """Sets of at least two indices that hang together through the links, each ascending."""
    parents = list(range(count))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    for members in links:
        for other in members[1:]:
            low, high = sorted((root(members[0]), root(other)))
            parents[high] = low
    sets: dict[int, list[int]] = {}
    for index in range(count):
        sets.setdefault(root(index), []).append(index)
    return [members for members in sets.values() if len(members) > 1]
