"""export study: a page for people, everything that came out as JSON, or the table of all its scores."""

from typing import Any, ClassVar

from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.experiment_files import TO_HELP, export
from segstudio.jobs.study_page import page
from segstudio.project.project import Project
from segstudio.project.studies import Study


class ExportStudyOptions(Options):
    """Which, and where to."""

    to: str = option("", "File", help=TO_HELP, is_path=True)
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
        """Write the file; the result has its `path` and the `study`. See `experiment_files.export`."""
        return export(project, project.studies, self.options.study, self.options.to, report, page, _about)


def _about(study: Study) -> dict[str, Any]:
    return {"arm": study.arm.options, "settings": study.settings, **study.about}
