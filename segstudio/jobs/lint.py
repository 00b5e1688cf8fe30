"""lint: find masks, or predictions, whose shape is unusual."""

from typing import Any, ClassVar, Literal

from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.filter import compile_filter
from segstudio.project.lint import What
from segstudio.project.project import Project
from segstudio.project.topics import Topics


class LintOptions(Options):
    """What is judged, and by which rules."""

    what: Literal["masks", "predictions", "both"] = option("masks", "What", help="Masks, predictions of the run, both.")
    filter: str = option("", "Only", help="Which samples; empty is all.")
    learn: bool = option(
        False,
        "Learn the rules anew",
        help="From the accepted and corrected masks; the rules there are go.",
    )


@JOBS.register
class LintMasks(ProjectJob[LintOptions]):
    """Judges shapes by the rules of the project, which are learnt from its good masks the first time."""

    name: ClassVar[str] = "lint"
    title: ClassVar[str] = "Find unusual masks"
    topics: ClassVar[Topics] = frozenset({"samples", "settings"})
    Options: ClassVar[type[Options]] = LintOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Judge.

        Returns:
            `rules`, `learnt_from` (how many masks; None when the rules were there), `checked` {what: count}, and
            `unusual` [{sample, image, what, score, findings}], the worst first.

        Raises:
            UserError: When there are too few masks to learn from, or nothing is predicted.
        """
        options, learnt_from = self.options, None
        rows = compile_filter(options.filter).rows(project.samples.table())
        ids = [int(one) for one in project.samples.table().id[rows]]
        if options.learn or project.lint.rules() is None:
            rules, learnt_from = project.lint.learn(report)
            project.lint.set_rules(rules)
        whats: tuple[What, ...] = ("masks", "predictions") if options.what == "both" else (options.what,)
        checked = {what: project.lint.look(what, ids, report) for what in whats}
        rules_now, wanted = project.lint.rules(), set(ids)
        return {
            "rules": None if rules_now is None else rules_now.model_dump(mode="json"),
            "learnt_from": learnt_from,
            "checked": checked,
            "unusual": [
                {"sample": one.sample_id, "image": one.image, "what": one.what, "score": one.score,
                 "findings": list(one.words)}
                for one in project.lint.findings(whats)
                if one.sample_id in wanted
            ],
        }  # fmt: skip
