"""Studying: plans a cross-validation or a learning curve, starts it, follows it, and lists the earlier ones."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from segstudio.core.options import Options, option
from segstudio.core.sample import Split
from segstudio.core.way import Flips
from segstudio.jobs.predict import MEASURED_FLIPS
from segstudio.jobs.presets import preset
from segstudio.jobs.training_time import Paces, Planned
from segstudio.project.project import Project
from segstudio.project.studies import Kind, Studies, Study
from segstudio.project.topics import Topics
from segstudio.ui.job_queue import JobQueue, JobRecord
from segstudio.ui.panels.experimenting import Experimenting
from segstudio.ui.panels.experiments_model import ExperimentsModel
from segstudio.ui.session import Session
from segstudio.ui.times import when_text
from segstudio.ui.views.numbers import change_text
from segstudio.ui.views.study import NOTHING_YET, TOKENS, WHAT, StudyView, number_text
from segstudio.ui.widgets import READ_ONLY, allow, heading, muted

JOBS = {Kind.FOLDS: "cross-validate", Kind.CURVE: "advise"}
"""The job of each kind."""

START = {Kind.FOLDS: "Start cross-validation", Kind.CURVE: "Start advice"}

ABOUT = {
    Kind.FOLDS: "How good is this training on images it has not seen? Each fold is measured by a network that learnt "
    "from the others. Near-duplicates and groups stay in one fold.",
    Kind.CURVE: "Would more masks help, or is it time to stop? Networks learn from an eighth, a quarter, a half and "
    "all of the masks; the curve says what further ones would bring.",
}


class FoldsPlan(Options):
    """What a cross-validation asks for."""

    folds: int = option(5, "Folds", ge=2, le=50, help="Parts of the samples, each measured by what learnt the others.")
    repeats: int = option(1, "Repeats", ge=1, le=50, help="How often, each time with other folds and seeds.")
    epochs: int = option(
        0, "Epochs", ge=0, le=10_000, zero="as the preset says",
        help="How often every image is seen; empty: as the preset says.",
    )  # fmt: skip
    include_test: bool = option(
        False,
        "With test split",
        help="Takes the test split's samples in too. It is no untouched test any more for what is decided by this.",
    )
    flips: Flips = option("off", "Mirror images", help=MEASURED_FLIPS)


class CurvePlan(Options):
    """What advice on more masks asks for."""

    steps: int = option(4, "Sizes", ge=3, le=10, help="So many numbers of masks, each half of the next one.")
    repeats: int = option(3, "Repeats", ge=1, le=50, help="Trainings of each size, with other masks and other seeds.")
    epochs: int = option(
        0, "Epochs", ge=0, le=10_000, zero="as the preset says",
        help="How often every image is seen; empty: as the preset says.",
    )  # fmt: skip
    split: Literal["val", "test"] = option("val", "Split", help="Which part of the samples is measured.")
    flips: Flips = option("off", "Mirror images", help=MEASURED_FLIPS)


PLANS: dict[Kind, type[Options]] = {Kind.FOLDS: FoldsPlan, Kind.CURVE: CurvePlan}


class StudiesModel(ExperimentsModel[Study]):
    """The studies of one kind, the newest first."""

    COLUMNS = ("#", "Result", "What")
    TOKENS: ClassVar[dict[str, str]] = TOKENS
    WIDEST = "more helps"

    def _verdict(self, one: Study) -> str:
        return str((one.result or {}).get("advice", ""))

    def _found(self, one: Study) -> str:
        result = one.result or {}
        if one.kind is Kind.FOLDS:
            return f"IoU {number_text(result['figures']['iou']['mean'])}\n{result['images']} images"
        last = result["gains"][-1]
        return f"{result['advice']}\n{last['more']}: {change_text(last['gain'])}"

    def _about(self, one: Study) -> str:
        return f"{one.title} · {one.arm.preset}\n{when_text(one.created)}"


class Studying(Experimenting[Study]):
    """The side of the Compare panel that plans and lists the studies of one kind.

    Signals:
        opened: Told the id of a sample that the person wants to see in Review.

    Attributes:
        view: Shows the one that is selected.
    """

    opened = Signal(int)

    IT = "it"
    OTHER = "another one"
    EARLIER = "Earlier ones"
    TOPICS: ClassVar[Topics] = frozenset({"studies"})

    def __init__(self, session: Session, queue: JobQueue, kind: Kind, parent: QWidget | None = None) -> None:
        super().__init__(session, queue, JOBS[kind], WHAT[kind].lower(), PLANS[kind], StudiesModel(), parent)
        self.kind = kind
        self.view = StudyView(session, kind)
        self.view.opened.connect(self.opened)
        self.preset_box.setAccessibleName("Preset")
        self.preset_box.setToolTip("What is trained")
        self.start_button.setText(START[kind])
        self.start_button.setToolTip(ABOUT[kind])
        self.delete_button.setToolTip("Delete it with its files")
        self._lay_out(
            (heading(WHAT[kind]), muted(ABOUT[kind], wraps=True), self.form),
            self.EARLIER,
            (self.resume_button, self.export_button, self.delete_button),
        )
        self.preset_box.activated.connect(lambda _: self._update())
        self._begin()

    @property
    def experiments(self) -> Studies:
        return self.session.project.studies

    def start(self) -> JobRecord:
        plan = self.form.options().model_dump()
        values = {"preset": str(self.preset_box.currentData()), **plan}
        record = self._submit(values, WHAT[self.kind])
        self.session.remember(self._setting, {"preset": self.preset_box.currentData(), "plan": self.form.values()})
        return record

    @property
    def _setting(self) -> str:
        """The project's setting that keeps the last plan."""
        return f"study-{JOBS[self.kind]}"

    def _restore(self) -> None:
        state = self.session.project.settings.get(self._setting)
        state = state if isinstance(state, dict) else {}
        try:
            plan = PLANS[self.kind].model_validate(state.get("plan") or {})
        except ValueError:
            plan = PLANS[self.kind]()
        self.form.set_values(plan.model_dump())
        self._choose_preset(state.get("preset"))

    def _find_running(self, rows: Sequence[Study]) -> int | None:
        """The newest unfinished one, or the one that goes on."""
        resumed = 0 if self.record is None else int(self.record.options.get("resume") or 0)
        return resumed or next((one.id for one in rows if not one.is_finished), None)

    def _read(self, project: Project) -> tuple[Sequence[Study], None]:
        return [one for one in project.studies.list() if one.kind is self.kind], None

    def _planned(self, paces: Paces) -> Sequence[Planned]:
        plan = self.form.options()
        assert isinstance(plan, FoldsPlan | CurvePlan)
        chosen = preset(str(self.preset_box.currentData()))
        options = chosen.options(**({"epochs": plan.epochs} if plan.epochs else {}))
        if isinstance(plan, FoldsPlan):
            test = (Split.TEST,) if plan.include_test else ()
            usable = paces.count(Split.TRAIN, Split.VAL, *test)
            each = Planned(chosen.model, options, usable * (plan.folds - 1) / plan.folds)
            return [each] * (plan.folds * plan.repeats)
        # However few masks there are: all take as many steps.
        each = Planned(chosen.model, options, paces.count(Split.TRAIN))
        return [each] * (plan.steps * plan.repeats)

    def _shown(self) -> Study | None:
        return self.view.study

    def _show(self, one: Study | None, progress: str = "") -> None:
        self.view.show_study(one, progress)

    def _show_progress(self, text: str) -> None:
        self.view.show_progress(text)

    def _show_state(self) -> None:
        is_writable = not self.session.project.read_only
        allow(self.start_button, (is_writable, READ_ONLY), (self.form.is_valid, "a field is marked as wrong"))
        super()._show_state()
        if not self.model.rows and self.is_under_way:
            self.view.empty.set_text(f"{WHAT[self.kind]} is under way", "It stands here as soon as it has begun.")
        elif not self._is_stale and not self.model.rows:
            self.view.empty.set_text(*NOTHING_YET[self.kind])
