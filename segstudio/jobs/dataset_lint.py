"""Dataset lint: what is wrong with samples, masks and splits that no training can mend; said before one begins.

Most of it the index knows. For the rest, files are looked at: those a training would use, spread over all of them, and
so many at a time that it stays a matter of seconds; what was seen of a file is kept until the file changes, so that
each look knows more than the one before.
"""

import base64
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from segstudio.core.errors import BadImage, UserError
from segstudio.core.files import write_atomically
from segstudio.core.percentage import percent
from segstudio.core.reporter import Reporter
from segstudio.core.sample import USABLE, Sample, Split
from segstudio.core.wording import count_text
from segstudio.formats import read_preview
from segstudio.formats.duplicates import NEAR, near_pairs, picture_hash
from segstudio.jobs.training_samples import Chosen
from segstudio.project.project import Project
from segstudio.project.sample_table import STATES
from segstudio.project.threads import in_threads
from segstudio.volumes.record import volumes_of_slices

Severity = Literal["blocks", "warns", "fine"]

LOOKS = 400
"""Files of so many samples are looked at in one go; those that are known already do not count."""

SECONDS = 8.0
"""After so long no further file is looked at, but a few are in any case."""

FEWEST_LOOKS = 40

FEW = 5
"""Fewer samples to learn from than this are hardly ever enough."""

FEW_TO_VALIDATE = 2

NAMED = 50
"""So many samples are named in a finding; all are counted."""

MOSTLY = 0.95
"""A share of empty masks, or of an image's area, beyond this is worth a word."""

_SIDE = 32
"""Masks are compared at this size."""

_FEWEST_TO_COMPARE = 6
"""With fewer masks nobody can say which one is unlike the others."""

_CACHE = "cache/preflight/files.json"


@dataclass(frozen=True)
class Finding:
    """Something that a person should know before a training begins.

    Attributes:
        kind: What was looked for, in one word, for programs.
        severity: blocks: a training would fail or learn nothing; warns: it may be in vain; fine: good to know.
        text: One sentence.
        help: What to do about it; empty when nothing need be done.
        samples: Images it is about, NAMED at most.
        count: How many it is about.
    """

    kind: str
    severity: Severity
    text: str
    help: str = ""
    samples: list[str] = field(default_factory=list)
    count: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Facts:
    """What the files of one sample hold.

    Attributes:
        problem: Why they cannot be used, or empty; then nothing else is known.
        share: Of the area that is foreground.
        border: Of the image's border that is foreground.
        inside: Mean grey of the foreground, 0 to 255.
        outside: Mean grey of the rest.
        small: The mask, 32 x 32 bits, as base64.
        hash: See formats.duplicates, as base64.
    """

    problem: str = ""
    share: float = 0.0
    border: float = 0.0
    inside: float = 0.0
    outside: float = 0.0
    small: str = ""
    hash: str = ""

    @property
    def mask(self) -> np.ndarray:
        """float32 (32, 32) of 0 and 1."""
        bits = np.frombuffer(base64.b64decode(self.small), np.uint8)
        return np.unpackbits(bits).reshape(_SIDE, _SIDE).astype(np.float32)

    @property
    def picture_hash(self) -> np.ndarray:
        """uint64 (4,)."""
        return np.frombuffer(base64.b64decode(self.hash), np.uint64)


def lint(project: Project, chosen: Chosen, report: Reporter, *, looks: int = LOOKS) -> list[Finding]:
    """What is wrong with what a training would learn from, validate by and be measured on; the gravest first.

    Args:
        project: Whose samples.
        chosen: What the training would use.
        report: Hears of progress.
        looks: How many samples' files may be looked at, beyond those that are known; 0 to ask the index alone and
            what earlier looks have found.

    Raises:
        Cancelled: When the user stopped it.
    """
    test = [one for one in project.samples.all() if one.split is Split.TEST and _is_usable(one)]
    parts = {"train": chosen.train, "val": chosen.val, "test": test}
    facts = _looked_at(project, parts, report, looks)
    findings = [
        *_missing_source(project),
        *_left_out(project),
        *_unreadable(parts, facts),
        *_too_few(parts),
        *_foreground(project, parts, facts),
        *_inverted(parts, facts),
        *_leaks(parts, facts, volumes_of_slices(project.source)),
    ]
    known, total = len(facts), sum(map(len, parts.values()))
    if looks:
        said = f"{known} of {total}" if known < total else f"all {total}"
        findings.append(Finding("looked-at", "fine", f"the files of {said} samples were looked at", count=known))
    return in_order(findings)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The gravest first."""
    return sorted(findings, key=lambda one: ("blocks", "warns", "fine").index(one.severity))


def _is_usable(sample: Sample) -> bool:
    return sample.has_mask and sample.state in USABLE and not sample.problem


def _found(
    kind: str,
    severity: Severity,
    text: str,
    help: str = "",  # noqa: A002 - as in Finding
    samples: Sequence[Sample] = (),
) -> Finding:
    return Finding(kind, severity, text, help, [one.image for one in samples[:NAMED]], len(samples))


# --- what the index knows -----------------------------------------------------------------------------------------


def _missing_source(project: Project) -> list[Finding]:
    if project.source.is_dir():
        return []
    return [
        Finding(
            "source", "blocks", f"the dataset folder {project.source} is missing",
            "connect the drive, or say with `segstudio check PROJECT --source FOLDER` where it lies now",
        )
    ]  # fmt: skip


def _left_out(project: Project) -> list[Finding]:
    """Samples that no training uses, by reason."""
    table = project.samples.table()
    in_use = np.isin(table.state, [STATES.index(one) for one in USABLE])
    damaged = int(np.count_nonzero(table.has_problem & table.has_mask))
    maskless = int(np.count_nonzero(~table.has_mask))
    judged = int(np.count_nonzero(table.has_mask & ~table.has_problem & ~in_use))
    findings = []
    if damaged:
        named = [table.row(int(at)) for at in np.flatnonzero(table.has_problem & table.has_mask)[:NAMED]]
        found = _found(
            "damaged", "warns", f"{count_text(damaged, 'sample')} cannot be used: {named[0].problem}",
            "they are left out; the Problems panel says why, `segstudio check PROJECT` looks again", named,
        )  # fmt: skip
        findings.append(replace(found, count=damaged))
    if maskless or judged:
        reasons = [f"{maskless} without a mask"] * bool(maskless) + [f"{judged} flagged or rejected"] * bool(judged)
        findings.append(Finding("left-out", "fine", f"not learnt from: {', '.join(reasons)}", count=maskless + judged))
    return findings


def _too_few(parts: Mapping[str, Sequence[Sample]]) -> list[Finding]:
    findings = []
    if 0 < len(parts["train"]) < FEW:
        findings.append(
            Finding(
                "few", "warns", f"only {count_text(len(parts['train']), 'sample')} to learn from",
                "a hundred are usual, twenty the least: correct more masks, or augment", count=len(parts["train"]),
            )
        )  # fmt: skip
    if 0 < len(parts["val"]) < FEW_TO_VALIDATE:
        findings.append(
            Finding(
                "few-to-validate", "warns",
                f"only {count_text(len(parts['val']), 'sample')} to choose the best epoch by",
                "chance will choose it; make a project with a larger validation split", count=len(parts["val"]),
            )
        )  # fmt: skip
    return findings


def _foreground(project: Project, parts: Mapping[str, Sequence[Sample]], facts: Mapping[int, Facts]) -> list[Finding]:
    """Empty and full masks, where the share is known of all of a part."""
    shares = _shares(project, parts, facts)
    findings = []
    for part, samples in parts.items():
        known = [(one, shares[one.id]) for one in samples if one.id in shares]
        empty = [one for one, share in known if share == 0]
        full = [one for one, share in known if share == 1]
        is_all_known = bool(samples) and len(known) == len(samples)
        if is_all_known and len(empty) == len(samples):
            findings.append(_all_alike(part, empty, "empty", "there is nothing to find"))
        elif is_all_known and len(full) == len(samples):
            findings.append(_all_alike(part, full, "all foreground", "there is nothing to tell apart"))
        elif part == "train":
            findings += _some_alike(samples, empty, full, known)
    return findings


def _shares(project: Project, parts: Mapping[str, Sequence[Sample]], facts: Mapping[int, Facts]) -> dict[int, float]:
    """The foreground's share by sample: of the file that was looked at, else as the index remembers it."""
    table = project.samples.table()
    ids = [one.id for samples in parts.values() for one in samples]
    remembered = zip(ids, table.foreground[table.indices_of(ids)].tolist(), strict=True)
    seen = {one: fact.share for one, fact in facts.items() if not fact.problem}
    return {one: share for one, share in remembered if not np.isnan(share)} | seen


def _all_alike(part: str, samples: Sequence[Sample], word: str, so: str) -> Finding:
    which = {"train": "to learn from", "val": "to validate by", "test": "of the test split"}[part]
    check = "look whether the right values of the masks were taken for foreground when the project was made"
    if part == "train":
        return _found(
            "no-foreground" if word == "empty" else "no-background", "blocks",
            f"all {len(samples)} masks {which} are {word}: {so}", f"{check}, or correct some masks first", samples,
        )  # fmt: skip
    lost = "the best epoch cannot be chosen by IoU" if part == "val" else "IoU and Dice will say nothing there"
    return _found(
        f"no-foreground-{part}" if word == "empty" else f"no-background-{part}", "warns",
        f"all {len(samples)} masks {which} are {word}: {lost}", f"{check}, or split the project anew", samples,
    )  # fmt: skip


def _some_alike(
    samples: Sequence[Sample], empty: Sequence[Sample], full: Sequence[Sample], known: Sequence[tuple[Sample, float]]
) -> list[Finding]:
    findings = []
    if empty:
        is_much = len(empty) > MOSTLY * len(samples)
        findings.append(
            _found(
                "empty", "warns" if is_much else "fine",
                f"{len(empty)} of {len(samples)} masks to learn from are empty",
                "if that is not meant so, correct them; class balance or an overlap loss helps" if is_much else "",
                empty,
            )
        )  # fmt: skip
    if full:
        findings.append(
            _found(
                "full", "warns", f"{len(full)} of {len(samples)} masks to learn from are all foreground",
                "look at them: an inverted or a wrongly read mask looks like that", full,
            )
        )  # fmt: skip
    partial = [share for _, share in known if 0 < share < 1]
    if len(partial) >= _FEWEST_TO_COMPARE and np.median(partial) > MOSTLY:
        findings.append(
            Finding(
                "swapped", "warns", f"half of the masks cover more than {percent(np.median(partial))} of their image",
                "look whether foreground and background are swapped", count=len(partial),
            )
        )  # fmt: skip
    return findings


# --- what the files say -------------------------------------------------------------------------------------------


def _unreadable(parts: Mapping[str, Sequence[Sample]], facts: Mapping[int, Facts]) -> list[Finding]:
    """Files that are not what the index believes they are."""
    findings = []
    for part, word in (("train", "to learn from"), ("val", "to validate by"), ("test", "of the test split")):
        samples = parts[part]
        bad = [one for one in samples if one.id in facts and facts[one.id].problem]
        if not bad:
            continue
        is_all = len(bad) == len(samples) and part != "test"
        findings.append(
            _found(
                "unreadable" if part == "train" else f"unreadable-{part}", "blocks" if is_all else "warns",
                f"{len(bad)} of {count_text(len(samples), 'sample')} {word} cannot be read: {facts[bad[0].id].problem}",
                "put the files back or mend them; `segstudio check PROJECT` lists all"
                + ("" if is_all else "; a training leaves them out"),
                bad,
            )
        )  # fmt: skip
    return findings


def _inverted(parts: Mapping[str, Sequence[Sample]], facts: Mapping[int, Facts]) -> list[Finding]:
    """Masks whose foreground looks like the others' background."""
    samples = [one for part in parts.values() for one in part if one.id in facts]
    able = [one for one in samples if not facts[one.id].problem and 0.001 < facts[one.id].share < 0.999]
    if len(able) < _FEWEST_TO_COMPARE:
        return []
    is_odd = look_inverted([facts[one.id] for one in able])
    odd = [one for one, is_one in zip(able, is_odd, strict=True) if is_one]
    if not odd:
        return []
    return [
        _found(
            "inverted", "warns", f"{_masks(len(odd))} inverted: foreground lies where the others have background",
            "look at them; Invert in the menu Mask turns one over", odd,
        )
    ]  # fmt: skip


def look_inverted(facts: Sequence[Facts]) -> np.ndarray:
    """Which masks are probably inverted, held against the others.

    Four signs, of which three must agree: it covers what the others leave free (correlation with their mean); its
    share of the area is like theirs when it is turned over; what is inside is as bright as what is outside theirs;
    and it runs along the border of the image where the others do not.

    Args:
        facts: Of at least two masks that are neither empty nor full.

    Returns:
        bool (N,).
    """
    masks = np.stack([one.mask for one in facts]).reshape(len(facts), -1)
    others = (masks.sum(axis=0) - masks) / (len(facts) - 1)
    share, border = (np.array([getattr(one, name) for one in facts]) for name in ("share", "border"))
    contrast = np.array([one.inside - one.outside for one in facts])
    usual, bright = float(np.median(share)), float(np.median(contrast))
    is_elsewhere = _correlation(masks, others) < -0.2
    is_turned = (np.abs(1 - share - usual) < np.abs(share - usual)) & (np.abs(share - usual) > 0.1)
    is_sure = abs(bright) > 4 and np.mean(np.sign(contrast) == np.sign(bright)) > 0.7
    is_other_way = (contrast * np.sign(bright) < -0.3 * abs(bright)) if is_sure else np.zeros(len(facts), bool)
    is_around = (border > 0.5) & (border > 2 * np.median(border))
    votes = is_elsewhere.astype(int) + is_turned + is_other_way + is_around
    return np.asarray(votes >= 3)


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Row by row; 0 where a row is flat."""
    one, other = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    norm = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return np.asarray((one * other).sum(axis=1) / np.maximum(norm, 1e-9))


def _leaks(
    parts: Mapping[str, Sequence[Sample]], facts: Mapping[int, Facts], volumes: Mapping[str, str]
) -> list[Finding]:
    """Pictures that are learnt from and, nearly the same, validate or test.

    Slices of two volumes are none of those: at one height all patients look alike, and air does everywhere.
    """
    placed = [(part, one) for part, samples in parts.items() for one in samples]
    placed = [(part, one) for part, one in placed if one.id in facts and facts[one.id].hash]
    if len(placed) < 2:
        return []
    pairs = near_pairs(np.stack([facts[one.id].picture_hash for _, one in placed]), NEAR)
    leaked: dict[str, dict[int, tuple[Sample, Sample]]] = {"val": {}, "test": {}}
    for at, other in pairs.tolist():
        (part, one), (part_of_other, same) = placed[at], placed[other]
        if part == part_of_other or volumes.get(one.image) != volumes.get(same.image):
            continue
        # What is measured stands first: test, then val.
        if ("train", "val", "test").index(part) < ("train", "val", "test").index(part_of_other):
            part, one, same = part_of_other, same, one
        leaked[part].setdefault(one.id, (one, same))
    findings = []
    for part, words in (("test", "the test split"), ("val", "the validation split")):
        if not leaked[part]:
            continue
        one, same = next(iter(leaked[part].values()))
        findings.append(
            _found(
                f"leak-{part}", "warns",
                f"{count_text(len(leaked[part]), 'sample')} of {words} nearly equal to ones on the other side, "
                f"such as {one.name} and {same.name}",
                "figures there will be too good: make the project anew with --group-by, so that scenes stay together",
                [found for found, _ in leaked[part].values()],
            )
        )  # fmt: skip
    return findings


def _looked_at(
    project: Project, parts: Mapping[str, Sequence[Sample]], report: Reporter, looks: int
) -> dict[int, Facts]:
    """What is known of the files: from earlier looks, and of `looks` more."""
    if not project.source.is_dir():
        return {}
    rule = project.rule.model_dump_json()  # which values are foreground: another rule, other facts
    cache = _load(project, rule)
    keys: dict[int, str] = {}
    known: dict[int, Facts] = {}
    unknown: list[Sample] = []
    samples = _spread(parts)
    for number, sample in enumerate(samples):
        if number % 500 == 0:
            report.progress(number, len(samples), "looking at what is known of the files")
        keys[sample.id] = key = _key(project, sample)
        stored = cache.get(sample.stem)
        facts = _facts(stored[1]) if stored and stored[0] == key else None
        if facts is None:
            unknown.append(sample)
        else:
            known[sample.id] = facts
    found = _read(project, unknown[:looks], report)
    if found:
        stems = {one.id: one.stem for one in samples}
        cache |= {stems[one]: (keys[one], asdict(facts)) for one, facts in found.items()}
        _store(project, rule, cache)
    return known | found


def _facts(stored: dict[str, Any]) -> Facts | None:
    try:
        return Facts(**stored)
    except TypeError:  # of another version of the program
        return None


def _spread(parts: Mapping[str, Sequence[Sample]]) -> list[Sample]:
    """All samples, those of every part and every region of it early: half of them see what there is to be seen."""
    places = []
    for samples in parts.values():
        step = 0.6180339887498949  # the golden section leaves no gap, however far one goes
        places += [(number * step % 1, one.id, one) for number, one in enumerate(samples)]
    return [one for _, _, one in sorted(places, key=lambda place: place[:2])]


def _key(project: Project, sample: Sample) -> str:
    """What changes when one of the files does."""
    return f"{_stamp(project.image_path(sample))} {_stamp(project.masks.path(sample))} {sample.width}x{sample.height}"


def _stamp(path: Path | None) -> str:
    try:
        status = None if path is None else path.stat()
    except OSError:
        status = None
    return "none" if status is None else f"{status.st_size}-{status.st_mtime_ns}"


def _read(project: Project, samples: Sequence[Sample], report: Reporter) -> dict[int, Facts]:
    found: dict[int, Facts] = {}
    started = time.monotonic()
    with in_threads(samples, lambda one: facts_of(project, one)) as looked:
        for number, (sample, result) in enumerate(looked, 1):
            found[sample.id] = result.result()
            report.progress(number, len(samples), f"looking at sample {number} of {len(samples)}")
            if number >= FEWEST_LOOKS and time.monotonic() - started > SECONDS:
                break
    return found


def facts_of(project: Project, sample: Sample) -> Facts:
    """What the files of a sample hold; damage is a fact as well."""
    try:
        preview = read_preview(project.image_path(sample), 64)
        if (preview.width, preview.height) != (sample.width, sample.height):
            raise BadImage(
                f"{sample.name} is {preview.width}x{preview.height} pixels now, and was "
                f"{sample.width}x{sample.height} when the project began",
                "put the original image back",
            )
        mask = project.masks.load(sample)
    except (UserError, OSError, MemoryError) as error:
        return Facts(problem=error.message if isinstance(error, UserError) else str(error))
    grey = preview.pixels if preview.pixels.ndim == 2 else cv2.cvtColor(preview.pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(mask.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    picture = cv2.resize(grey.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    inside, outside = float(small.sum()), float((1 - small).sum())
    edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return Facts(
        share=float(mask.mean()),
        border=float(edge.mean()),
        inside=float((picture * small).sum() / inside) if inside else 0.0,
        outside=float((picture * (1 - small)).sum() / outside) if outside else 0.0,
        small=base64.b64encode(np.packbits(small >= 0.5).tobytes()).decode(),
        hash=base64.b64encode(picture_hash(preview.pixels).tobytes()).decode(),
    )


def _load(project: Project, rule: str) -> dict[str, Any]:
    try:
        stored = json.loads((project.folder / _CACHE).read_text(encoding="utf-8"))
        return dict(stored["files"]) if stored["rule"] == rule else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _store(project: Project, rule: str, files: Mapping[str, Any]) -> None:
    if not project.read_only:
        text = json.dumps({"rule": rule, "files": files})
        write_atomically(project.folder / _CACHE, text.encode("utf-8"), is_durable=False)


def _masks(count: int) -> str:
    return "1 mask is probably" if count == 1 else f"{count} masks are probably"
