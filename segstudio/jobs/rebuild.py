"""Making a run again from its manifest: the same images and mask revisions, split, seed, options, recipe and weights.

What cannot be the same is refused, and named; what may make a difference is said. The rebuilt run is one of its own,
and is held against the original figure by figure.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segstudio.core.errors import UserError
from segstudio.core.manifest import ManifestRow, load_manifest
from segstudio.core.options import checked
from segstudio.core.reporter import Cancelled, Reporter
from segstudio.jobs.presets import TrainOptions, options_of
from segstudio.jobs.run_card import digest_of, sha256
from segstudio.jobs.starts import Start, names_file, of_file, of_run
from segstudio.jobs.training_samples import recall
from segstudio.jobs.versions import versions
from segstudio.project.project import Project
from segstudio.project.run_files import read_card
from segstudio.project.runs import Run

if TYPE_CHECKING:
    from segstudio.ml.data import Example

NAMED = 5
"""So many files are named that are not what they were."""


class StoppingAfter:
    """A Reporter that stops a training after an epoch, as a person stopped the original."""

    def __init__(self, report: Reporter, epochs: int) -> None:
        self._report = report
        self._epochs = epochs
        self._is_reached = False

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Pass on; Cancelled once the epoch is done."""
        if self._is_reached:
            raise Cancelled
        self._report.progress(done, total, text)

    def pace(self, *, is_even: bool) -> None:
        """Pass on."""
        self._report.pace(is_even=is_even)

    def metric(self, step: int, **values: float) -> None:
        """Pass on."""
        self._is_reached = step >= self._epochs
        self._report.metric(step, **values)

    def note(self, subject: str, text: str) -> None:
        """Pass on."""
        self._report.note(subject, text)

    def artifact(self, path: Path) -> None:
        """Pass on."""
        self._report.artifact(path)

    def log(self, text: str) -> None:
        """Pass on."""
        self._report.log(text)


def recalled_examples(project: Project, run: Run) -> dict[str, list["Example"]]:
    """What a run learnt from and was validated by, each file being what it was.

    Raises:
        UserError: When the manifest is missing, or a file is another by now or gone; the first of them are named.
    """
    rows = load_manifest(run.manifest)
    there = {one.id: one.image for one in project.samples.all()}
    if lost := [row.image for row in rows if not row.recipe and there.get(row.sample) != row.image]:
        raise _refusal(run, [f"{image} (no longer in the project)" for image in lost])
    parts = recall(project, rows)
    changed: list[str] = []
    for split, examples in parts.items():
        for row, example in zip((row for row in rows if row.split == split), examples, strict=True):
            changed += _changed(row, example)
    if changed:
        raise _refusal(run, changed)
    return parts


def _changed(row: ManifestRow, example: "Example") -> list[str]:
    """What of one line is not as it was, in words."""
    try:
        mask_file: Path | None = example.mask_file()
    except (StopIteration, UserError, OSError):
        mask_file = None
    found = []
    for what, path, wanted in (("image", example.image_file, row.image_sha256), ("mask", mask_file, row.mask_sha256)):
        name = f"{row.image} ({what}" + (f", revision {row.revision})" if what == "mask" else ")")
        if path is None or not path.is_file():
            found.append(f"{name} is gone")
        elif sha256(path) != wanted:
            found.append(f"{name} is another file")
    try:
        example.read_ignored()
        example.read_before()
    except (StopIteration, UserError, OSError):
        found.append(f"{row.image} (what was ignored or corrected in it) is gone")
    return found


def _refusal(run: Run, changed: Sequence[str]) -> UserError:
    named = "; ".join(changed[:NAMED]) + (f"; and {len(changed) - NAMED} more" if len(changed) > NAMED else "")
    count = "1 file is" if len(changed) == 1 else f"{len(changed)} files are"
    return UserError(
        f"run {run.name} cannot be rebuilt: {count} not what it learnt from: {named}",
        "put them back as they were (earlier masks lie in the project's history/), or train anew",
    )


def recalled_options(run: Run, report: Reporter) -> TrainOptions:
    """The options of a run; one that this version does not know any more is left out with a word."""
    known = options_of(run.model).model_fields
    if unknown := sorted(run.options.keys() - known.keys()):
        report.log(f"options of run {run.name} that this version does not know are left out: {', '.join(unknown)}")
    return checked(options_of(run.model), {name: value for name, value in run.options.items() if name in known})


def recalled_start(project: Project, run: Run, report: Reporter) -> Start | None:
    """The run or file whose weights it began with, those being what they were; None when it began otherwise.

    Raises:
        UserError: When there is no such run or file any more, or its weights are others by now.
    """
    if names_file(run.start):
        file = of_file(Path(run.start))
        if file.digest != run.options.get("start_digest"):
            raise UserError(
                f"run {run.name} cannot be rebuilt: {file.title} is not the file that it began with",
                "put the file back as it was, or train anew",
            )
        return file
    wanted = str((read_card(run).get("start") or {}).get("weights_sha256") or "")
    if not run.start.isdecimal():
        named = run.options.get("weights")
        if wanted and isinstance(named, str) and sha256(Path(named)) != wanted:
            raise UserError(
                f"run {run.name} cannot be rebuilt: {named} is not the file of weights that it began with",
                "put the file back as it was, or train anew",
            )
        return None
    start = project.runs.resolve(run.start)
    if wanted and sha256(start.best_weights) != wanted:
        raise UserError(
            f"run {run.name} cannot be rebuilt: the weights of run {start.name}, with which it began, are others now",
            "they change when a run is gone on with; train anew",
        )
    if not wanted:
        report.log(f"run {run.name} is older than run cards: whether run {start.name} is what it was is not known")
    return of_run(start)


def warn_of_versions(run: Run, report: Reporter) -> list[str]:
    """Say, and return, which versions are others than those the run was made with."""
    sessions = read_card(run).get("sessions") or []
    if not sessions:
        report.log(f"run {run.name} is older than run cards: with which versions it was made is not known")
        return []
    before, after = sessions[0].get("versions") or {}, versions()
    differing = [
        f"{name} {before.get(name, 'none')} then, {after.get(name, 'none')} now"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    if differing:
        report.log(f"other versions than run {run.name} was made with, so it may come out otherwise: "
                   f"{'; '.join(differing)}")  # fmt: skip
    if len(sessions) > 1:
        report.log(f"run {run.name} was gone on with, but is rebuilt in one piece: epochs added then may differ")
    return differing


def epochs_to_stop_after(run: Run) -> int:
    """After which epoch the original ended because somebody stopped it, or its process died; 0 when it did not."""
    return run.epochs if run.status in ("stopped", "lost") and 0 < run.epochs < int(run.options["epochs"]) else 0


def compared_with(project: Project, original: Run, rebuilt: Run, differing: Sequence[str]) -> dict[str, Any]:
    """Hold a rebuilt run against the original.

    Returns:
        `run` (the original), `is_same`, `figures` (how many were compared), `differences` (rows of `epoch`, `figure`,
        `before`, `after`), `weights_are_same` (None when the original has none), `versions` (what is another), `words`.
    """
    pairs = [{int(row["epoch"]): row for row in project.runs.metrics(run.id)} for run in (original, rebuilt)]
    # An earlier version did not know all figures of this one.
    known = [{name for row in rows.values() for name in row} for rows in pairs]
    names = _computed(known[0] & known[1] if all(known) else known[0] | known[1])
    differences, figures = [], 0
    for epoch in sorted(pairs[0].keys() | pairs[1].keys()):
        before, after = (rows.get(epoch, {}) for rows in pairs)
        for name in names:
            if name not in before and name not in after:
                continue
            figures += 1
            if before.get(name) != after.get(name):
                differences.append(
                    {"epoch": epoch, "figure": name, "before": before.get(name), "after": after.get(name)}
                )
    digests = [str(read_card(run).get("weights_digest") or digest_of(run)) for run in (original, rebuilt)]
    weights_are_same = digests[0] == digests[1] if digests[0] else None
    is_same = not differences and weights_are_same is not False
    result = {
        "run": original.id,
        "is_same": is_same,
        "figures": figures,
        "differences": differences,
        "weights_are_same": weights_are_same,
        "versions": list(differing),
    }
    return result | {"words": _words(original, rebuilt, result)}


def _computed(names: set[str]) -> list[str]:
    """The figures that training computes; how fast it was, and how much memory it took, is another matter."""
    of_both = {name for name in names if f"val_{name}" in names}
    return sorted(of_both | {name for name in names if name.startswith("val_")} | (names & {"learning_rate"}))


def _words(original: Run, rebuilt: Run, result: dict[str, Any]) -> str:
    if result["is_same"]:
        weights = " and its weights" if result["weights_are_same"] else ""
        return (
            f"Run {rebuilt.name} is run {original.name} again, bit for bit: all {result['figures']} figures{weights}."
        )
    count = len(result["differences"])
    what = f"{count} of {result['figures']} figures" if count else "the weights"
    first = result["differences"][0] if count else None
    where = (
        f", first {first['figure']} in epoch {first['epoch']}: {first['before']} and {first['after']}" if first else ""
    )
    why = f" Other versions: {'; '.join(result['versions'])}." if result["versions"] else ""
    return f"Run {rebuilt.name} differs from run {original.name} in {what}{where}.{why}"
