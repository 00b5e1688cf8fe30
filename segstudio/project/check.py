"""Checking a project against its files, and making the index anew from them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample
from segstudio.formats import image_size
from segstudio.project import mirror
from segstudio.project.augmented import image_file
from segstudio.project.champions import FILE as CHAMPIONS
from segstudio.project.champions import read_reigns
from segstudio.project.clock import now
from segstudio.project.copy_rows import read_manifest
from segstudio.project.copy_writer import CopyWriter, is_sound, orphans
from segstudio.project.masks import Revision
from segstudio.project.project import Project
from segstudio.project.runs import read_options
from segstudio.project.salvage import read_seen, write_seen
from segstudio.project.threads import in_threads

LEFT_BEHIND_SECONDS = 3600
"""A temporary file older than this belongs to a process that died."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        path: The file, below the project or the source.
        text: What is wrong.
        severity: "error" for what cannot be used, "warning" for what is odd, "mended" for what is right again.
    """

    path: str
    text: str
    severity: Literal["error", "warning", "mended"]


def check_project(project: Project, report: Reporter, *, is_thorough: bool = False) -> list[Finding]:
    """Compare the index with the files; what is wrong with a sample is remembered as its problem.

    Args:
        project: Open for writing, or read-only (then nothing is mended or remembered).
        report: Hears of progress.
        is_thorough: Whether every image is decoded, instead of its header alone.

    Returns:
        All findings; none when all is well.

    Raises:
        Cancelled: When the user stopped it.
    """
    findings = [*_check_index(project), *_check_source(project)]
    findings += _check_samples(project, report, is_thorough=is_thorough)
    findings += [*_check_strays(project), *_check_runs(project), *_check_predictions(project)]
    findings += _check_champions(project)
    findings += [*_check_recipes(project), *_check_copies(project, is_thorough=is_thorough)]
    findings += _check_comparisons(project)
    findings += [Finding("studies", str(problem), "warning") for problem in project.studies.problems()]
    if not project.read_only:
        findings += [*_mend_mirror(project), *_remove_left_behind(project.folder)]
    return findings


def _check_index(project: Project) -> Iterator[Finding]:
    for (text,) in project.database.rows("PRAGMA integrity_check"):
        if text != "ok":
            yield Finding("project.sqlite", f"the index is damaged: {text}", "error")
    for table, row, parent, _ in project.database.rows("PRAGMA foreign_key_check"):
        yield Finding("project.sqlite", f"row {row} of {table} refers to a {parent} that is not there", "error")


def _check_source(project: Project) -> Iterator[Finding]:
    if not project.source.is_dir():
        hint = "connect the drive, or say with `segstudio check PROJECT --source FOLDER` where it lies now"
        yield Finding(str(project.source), f"the dataset folder is missing ({hint})", "error")


def _check_samples(project: Project, report: Reporter, *, is_thorough: bool) -> list[Finding]:
    findings: list[Finding] = []
    samples, has_source = list(project.samples.all()), project.source.is_dir()

    def check(sample: Sample) -> list[Finding]:
        return list(_check_sample(project, sample, has_source=has_source, is_thorough=is_thorough))

    with in_threads(samples, check) as checked:
        for done, (sample, result) in enumerate(checked, start=1):
            found = result.result()
            findings += found
            problem = next((finding.text for finding in found if finding.severity == "error"), "")
            # Without the dataset, what is known of a sample's files holds until they can be looked at again.
            if (problem or has_source) and problem != sample.problem and not project.read_only:
                project.samples.set_problem(sample.id, problem)
            report.progress(done, len(samples), sample.name)
    return findings


def _check_sample(project: Project, sample: Sample, *, has_source: bool, is_thorough: bool) -> Iterator[Finding]:
    if has_source:
        yield from _check_image(project, sample, is_thorough=is_thorough)
    if has_source or sample.revision:
        yield from _check_mask(project, sample)
    yield from _check_ignored(project, sample)
    for revision in project.masks.revisions(sample):
        if revision.number and not revision.is_current:
            yield from _check_revision(project, sample, revision)


def _check_image(project: Project, sample: Sample, *, is_thorough: bool) -> Iterator[Finding]:
    try:
        if is_thorough:
            project.read_image(sample)
        elif image_size(project.image_path(sample)) != (sample.width, sample.height):
            yield Finding(sample.image, "the image has another size than when the project was made", "error")
    except (UserError, OSError) as error:
        yield Finding(sample.image, str(error), "error")


def _check_mask(project: Project, sample: Sample) -> Iterator[Finding]:
    try:
        project.masks.load(sample)
        now = project.samples.get(sample.id)
        if now.revision != sample.revision:
            text = f"another program wrote this mask; it is revision {now.revision} now"
            yield Finding(f"masks/{sample.stem}.png", text, "mended")
    except (UserError, OSError) as error:
        yield Finding(f"masks/{sample.stem}.png" if sample.revision else str(sample.truth), str(error), "error")


def _check_ignored(project: Project, sample: Sample) -> Iterator[Finding]:
    try:
        project.ignored.load(sample)
    except (UserError, OSError) as error:
        yield Finding(f"ignore/{sample.stem}.png", str(error), "error")


def _check_revision(project: Project, sample: Sample, revision: Revision) -> Iterator[Finding]:
    try:
        project.masks.load_revision(sample, revision.number)
    except (UserError, OSError) as error:
        yield Finding(revision.path.relative_to(project.folder).as_posix(), str(error), "warning")


def _check_strays(project: Project) -> Iterator[Finding]:
    """Mask files and ignored regions that no sample knows: perhaps of an image with another name."""
    known = {f"{stem}.png" for stem in project.samples.table().stem}
    for folder, word in (("masks", "mask"), ("ignore", "ignored region")):
        for path in sorted((project.folder / folder).rglob("*.png")):
            name = path.relative_to(project.folder / folder).as_posix()
            if name not in known and not path.name.startswith(".tmp-"):
                yield Finding(f"{folder}/{name}", f"this {word} belongs to no sample", "warning")


def _check_runs(project: Project) -> Iterator[Finding]:
    runs = project.runs.list()
    for run in runs:
        name = f"runs/{run.name}"
        try:
            read_options(run.folder)
        except (OSError, ValueError) as error:
            yield Finding(f"{name}/options.toml", f"the options cannot be read: {error}", "warning")
        if run.status in ("finished", "stopped") and not (run.is_reader or run.best_weights.is_file()):
            yield Finding(f"{name}/best.keras", "the weights are missing", "error")
    known = {run.name for run in (*runs, *project.runs.deleted())}
    for folder in sorted((project.folder / "runs").glob("[0-9]*")):
        if folder.name not in known:
            yield Finding(f"runs/{folder.name}", "this run is not in the index", "warning")


def _check_champions(project: Project) -> Iterator[Finding]:
    try:
        read_reigns(project.folder)
    except (OSError, ValueError) as error:
        text = f"cannot be read: {error}; the run that is best on validation counts as champion until one is promoted"
        yield Finding(CHAMPIONS, text, "warning")


def _check_predictions(project: Project) -> Iterator[Finding]:
    rows = project.database.rows("SELECT run_id, sample_id FROM prediction ORDER BY run_id, sample_id")
    table = project.samples.table()
    missing = []
    for run_id, sample_id in rows:
        path = project.predictions.path(run_id, table.row(table.index_of(sample_id)))
        if not path.is_file():
            missing.append((run_id, sample_id))
            name = path.relative_to(project.folder).as_posix()
            yield Finding(name, "the prediction is missing; predict again", "warning")
    if missing and not project.read_only:
        project.predictions.forget(missing)


def _check_recipes(project: Project) -> Iterator[Finding]:
    for path, reason in project.recipes.broken():
        yield Finding(path, reason, "warning")


def _check_copies(project: Project, *, is_thorough: bool) -> Iterator[Finding]:
    """Augmented copies: what is damaged is forgotten, and what a killed job has left behind is removed."""
    for recipe in project.augmented.recipes():
        folder = project.augmented.folder(recipe)
        rows, is_whole = read_manifest(folder / "manifest.csv")
        bad = [name for name, row in rows.items() if not is_sound(folder, row, is_thorough=is_thorough)]
        strays = [path.relative_to(project.folder).as_posix() for path in orphans(folder, rows)]
        if (bad or strays or not is_whole) and not project.read_only:
            try:
                with CopyWriter.opened(project.augmented, recipe) as writer:
                    writer.drop([name for name in bad if name in writer.rows])
            except UserError:
                continue  # a job is making copies right now
        for name in bad:
            path = image_file(folder, name).relative_to(project.folder).as_posix()
            yield Finding(path, "this copy is missing or damaged; queue the recipe again", "warning")
        severity: Literal["warning", "mended"] = "warning" if project.read_only else "mended"
        for stray in strays:
            yield Finding(stray, "was left behind when a job was ended, and belongs to no copy", severity)
        if not is_whole:
            name = (folder / "manifest.csv").relative_to(project.folder).as_posix()
            yield Finding(name, "has lines that were cut off or are no copies", severity)


def _check_comparisons(project: Project) -> Iterator[Finding]:
    """Comparisons whose file is damaged, and finished trainings that have lost a prediction."""
    for problem in project.comparisons.problems():
        yield Finding("comparisons", str(problem), "warning")
    for comparison in project.comparisons.list():
        samples = list(project.samples.all(comparison.samples))
        for cell in comparison.cells():
            missing = sum(not cell.has_prediction(sample) for sample in samples) if cell.is_done else 0
            # An image that could not be read when it was trained has none either; that is known of it.
            if missing > len(samples) - int(cell.done().get("predicted", 0)):
                name = cell.folder.relative_to(project.folder).as_posix()
                hint = f"remove the folder, then `segstudio compare PROJECT --resume {comparison.id}`"
                yield Finding(name, f"{missing} predictions are missing ({hint})", "warning")


def _mend_mirror(project: Project) -> Iterator[Finding]:
    """Write the text files beside the index again where they do not say what it says."""
    try:
        mirror.read_about(project.folder)
    except UserError:
        settings = project.settings.all()
        mirror.write_about(project.folder, {name: settings.get(name) for name in mirror.ABOUT_FIELDS})
        yield Finding("project.json", "was missing or damaged, and is written anew", "mended")
    rows = project.database.rows(mirror.SAMPLES_SQL)
    try:
        is_same = {row["image"]: (row["stem"], row["split"]) for row in mirror.read_samples(project.folder)} == {
            row[0]: (row[2], row[5]) for row in rows
        }
    except UserError:
        is_same = False
    if not is_same:
        mirror.write_samples(project.folder, rows)
        yield Finding("samples.csv", "was missing or damaged, and is written anew", "mended")
    known = [mirror.Review(*row) for row in project.database.rows(mirror.REVIEWS_SQL, (now(),))]
    said = {one.image: _said(one) for one in mirror.read_reviews(project.folder)}
    if any(said.get(one.image) != _said(one) for one in known):
        mirror.write_reviews(project.folder, known)
        yield Finding("reviews.csv", "lacked some verdicts or comments, and is written anew", "mended")

    seen = dict(project.database.rows("SELECT image, seen FROM sample WHERE seen IS NOT NULL"))
    if any(read_seen(project.folder).get(image, "") < time for image, time in seen.items()):
        write_seen(project.folder, seen)


def _said(review: mirror.Review) -> tuple[str, str, str]:
    return review.state, review.reviewer, review.comment


def _remove_left_behind(folder: Path) -> Iterator[Finding]:
    for path in sorted(folder.rglob(".tmp-*")):
        if path.is_file() and time.time() - path.stat().st_mtime > LEFT_BEHIND_SECONDS:
            path.unlink()
            yield Finding(path.relative_to(folder).as_posix(), "was left behind by a crash, and is removed", "mended")
