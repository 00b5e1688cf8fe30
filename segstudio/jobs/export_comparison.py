"""Export a comparison: its page, or the table of all its scores."""

from pathlib import Path
from typing import Any, ClassVar

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.comparison_page import page
from segstudio.project.comparisons import Comparison
from segstudio.project.project import Project


class ExportComparisonOptions(Options):
    """Which, and where to."""

    to: str = option("", "File", help="The file to write: .html for the page, .csv for the scores.", is_path=True)
    comparison: int = option(0, "Comparison", ge=0, help="Its number; 0 is the newest one with a result.")


@JOBS.register
class ExportComparison(ProjectJob[ExportComparisonOptions]):
    """Writes one file with everything in it; it needs nothing else to be looked at.

    While repeats are added it is the result of those before.
    """

    name: ClassVar[str] = "export-comparison"
    title: ClassVar[str] = "Export comparison"
    Options: ClassVar[type[Options]] = ExportComparisonOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Write the file; the result has its `path` and the `comparison`.

        Raises:
            UserError: When no file is named, it lies in the dataset, or there is no finished comparison.
        """
        path = self._path(project)
        comparison = self._comparison(project)
        report.progress(0, 1, f"comparison {comparison.name}")
        if path.suffix.lower() == ".csv":
            content = comparison.results.read_bytes()
        else:
            content = page(project, comparison).encode("utf-8")
        write_atomically(path, content)
        report.artifact(path)
        return {"path": str(path), "comparison": comparison.id}

    def _comparison(self, project: Project) -> Comparison:
        if self.options.comparison:
            comparison = project.comparisons.get(self.options.comparison)
            if comparison.result is None:
                raise UserError(
                    f"comparison {comparison.name} is not finished", f"go on with it: compare --resume {comparison.id}"
                )
            return comparison
        finished = [one for one in project.comparisons.list() if one.result is not None]
        if not finished:
            raise UserError("there is no finished comparison", "make one: segstudio compare PROJECT --recipe NAME")
        return finished[0]

    def _path(self, project: Project) -> Path:
        """The file to write; never in the dataset, never in place of something else."""
        if not self.options.to:
            raise UserError("no file is named", "say where it goes: --to comparison.html or scores.csv")
        path = Path(self.options.to).expanduser().absolute()
        if path.is_dir() or not path.suffix:
            path = path / "comparison.html"
        if path.suffix.lower() not in (".html", ".htm", ".csv"):
            raise UserError(f"{path.name} is no kind of file that is written here", "let it end in .html or .csv")
        if path.resolve().is_relative_to(project.source.resolve()):
            raise UserError(f"{path} lies in the dataset, which is never written", "choose a folder outside of it")
        return path
