"""Export a study: a page for people, everything that came out as JSON, or the table of all its scores."""

import json
from pathlib import Path
from typing import Any, ClassVar

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.study_page import page
from segstudio.project.project import Project
from segstudio.project.studies import Study


class ExportStudyOptions(Options):
    """Which, and where to."""

    to: str = option(
        "",
        "File",
        help="The file to write: .html for people, .json for all of it, .csv for the scores.",
        is_path=True,
    )
    study: int = option(0, "Study", ge=0, help="Its number; 0 is the newest one with a result.")


@JOBS.register
class ExportStudy(ProjectJob[ExportStudyOptions]):
    """Writes one file: a page that needs nothing else to be looked at; what the job returned with what was trained; or
    one line for each image and training.
    """

    name: ClassVar[str] = "export-study"
    title: ClassVar[str] = "Export study"
    Options: ClassVar[type[Options]] = ExportStudyOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Write the file; the result has its `path` and the `study`.

        Raises:
            UserError: When no file is named, it lies in the dataset, or there is no finished study.
        """
        path = self._path(project)
        study = self._study(project)
        report.progress(0, 1, f"study {study.name}")
        if path.suffix.lower() == ".csv":
            content = study.results.read_bytes()
        elif path.suffix.lower() in (".html", ".htm"):
            content = page(project, study).encode("utf-8")
        else:
            about = {"created": study.created, "arm": study.arm.options, "settings": study.settings, **study.about}
            content = json.dumps({**(study.result or {}), "about": about}, ensure_ascii=False, indent=1).encode("utf-8")
        write_atomically(path, content)
        report.artifact(path)
        return {"path": str(path), "study": study.id}

    def _study(self, project: Project) -> Study:
        if self.options.study:
            study = project.studies.get(self.options.study)
            if study.result is None:
                raise UserError(f"study {study.name} is not finished", f"go on with it: --resume {study.id}")
            return study
        finished = [one for one in project.studies.list() if one.result is not None]
        if not finished:
            raise UserError("there is no finished study", "make one: segstudio cross-validate PROJECT")
        return finished[0]

    def _path(self, project: Project) -> Path:
        """The file to write; never in the dataset, never in place of something else."""
        if not self.options.to:
            raise UserError("no file is named", "say where it goes: --to study.html, study.json or scores.csv")
        path = Path(self.options.to).expanduser().absolute()
        if path.is_dir() or not path.suffix:
            path = path / "study.html"
        if path.suffix.lower() not in (".html", ".htm", ".json", ".csv"):
            hint = "let it end in .html, .json or .csv"
            raise UserError(f"{path.name} is no kind of file that is written here", hint)
        if path.resolve().is_relative_to(project.source.resolve()):
            raise UserError(f"{path} lies in the dataset, which is never written", "choose a folder outside of it")
        return path
