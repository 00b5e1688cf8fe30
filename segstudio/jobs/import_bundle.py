"""import-bundle: take the masks of another reader in, and say how far the two agree."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.bundle import Bundle
from segstudio.project.project import Project
from segstudio.project.readers import agreement, import_bundle, means, pooled
from segstudio.project.runs import Run
from segstudio.project.topics import Topics


class ImportBundleOptions(Options):
    """Which bundle."""

    file: str = option("", "Bundle", help="The zip that another reader has exported.", is_path=True)


@JOBS.register
class ImportBundle(ProjectJob[ImportBundleOptions]):
    """Their masks take the place of predictions, so that the errors of the walk are where the two differ."""

    name: ClassVar[str] = "import-bundle"
    title: ClassVar[str] = "Import bundle"
    topics: ClassVar[Topics] = frozenset({"runs", "predictions"})
    Options: ClassVar[type[Options]] = ImportBundleOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Take it in.

        Returns:
            What `agreement_of` says.

        Raises:
            UserError: When it is no bundle, damaged, or of other images.
        """
        with Bundle.open(Path(self.options.file).expanduser()) as bundle:
            run = import_bundle(project, bundle, report)
        return agreement_of(project, run)


def agreement_of(project: Project, run: Run) -> dict[str, Any]:
    """How far a reader agrees.

    Returns:
        `run`, `reader`, `samples` (where both have a mask), `dice`, `kappa` (means over the images where they exist),
        `pooled_kappa` (over all pixels), `same_verdict` (share of the samples that both have judged), `both_judged`
        (how many these are), and `per_image` [{sample_id, image, dice, kappa, different, mine, theirs, comment}], the
        least agreement first.
    """
    rows = agreement(project, run)
    return {
        "run": run.id,
        "reader": run.reader,
        "samples": len(rows),
        **means(rows)._asdict(),
        "pooled_kappa": pooled(project, run),
        "per_image": [asdict(row) for row in rows],
    }
