"""accept: accept the predictions or masks of many samples after a few random ones were checked."""

import csv
import secrets
from pathlib import Path
from typing import Any, ClassVar, Literal

from segstudio.core.audit import percent_up, upper_bound
from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.user_settings import reviewer_name
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.editing import refuse_beside_a_window
from segstudio.project.accepting import Plan, accept, finish, plan_accept
from segstudio.project.project import Project
from segstudio.project.topics import Topics

_WORDS = {"right": True, "wrong": False}


class AuditOptions(Options):
    """What to accept, and after how many checks."""

    what: Literal["predictions", "masks"] = option(
        "predictions", "What", help="predictions become the masks; masks are accepted as they are."
    )
    filter: str = option("state:todo", "Among", help="Which samples, for example state:todo uncertainty<0.05.")
    audit: int = option(20, "Checks", ge=1, help="So many random ones are checked before anything is accepted.")
    replace_corrected: bool = option(
        False, "Replace corrected masks", is_advanced=True,
        help="Let predictions take the place of masks that a person has corrected or accepted.",
    )  # fmt: skip


class AcceptOptions(AuditOptions):
    """What to accept, and what was found in checking it."""

    seed: int = option(-1, "Seed", is_advanced=True, help="The same seed draws the same samples; -1 takes a new one.")
    answers: str = option(
        "", "Answers", is_path=True,
        help="A CSV file with a line for each drawn image: its path, then right or wrong. Without it nothing is done.",
    )  # fmt: skip
    reviewer: str = option("", "Reviewer", help="Who checked; the name of the settings when empty.")
    finish: bool = option(
        False, "Finish", is_advanced=True, help="Go on with an accept that was ended in the middle, as it was begun."
    )


@JOBS.register
class Accept(ProjectJob[AcceptOptions]):
    """Without answers it says what it would do and which samples to check; with them it accepts all but the wrong."""

    name: ClassVar[str] = "accept"
    title: ClassVar[str] = "Accept many"
    topics: ClassVar[Topics] = frozenset({"samples", "masks", "predictions", "acts"})
    Options: ClassVar[type[Options]] = AcceptOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Plan, or accept.

        Returns:
            `what`, `filter`, `total` (how many would be accepted), `replaced` (masks of the dataset),
            `replaced_by_person`, `left_out` {reason: count}, `seed`, `check` (the images that were drawn),
            `bound_if_clean`, `words`; after answers also `wrong` (the images), `bound` and `accepted` (how many were),
            which are null before.

        Raises:
            UserError: When there is nothing to accept, or the answers are not those to the images that were drawn.
        """
        options = self.options
        project.reviewer = options.reviewer or reviewer_name()
        if options.finish:
            return self._finish(project, report)
        plan = plan_accept(project, options.what, options.filter, replaces_corrected=options.replace_corrected)
        if not plan.ids:
            why = "; ".join(f"{count} {reason}" for reason, count in plan.left_out.items())
            raise UserError("there is nothing to accept", why or "no sample fits the filter")
        if options.answers and options.seed < 0:
            raise UserError("answers belong to a draw", "give the --seed that the plan has named")
        seed = options.seed if options.seed >= 0 else secrets.randbelow(1 << 31)
        drawn = plan.drawn(options.audit, seed)
        images = [project.samples.get(one).image for one in drawn]
        result = {
            "what": plan.what,
            "filter": plan.filter,
            "total": len(plan.ids),
            "replaced": plan.replaced,
            "replaced_by_person": plan.replaced_by_person,
            "left_out": dict(plan.left_out),
            "seed": seed,
            "check": images,
            "bound_if_clean": upper_bound(len(drawn), 0, len(plan.ids)),
            "wrong": None,
            "bound": None,
            "accepted": None,
            "words": plan_words(plan, len(drawn)),
        }
        if not options.answers:
            return result
        answers = dict(zip(drawn, _read_answers(Path(options.answers), images), strict=True))
        with refuse_beside_a_window(project):
            wrong = [one for one in drawn if not answers[one]]
            accepted = accept(project, plan, report, answers=answers)
        return {
            **result,
            "wrong": [project.samples.get(one).image for one in wrong],
            "bound": upper_bound(len(drawn), len(wrong), len(plan.ids)),
            "accepted": len(accepted),
            "words": result_words(len(drawn), len(wrong), len(plan.ids)),
        }

    def _finish(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Go on with what was begun; the same keys as of a whole accept."""
        with refuse_beside_a_window(project):
            begun = finish(project, report)
        wrong = [one for one, right in begun.answers.items() if not right]
        checked, total = len(begun.answers), len(begun.plan.ids)
        return {
            "what": begun.plan.what,
            "filter": begun.plan.filter,
            "total": total,
            "replaced": begun.plan.replaced,
            "replaced_by_person": begun.plan.replaced_by_person,
            "left_out": dict(begun.plan.left_out),
            "seed": None,
            "check": [project.samples.get(one).image for one in begun.answers],
            "bound_if_clean": upper_bound(checked, 0, total) if checked else None,
            "wrong": [project.samples.get(one).image for one in wrong],
            "bound": upper_bound(checked, len(wrong), total) if checked else None,
            "accepted": begun.accepted,
            "words": result_words(checked, len(wrong), total) if checked else "Nothing was checked.",
        }


def plan_words(plan: Plan, checks: int) -> str:
    """What would be accepted, and what clean checks would say, as a sentence."""
    bound = percent_up(upper_bound(checks, 0, len(plan.ids)))
    return f"If all of {checks} random ones are right, at most {bound} of all {len(plan.ids)} are wrong (95 % sure)."


def result_words(checked: int, wrong: int, total: int) -> str:
    """What the checks say, as a sentence."""
    bound = percent_up(upper_bound(checked, wrong, total))
    found = "none was" if not wrong else "1 was" if wrong == 1 else f"{wrong} were"
    return f"Of {checked} checked {found} wrong: at most {bound} of all {total} are (95 % sure)."


def _read_answers(path: Path, images: list[str]) -> list[bool]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    said: dict[str, bool] = {}
    for number, line in enumerate(lines, start=1):
        if len(line) < 2 or line[1].strip().lower() not in _WORDS:
            raise UserError(f"line {number} of {path} does not end with right or wrong", "write: images/a.png,right")
        said[line[0]] = _WORDS[line[1].strip().lower()]
    missing, foreign = [one for one in images if one not in said], sorted(said.keys() - set(images))
    if missing or foreign:
        what = f"{missing[0]} has no answer" if missing else f"{foreign[0]} was not drawn"
        raise UserError(f"{path} does not answer what was asked: {what}", "draw again with the same seed and options")
    return [said[one] for one in images]
