"""challenge: let a run meet the champion, and promote it when it is not worse."""

from typing import Any, ClassVar, Literal

from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.reporter import Cancelled, Phase, Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.meeting import is_promotable, meet
from segstudio.jobs.run_page import write_page
from segstudio.project.clock import now
from segstudio.project.project import Project
from segstudio.project.run_files import save
from segstudio.project.runs import Run
from segstudio.project.topics import Topics

WORDS = {"better": "better", "not worse": "not worse", "the same": "no worse"}
"""Why a run was promoted, by the verdict."""


class ChallengeOptions(Options):
    """Who meets whom."""

    run: str = option("last", "Challenger", help="last, or the number of a run.")
    against: str = option(
        "best", "Against", help="best: the champion; or the number of another run, then nobody is promoted."
    )
    metric: Literal["iou", "dice"] = option("iou", "Score", is_advanced=True, help="What an image scores.")
    device: str = option("auto", "Device", is_advanced=True, help="auto, cpu, gpu or gpu:N.")


@JOBS.register
class Challenge(ProjectJob[ChallengeOptions]):
    """Measures both on images that neither was trained on; what one has not predicted yet is predicted."""

    name: ClassVar[str] = "challenge"
    title: ClassVar[str] = "Meet the champion"
    lane: ClassVar = "compute"
    topics: ClassVar[Topics] = frozenset({"runs", "predictions"})
    Options: ClassVar[type[Options]] = ChallengeOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Let them meet; the result is kept as meeting.json in the challenger's folder.

        Returns:
            `run` and `champion` (numbers), `metric`, `images` (measured), `independent` (groups count as one),
            `champion_mean`, `run_mean`, `difference` (mean of challenger less champion), `interval` (95 %, over
            images), `verdict` ("better", "not worse", "the same", "not better", "worse"), `is_promoted`, `summary` (in
            words), `worse` (images that got worse, the worst first: `sample`, `image`, `split`, `before`, `after`,
            `difference`), `better` and `same` (how many), `notes`, `doubts` (what the
            challenger goes back to of which nobody knows whether it learnt from these images: it is not promoted by
            itself then), `rule` (when a run is promoted), `convention` (how
            empty masks count), `per_image` (all of them), `made` (when).

        Raises:
            UserError: When there is no such run, it is the champion itself, or nothing can be measured.
            Cancelled: When it was stopped; nobody is promoted then.
        """
        project.require_writable()
        challenger = project.runs.resolve(self.options.run)
        champion = project.runs.resolve(self.options.against)
        if challenger.id == champion.id:
            what = "the champion itself" if self.options.against == "best" else "held against itself"
            raise UserError(f"run {challenger.name} is {what}", "name another run: --run N")
        return hold(project, challenger, champion, report, metric=self.options.metric, device=self.options.device)


def hold(
    project: Project, challenger: Run, champion: Run, report: Reporter, *, metric: str = "iou", device: str = "auto"
) -> dict[str, Any]:
    """Let two runs meet, keep what comes out, and promote the challenger when it beat the champion of now."""
    meeting = meet(project, challenger, champion, report, metric=metric, device=device)
    is_title_at_stake = (present := project.runs.best()) is not None and present.id == champion.id
    if is_title_at_stake and is_promotable(meeting["verdict"], challenger, meeting["doubts"]):
        project.champions.promote(challenger.id, f"{WORDS[meeting['verdict']]} in a meeting with run {champion.name}")
        meeting["is_promoted"] = True
    meeting |= {"is_title_at_stake": is_title_at_stake, "made": now()}
    save(challenger.meeting, meeting)
    project.runs.append_event(
        challenger, "meeting", champion=champion.id, verdict=meeting["verdict"], is_promoted=meeting["is_promoted"]
    )
    write_page(project, challenger)
    return meeting


def introduced(
    project: Project, run: Run, report: Reporter, *, device: str = "auto", is_stopped: bool = False
) -> dict[str, Any]:
    """What becomes of a run whose training has ended: the first one is champion, every other one meets it.

    A meeting that is stopped, or that cannot be held, leaves the champion as it is: the training is good all the same.

    Args:
        project: Whose.
        run: The run that has ended and has weights.
        report: Hears of progress and of the verdict.
        device: To predict on.
        is_stopped: Whether the person stopped the training: then nothing more is computed.

    Returns:
        `champion` (number of the champion now, or None), `meeting` (see `Challenge.run`, without `per_image`; None when
        there was none), `verdict` (all of it in words).
    """
    champion = project.champions.current(but=run.id)
    meeting: dict[str, Any] | None = None
    if run.id not in project.runs.able():
        words = f"Run {run.name} has no weights that could be used."
    elif champion is None:
        project.champions.promote(run.id, "the first run that can be used")
        words = f"Run {run.name} is the first that can be used: it is the champion."
    elif (reign := project.champions.reign()) is not None and reign.run == run.id:
        words = f"Run {run.name} is the champion already, and goes on being it."
    elif is_stopped:
        words = (
            f"Run {run.name} was stopped and has not met the champion, run {champion.name}, yet: "
            f"`segstudio challenge PROJECT --run {run.id}`, or Runs ▸ Details ▸ Meet the champion."
        )
    else:
        try:
            meeting = hold(project, run, champion, Phase(report, 0, 1, "meeting the champion"), device=device)
            words = with_outcome(meeting)
        except Cancelled:
            words = f"The meeting with the champion was stopped: run {champion.name} stays champion."
        except UserError as error:
            words = f"Run {run.name} could not meet the champion, run {champion.name}, which stays: {error.message}."
    report.log(words)
    now_champion = project.runs.best()
    short = None if meeting is None else {name: value for name, value in meeting.items() if name != "per_image"}
    return {"champion": None if now_champion is None else now_champion.id, "meeting": short, "verdict": words}


def with_outcome(meeting: dict[str, Any]) -> str:
    """The verdict of a meeting, and who is champion now."""
    if meeting["is_promoted"]:
        return f"{meeting['summary']} It is the champion now."
    if meeting["is_title_at_stake"]:
        return f"{meeting['summary']} Run {int(meeting['champion']):04} stays champion."
    return str(meeting["summary"])
