"""Comparing: plans a comparison, starts it, follows it, and lists the earlier ones."""

import sys
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import field_validator
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSpinBox, QWidget

from segstudio.augmentation.recipe import Recipe
from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.sample import Split
from segstudio.core.way import Flips
from segstudio.core.wording import count_text
from segstudio.jobs.predict import MEASURED_FLIPS
from segstudio.jobs.presets import preset
from segstudio.jobs.training_time import Paces, Planned
from segstudio.project.comparisons import Comparison, Comparisons
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.topics import Topics
from segstudio.ui.job_queue import JobQueue, JobRecord
from segstudio.ui.panels.arms import ArmDraft, ArmsEditor
from segstudio.ui.panels.experimenting import Experimenting
from segstudio.ui.panels.experiments_model import ExperimentsModel
from segstudio.ui.session import Session
from segstudio.ui.times import when_text
from segstudio.ui.views.comparison import ComparisonView
from segstudio.ui.views.numbers import change_text
from segstudio.ui.widgets import READ_ONLY, allow, heading, push_button

SETTING = "compare"
"""The project's setting that keeps the last plan."""

AUGMENT_SETTING = "augment"
"""The project's setting in which the Augment panel keeps what it shows."""

DEFAULT_RECIPE = "flip"

START = "Train every arm in every repeat, and judge"


class Plan(Options):
    """What all arms have in common."""

    repeats: int = option(3, "Repeats", ge=1, le=100, help="Trainings of each arm, each with other seeds.")
    epochs: int = option(
        0, "Epochs", ge=0, le=10_000, zero="as the preset says",
        help="How often every image is seen; empty: as the preset says.",
    )  # fmt: skip
    limit: int = option(
        0, "Learn from", ge=0, unit="images", zero="all", help="So many samples at most; empty: all of the train split."
    )
    control: bool = option(
        False, "Control arm", help="One more arm repeats the first with other seeds: it shows what chance alone does."
    )
    metric: Literal["iou", "dice"] = option("iou", "Metric", is_advanced=True, help="The score of an image.")
    split: Literal["test", "val"] = option(
        "test", "Split", is_advanced=True, help="Which part of the samples is measured."
    )
    flips: Flips = option("off", "Mirror images", is_advanced=True, help=MEASURED_FLIPS)
    groups: tuple[str, ...] = option(
        (), "Sub-groups", is_advanced=True,
        help="Kinds of images whose effect is shown on its own too: filters as above the list of samples, with commas "
        "between them, for example name:MCUCXR*, name:CHNCXR*",
    )  # fmt: skip

    @field_validator("groups")
    @classmethod
    def _check_groups(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        for text in groups:
            try:
                compile_filter(text)
            except UserError as error:
                raise ValueError(str(error)) from None
        return groups


class ComparisonsModel(ExperimentsModel[Comparison]):
    """The comparisons of the project, the newest first."""

    COLUMNS = ("#", "Verdict", "Arms")
    TOKENS: ClassVar[dict[str, str]] = {"helps": "good", "hurts": "bad"}
    WIDEST = "not distinguishable"

    def _verdict(self, one: Comparison) -> str:
        return str((one.result or {}).get("verdict", ""))

    def _found(self, one: Comparison) -> str:
        result = one.result or {}
        return f"{result['verdict']}\n{change_text(result['difference'])}"

    def _about(self, one: Comparison) -> str:
        repeats = count_text(one.repeats, "repeat")
        return f"{one.title}\n{repeats} · {when_text(one.created)}"


class Comparing(Experimenting[Comparison]):
    """The side of the Compare panel that plans and lists comparisons.

    Attributes:
        view: Shows the one that is selected.
    """

    IT = "the comparison"
    OTHER = "a comparison"
    EARLIER = "Earlier comparisons"
    TOPICS: ClassVar[Topics] = frozenset({"comparisons", "recipes", "runs"})

    def __init__(self, session: Session, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(session, queue, "compare", "a comparison", Plan, ComparisonsModel(), parent)
        self.view = ComparisonView(session)
        self.view.loaded.connect(self._replay)
        self._newest_before = 0
        self._proposed: ArmDraft | None = None
        self.arms = ArmsEditor()
        self.preset_box.setAccessibleName("Preset of all arms")
        self.preset_box.setToolTip("The network of every arm that has no preset of its own")
        self.start_button.setText("Start comparison")
        self.more_box = QSpinBox(minimum=1, maximum=50, value=1, prefix="+ ")
        self.more_box.setAccessibleName("How many repeats more")
        self.more_box.setToolTip("How many times more each arm is trained")
        self.extend_button = push_button(
            "More repeats", "Train every arm some more times",
            lambda: self._again("extend", "Extend", repeats=self.more_box.value()),
        )  # fmt: skip
        self.rerun_button = push_button(
            "Run again", "The same anew, with the masks of today", lambda: self._again("rerun", "Run again")
        )
        self.delete_button.setToolTip("Delete this comparison with its files")
        self._lay_out(
            (heading("Arms"), self.arms, heading("All arms"), self.form),
            "Comparisons",
            (self.resume_button, self.extend_button, self.more_box, self.rerun_button),
            (self.export_button, self.delete_button),
        )
        self.arms.changed.connect(self._update)
        self.preset_box.activated.connect(lambda _: self._update())
        queue.metric.connect(self._on_metric)
        self._begin()

    @property
    def experiments(self) -> Comparisons:
        return self.session.project.comparisons

    def close_threads(self) -> None:
        super().close_threads()
        self.view.close_threads()

    def set_recipe(self, name: str) -> None:
        """Let the second arm have this recipe, as long as it is the one that was put there last, and by nobody else."""
        arms = self.arms.arms
        if len(arms) == 2 and arms[1] == self._proposed:
            self._proposed = ArmDraft(recipe=name)
            self.arms.set_arms([arms[0], self._proposed])

    def values(self) -> dict[str, Any]:
        """The options of the job as they are planned.

        Raises:
            UserError: When one of them is wrong, or there is only one arm.
        """
        plan = self.form.options().model_dump()
        arms = self.arms.values()
        if len(arms) < 2 and not plan["control"]:
            raise UserError("a comparison wants two arms at least", "add one, or tick the control arm")
        limit = plan.pop("limit")
        options = {"limit": limit} if limit else {}
        return {"arms": arms, "preset": str(self.preset_box.currentData()), "options": options, **plan}

    def start(self) -> JobRecord:
        values = self.values()
        arms = " vs ".join(str(one["name"]) for one in values["arms"])
        record = self._submit(values, f"Compare {arms}")
        self.session.remember(SETTING, self._state())
        return record

    # following

    def _follow(self, record: JobRecord) -> None:
        self._newest_before = max((one.id for one in self.model.rows), default=0)
        super()._follow(record)

    def _find_running(self, rows: Sequence[Comparison]) -> int | None:
        if self.record is None or self._running is not None:
            return self._running
        asked = int(self.record.options.get("extend") or self.record.options.get("resume") or 0)
        newest = max((one.id for one in rows), default=0)
        return asked or (newest if newest > self._newest_before else None)

    def _leading(self, before: int | None) -> int | None:
        is_new = self._running != before
        return self._running if is_new or self.view.comparison is None else None

    def _on_metric(self, job_id: str, step: int, values: dict[str, float]) -> None:
        if self.record is None or job_id != self.record.id:
            return
        if self._running is None:
            self._reload_soon()
        elif self.view.comparison is not None and self.view.comparison.id == self._running:
            self.view.append(step, values)

    def _replay(self) -> None:
        """What was told since the files were read; the files may be a little behind."""
        one = self.view.comparison
        if self.record is not None and one is not None and one.id == self._running:
            for step, values in self.record.metrics:
                self.view.append(step, values)

    def _shown(self) -> Comparison | None:
        return self.view.comparison

    def _show(self, one: Comparison | None, progress: str = "") -> None:
        self.view.show_comparison(one, progress)

    def _show_progress(self, text: str) -> None:
        self.view.show_progress(text)

    # the list

    def _read(self, project: Project) -> tuple[Sequence[Comparison], Sequence[Recipe]]:
        return project.comparisons.list(), project.recipes.all()

    def _take_more(self, more: Sequence[Recipe]) -> None:
        self.arms.set_recipes(more)

    def _planned(self, paces: Paces) -> Sequence[Planned]:
        values = self.values()
        epochs = {"epochs": values["epochs"]} if values["epochs"] else {}
        arms = [*values["arms"], *(values["arms"][:1] if values["control"] else [])]
        chosen = [preset(str(arm.get("preset") or values["preset"])) for arm in arms]
        options = [
            one.options(**values["options"], **epochs, **(arm.get("options") or {}))
            for one, arm in zip(chosen, arms, strict=True)
        ]
        # All arms take as many steps as the first, however many images they have.
        images = min(options[0].limit or sys.maxsize, paces.count(Split.TRAIN))
        trainings = [Planned(one.model, own, images) for one, own in zip(chosen, options, strict=True)]
        return trainings * int(values["repeats"])

    def showEvent(self, event: QShowEvent) -> None:
        self.set_recipe(self._edited_recipe())
        super().showEvent(event)

    # how it is kept, and how it looks

    def _state(self) -> dict[str, Any]:
        arms = [{"name": one.name, "recipe": one.recipe, "preset": one.preset, "options": one.options}
                for one in self.arms.arms]  # fmt: skip
        return {"arms": arms, "preset": self.preset_box.currentData(), "plan": self.form.values()}

    def _restore(self) -> None:
        state = self.session.project.settings.get(SETTING)
        state = state if isinstance(state, dict) else {}
        try:
            arms = [ArmDraft(**one) for one in state.get("arms") or []]
            plan = Plan.model_validate(state.get("plan") or {})
        except (TypeError, ValueError):
            arms, plan = [], Plan()
        if not arms:
            self._proposed = ArmDraft(recipe=self._edited_recipe())
            arms = [ArmDraft(), self._proposed]
        self.arms.set_arms(arms)
        self.form.set_values(plan.model_dump())
        self._choose_preset(state.get("preset"))

    def _edited_recipe(self) -> str:
        """The recipe that is open in the Augment tab."""
        state = self.session.project.settings.get(AUGMENT_SETTING)
        return str((state if isinstance(state, dict) else {}).get("recipe") or DEFAULT_RECIPE)

    def _buttons(self) -> tuple[QWidget, ...]:
        return (*super()._buttons(), self.extend_button, self.rerun_button)

    def _show_state(self) -> None:
        is_writable = not self.session.project.read_only
        try:
            values: dict[str, Any] | None = self.values()
        except UserError as error:
            values = None
            self.start_button.setToolTip(str(error))
        else:
            self.start_button.setToolTip(START)
        self.start_button.setEnabled(is_writable and not self.is_under_way and values is not None)
        free = (is_writable, READ_ONLY), (not self.is_under_way, f"{self.OTHER} is under way")
        one = self.selected
        for widget in (self.extend_button, self.more_box):
            widget.setVisible(one is not None and one.is_finished)
            allow(widget, *free)
        allow(self.rerun_button, *free, (one is not None, "choose a comparison"))
        super()._show_state()
