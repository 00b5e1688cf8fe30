"""diff: how two runs differ, and what has changed in the project since one of them."""

from collections.abc import Sequence
from typing import Any, ClassVar

from segstudio.core.errors import UserError
from segstudio.core.manifest import ManifestRow, load_manifest
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.since import changes_since


class DiffOptions(Options):
    """Which runs."""

    run: str = option("last", "Run", help="best (the champion), last, or the number of a run.")
    against: str = option("best", "Against", help="The run it is held against; the champion when not named.")


@JOBS.register
class Diff(ProjectJob[DiffOptions]):
    """Options, masks learnt from, and what became of those masks since."""

    name: ClassVar[str] = "diff"
    title: ClassVar[str] = "Differences of runs"
    Options: ClassVar[type[Options]] = DiffOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Look.

        Returns:
            `run` and `against` (numbers); `options`: rows of `option`, `before` (of `against`) and `after`, where they
            differ; `learnt`: images and masks that one of them alone learnt from, as `added`, `removed` and `changed`
            (another revision of the mask); `since`: images that have changed since `run` began: `corrected`,
            `reviewed` (not used by it), `left_out`, `gone`, `unused` (how many) and `words`.

        Raises:
            UserError: When there is no such run.
        """
        run, against = (_named(project, text) for text in (self.options.run, self.options.against))
        rows = _manifest(run)
        since = changes_since(project, rows)
        return {
            "run": run.id,
            "against": against.id,
            "options": options_diff(against, run),
            "learnt": learnt_diff(_manifest(against), rows),
            "since": {
                "corrected": _images(since.corrected),
                "reviewed": _images(since.reviewed),
                "left_out": _images(since.left_out),
                "gone": list(since.gone),
                "unused": len(since.unused),
                "words": since.words(),
            },
        }


def _named(project: Project, text: str) -> Run:
    """A run that need not have weights."""
    return project.runs.training(int(text)) if text.strip().isdecimal() else project.runs.resolve(text)


def _manifest(run: Run) -> list[ManifestRow]:
    try:
        return load_manifest(run.manifest)
    except UserError:
        return []


def _images(samples: Sequence[Sample]) -> list[str]:
    return [one.image for one in samples]


def options_diff(before: Run, after: Run) -> list[dict[str, Any]]:
    """The options in which two runs differ, with what else was chosen for them."""

    def of(run: Run) -> dict[str, Any]:
        about = {"preset": run.preset, "model": run.model, "start": run.start}
        return {**run.options, **about, "threshold": run.threshold}

    one, other = of(before), of(after)
    names = [*one, *(name for name in other if name not in one)]
    return [
        {"option": name, "before": one.get(name), "after": other.get(name)}
        for name in names
        if one.get(name) != other.get(name)
    ]


def learnt_diff(before: Sequence[ManifestRow], after: Sequence[ManifestRow]) -> dict[str, list[str]]:
    """What two trainings learnt from: images of one alone, and those whose mask was another revision."""
    one, other = ({row.image: row for row in rows if row.split == "train"} for rows in (before, after))
    return {
        "added": [image for image in other if image not in one],
        "removed": [image for image in one if image not in other],
        "changed": [
            image for image, row in other.items() if image in one and one[image].mask_sha256 != row.mask_sha256
        ],
    }
