"""judge: give verdicts, move between splits, or comment, on all samples of a filter."""

from typing import Any, ClassVar, Literal

from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import ReviewState, Split
from segstudio.core.user_settings import reviewer_name
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.topics import Topics


class JudgeOptions(Options):
    """Which samples, and what is said of them."""

    filter: str = option("", "Only", help="Which samples, for example state:flagged name:*0017*.")
    state: Literal["", "todo", "accepted", "flagged", "rejected"] = option("", "Verdict", help="Empty leaves it.")
    split: Literal["", "train", "val"] = option(
        "", "Split", help="Moved with their groups; the test split is frozen. Empty leaves it."
    )
    comment: str | None = option(None, "Comment", help="In place of the one there is; an empty one takes it back.")
    reviewer: str = option("", "Reviewer", help="Whose verdict it is; the name of the settings when empty.")


@JOBS.register
class Judge(ProjectJob[JudgeOptions]):
    """Verdicts and splits are acts, which `undo` takes back."""

    name: ClassVar[str] = "judge"
    title: ClassVar[str] = "Give verdicts"
    topics: ClassVar[Topics] = frozenset({"samples", "acts"})
    Options: ClassVar[type[Options]] = JudgeOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Judge.

        Returns:
            `samples` (of the filter), `judged`, `moved` and `commented`: how many have become something else.

        Raises:
            UserError: When there is nothing to say, no sample fits, or the test split would change.
        """
        options = self.options
        if not (options.state or options.split or options.comment is not None):
            raise UserError("there is nothing to say of the samples", "give --state, --split or --comment")
        table = project.samples.table()
        rows = compile_filter(options.filter).rows(table)
        ids = [int(one) for one in table.id[rows]]
        if not ids:
            raise UserError("no sample fits the filter")
        project.reviewer = options.reviewer or reviewer_name()
        moved = len(project.samples.set_split(ids, Split(options.split))) if options.split else 0
        judged = commented = 0
        if options.state:
            judged = sum(table.row(int(row)).state != options.state for row in rows)
            project.samples.set_state(ids, ReviewState(options.state))
        if options.comment is not None:
            commented = sum(table.comment[row] != options.comment.strip() for row in rows)
            for done, sample_id in enumerate(ids, start=1):
                project.samples.set_comment(sample_id, options.comment)
                report.progress(done, len(ids), "comments")
        return {"samples": len(ids), "judged": judged, "moved": moved, "commented": commented}
