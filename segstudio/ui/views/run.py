"""Run view: one run held against another: the meeting, each image, figures, options, and what changed since."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PySide6.QtCore import QModelIndex, QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.errors import UserError
from segstudio.core.manifest import load_manifest
from segstudio.core.way import FLIPS, MANNERS, PLAIN, UNKNOWN, Manner, manner_words
from segstudio.jobs.diff import options_diff
from segstudio.project.project import Project
from segstudio.project.run_files import read_evaluations, read_meeting
from segstudio.project.runs import Run
from segstudio.project.since import Since, changes_since
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.combo import Combo
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.panels.rows_model import Index, RowsModel
from segstudio.ui.session import Session
from segstudio.ui.times import when_text
from segstudio.ui.views.differences import Interval, Intervals
from segstudio.ui.views.numbers import METRICS, change_text, with_minus
from segstudio.ui.views.run_plots import LinesPlot, Point, ScatterPlot, calibration_curve, recall_curve
from segstudio.ui.widgets import (
    READ_ONLY,
    allow,
    heading,
    in_column,
    lay_on_card,
    muted,
    push_button,
    row_table,
    scrolling,
)

EXPECTED = (UserError, OSError, sqlite3.Error)
"""What reading a run may meet: damaged files, and a project that was closed meanwhile."""

TABLE_ROW = 26
MOST_WIDE = 520
"""A plot with two equal axes is hardly wider than high."""

MOST_POINTS = 3000
"""Of more images than this, dots are left out: nobody can tell them apart, and drawing them takes its time."""

MOST_ROWS = 8
"""So many lines of a table are seen at once; more are scrolled to."""

FIGURES = (
    ("iou", "IoU"), ("dice", "Dice"), ("precision", "Precision"), ("recall", "Recall"), ("accuracy", "Accuracy"),
    ("binary_iou", "Binary IoU"), ("boundary_iou", "Boundary IoU"), ("hausdorff95", "Hausdorff 95, pixels"),
)  # fmt: skip

OFFERED = [Manner(flips=flips).text for flips in FLIPS]
"""In which manners a run can be measured here; see `core.way`."""

VERDICT_TOKENS = {"better": "good", "not worse": "good", "worse": "bad", "not better": "warn", "the same": "text"}
"""Colour of each verdict."""


@dataclass(frozen=True)
class Facts:
    """What is read of a run and of the one it is held against.

    Attributes:
        run: The run.
        against: The other one, or None when it is alone.
        champion: Number of the champion, or None.
        can_roll_back: Whether there is an earlier champion.
        meeting: How it did against the champion; None when they have not met.
        evaluations: Its figures by split and by how images were predicted, see `core.way.MANNERS`.
        others: Those of the other run.
        points: Each image that both have predicted alike, outside the test split.
        unlike: How many more they have predicted, in different manners.
        options: Options that differ.
        since: What has changed since; None when its manifest is missing.
        looks: How often the test split was looked at, in words.
        runs: All that it can be held against.
    """

    run: Run
    against: Run | None
    champion: int | None
    can_roll_back: bool
    meeting: Mapping[str, Any] | None = None
    evaluations: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    others: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    points: Sequence[Point] = ()
    unlike: int = 0
    options: Sequence[Mapping[str, Any]] = ()
    since: Since | None = None
    looks: str = ""
    runs: Sequence[Run] = ()


def facts_of(project: Project, run: Run, against: Run | None) -> Facts:
    """Read everything; in a thread."""
    best = project.runs.best()
    points, unlike = ([], 0) if against is None else points_of(project, run, against)
    try:
        since = changes_since(project, load_manifest(run.manifest))
    except UserError:
        since = None
    return Facts(
        run,
        against,
        None if best is None else best.id,
        project.champions.can_roll_back,
        read_meeting(run),
        _evaluations(project, run),
        {} if against is None else _evaluations(project, against),
        points,
        unlike,
        [] if against is None else options_diff(against, run),
        since,
        project.looks.words(),
        [one for one in project.runs.list() if one.id != run.id and one.epochs],
    )


def _evaluations(project: Project, run: Run) -> dict[tuple[str, str], dict[str, Any]]:
    """What was measured, each with its `manner`: figures of earlier versions stand with the plain ones."""
    unsaid = {"manner": project.predictions.unsaid(run.id)}
    return {
        (split, manner): unsaid | found
        for split in ("val", "test")
        for manner, found in read_evaluations(run, split).items()
    }


def points_of(project: Project, run: Run, against: Run) -> tuple[list[Point], int]:
    """Each image that both runs have predicted alike and that can be measured; the test split chooses nothing.

    Returns:
        The images, and how many more there are that the two have predicted in different manners.
    """
    rows = project.database.rows(
        "SELECT sample.id, sample.image, sample.split, before.iou, after.iou FROM sample "
        "JOIN prediction AS before ON before.sample_id = sample.id AND before.run_id = ? "
        "JOIN prediction AS after ON after.sample_id = sample.id AND after.run_id = ? "
        # What has no histogram was scored against a mask that is another by now, see Predictions.mask_changed.
        "JOIN histogram AS h ON h.sample_id = sample.id AND h.run_id = before.run_id "
        "JOIN histogram AS g ON g.sample_id = sample.id AND g.run_id = after.run_id "
        "WHERE sample.split <> 'test' AND before.iou IS NOT NULL AND after.iou IS NOT NULL ORDER BY sample.position",
        (against.id, run.id),
    )
    before, after = (project.predictions.manners(one.id) for one in (against, run))
    points = [Point(*row) for row in rows if before[row[0]] == after[row[0]] != UNKNOWN]
    unlike = len(rows) - len(points)
    if len(points) <= MOST_POINTS:
        return points, unlike
    # Evenly by how much they changed, so that those that changed most are there.
    ranked = sorted(points, key=lambda one: one.after - one.before)
    return [ranked[round(place)] for place in np.linspace(0, len(ranked) - 1, MOST_POINTS)], unlike


def counted_points(project: Project, run: Run, against: Run, goes_on: Callable[[], bool]) -> tuple[list[Point], int]:
    """The same, after comparing anew what was compared with masks that are others by now; in a thread."""
    for one in (run, against):
        project.predictions.count(one.id, goes_on=goes_on)
    return points_of(project, run, against)


class RunView(QWidget):
    """One run in the centre.

    Signals:
        opened: Told the id of a sample to see in Review, the run and the one it is held against (a number or None).
        closed: The person has seen enough.
        meeting_wanted: The run shall meet the champion.
        promotion_wanted: The run shall be champion.
        roll_back_wanted: The champion before shall have the title back.
        measuring_wanted: Told the split, the sub-groups and the manner (see `core.way`) that the run shall be measured
            on and in.
    """

    opened = Signal(int, int, object)
    closed = Signal()
    meeting_wanted = Signal()
    promotion_wanted = Signal()
    roll_back_wanted = Signal()
    measuring_wanted = Signal(str, object, str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.facts: Facts | None = None
        self._run: Run | None = None
        self._against: int | None = None
        self._split, self._manner = "val", PLAIN
        self._generation = 0
        self._background = Background("run view", self)
        self._title = heading("")
        self._subtitle = muted(wraps=True)
        self.against_box = Combo()
        self.against_box.setAccessibleName("The run it is held against")
        self.against_box.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToContents)
        self.against_box.activated.connect(lambda _: self._hold_against(self.against_box.currentData()))
        self.card_button = push_button("Run card", "Open the page with everything about this run", self._open_card)
        self.close_button = push_button("‹  Back", "Back to the panes  (Esc)", self.closed.emit)
        self._make_meeting()
        self.scatter = ScatterPlot()
        self.scatter.clicked.connect(lambda point: self._open(point.sample))
        self._make_measuring()
        self.options = TableModel(("Option", "Before", "Now"), self)
        self.since_words = QLabel(wordWrap=True)
        self.since = TableModel(("Image", "What changed"), self)
        self.empty = Empty("history", "Reading the run…", "")
        self._either = Either(self._make_content(), self.empty)
        lay_on_card(self, self._either)
        self.setFocusProxy(self._area)
        theme.notifier().changed.connect(self._show)

    @property
    def is_busy(self) -> bool:
        """Whether anything is being read."""
        return self._background.is_busy

    def close_threads(self) -> None:
        """Read no more."""
        self._generation += 1
        self._background.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def show_run(self, run: Run, against: int | None = None) -> None:
        """Show a run, held against the one of that number: the champion it met, or the champion, when None."""
        if self._run is None or run.id != self._run.id:
            self._area.verticalScrollBar().setValue(0)
            self._against = None
        self._run = run
        if against is not None:
            self._against = against
        self.reload()

    def reload(self) -> None:
        """Read everything anew."""
        run = self._run
        if run is None:
            return
        self._generation += 1
        generation, wanted, project = self._generation, self._against, self.session.project

        def read() -> Facts | None:
            if generation != self._generation:
                return None
            now = project.runs.get(run.id)
            return facts_of(project, now, _other(project, now, wanted))

        self._background.submit(read, lambda future: self._take(generation, future))

    def _take(self, generation: int, future: "Future[Facts | None]") -> None:
        error = future.exception()
        if isinstance(error, EXPECTED):
            self.empty.set_text("This run cannot be shown", str(error))
            self._either.show_content(False)
            return
        facts = future.result()
        if facts is None or generation != self._generation:
            return
        self.facts = facts
        self._show()
        project, against = self.session.project, facts.against
        if against is not None and not project.read_only:
            self._background.submit(
                lambda: counted_points(project, facts.run, against, lambda: generation == self._generation),
                lambda points: self._take_points(generation, points),
            )

    def _take_points(self, generation: int, future: "Future[tuple[list[Point], int]]") -> None:
        if isinstance(future.exception(), EXPECTED) or generation != self._generation or self.facts is None:
            return
        points, unlike = future.result()
        if (points, unlike) != (self.facts.points, self.facts.unlike):
            self.facts = replace(self.facts, points=points, unlike=unlike)
            self._show()

    def _hold_against(self, run_id: object) -> None:
        if isinstance(run_id, int):
            self._against = run_id
            self.reload()

    def _open(self, sample_id: int) -> None:
        if self.facts is not None:
            against = self.facts.against
            self.opened.emit(sample_id, self.facts.run.id, None if against is None else against.id)

    def _open_card(self) -> None:
        if self.facts is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.facts.run.report)))

    # showing

    def _show(self) -> None:
        facts = self.facts
        if facts is None:
            return
        self._either.show_content(True)
        run, against = facts.run, facts.against
        is_champion = run.id == facts.champion
        self._title.setText(f"Run {run.name}" + (" · champion" if is_champion else ""))
        parts = [run.preset, run.status, when_text(run.created)]
        parts.append("" if run.best_val_iou is None else f"validation IoU {run.best_val_iou:.3f}")
        self._subtitle.setText(" · ".join(part for part in parts if part))
        self.card_button.setEnabled(run.report.is_file())
        self._fill_against(facts)
        self._show_meeting(facts, is_champion=is_champion)
        self.scatter.show_points(facts.points, "–" if against is None else against.name, run.name)
        self._scatter_part.setVisible(bool(facts.points) or facts.unlike > 0)
        self._unlike_words.setText(unlike_text(facts.unlike))
        self._unlike_words.setVisible(facts.unlike > 0)
        self._show_measured()
        name = "Before" if against is None else f"Run {against.name}"
        self.options.show_rows(
            [((row["option"].replace("_", " "), _text(row["before"]), _text(row["after"])), None)
             for row in facts.options], ("Option", name, f"Run {run.name}")
        )  # fmt: skip
        self._options_part.setVisible(against is not None)
        self._show_since(facts)
        for table in (self._worse_table, self._figures_table, self._groups_table, self._options_table,
                      self._since_table):  # fmt: skip
            _fit(table)

    def _fill_against(self, facts: Facts) -> None:
        self.against_box.clear()
        for run in facts.runs:
            mark = " · champion" if run.id == facts.champion else ""
            self.against_box.addItem(f"against run {run.name}{mark}", run.id)
        chosen = None if facts.against is None else facts.against.id
        self.against_box.setCurrentIndex(self.against_box.findData(chosen))
        self.against_box.setVisible(self.against_box.count() > 0)

    # the meeting

    def _make_meeting(self) -> None:
        self.verdict = QLabel(wordWrap=True)
        self.verdict.setProperty("title", True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.explanation = QLabel(wordWrap=True)
        self.explanation.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.difference = Intervals()
        self.worse = TableModel(("Got worse", "Part", "Before", "Now", "Difference"), self)
        self.meet_button = push_button(
            "Meet the champion", "Measure this run and the champion on images neither was trained on", self._meet
        )
        self.promote_button = push_button(
            "Make champion", "Use this run wherever none is named; Roll back takes it back", self._promote
        )
        self.roll_back_button = push_button("Roll back", "Give the title back to the champion before", self._roll_back)
        self._notes = muted(wraps=True)

    def _show_meeting(self, facts: Facts, *, is_champion: bool) -> None:
        meeting, is_writable = facts.meeting, not self.session.project.read_only
        is_able = facts.run.best_weights.is_file() and not facts.run.is_running and is_writable
        self.meet_button.setVisible(is_able and not is_champion and facts.champion is not None)
        self.promote_button.setVisible(is_able and not is_champion)
        self.roll_back_button.setVisible(is_writable and is_champion and facts.can_roll_back)
        for widget in (self.difference, self._worse_table, self._notes, self.explanation):
            widget.setVisible(meeting is not None)
        if meeting is None:
            words = "It is the champion." if is_champion else "It has not met the champion yet."
            self.verdict.setText(f"Masks of {facts.run.reader}" if facts.run.is_reader else words)
            self.verdict.setStyleSheet("")
            return
        self.verdict.setText(verdict_text(meeting))
        token = VERDICT_TOKENS.get(str(meeting["verdict"]), "text")
        self.verdict.setStyleSheet(f"color: {theme.color(token).name()};")
        self.explanation.setText(with_minus(f"{meeting['summary']} {outcome_text(meeting)}".strip()))
        low, high = meeting["interval"]
        images = f"{meeting['images']} images"
        label = f"Mean difference of {METRICS[meeting['metric']]}"
        row = Interval(label, float(meeting["difference"]), float(low), float(high), images, is_main=True)
        self.difference.show_rows([row])
        self.worse.show_rows(
            [
                ((str(one["image"]), str(one["split"]), f"{one['before']:.3f}", f"{one['after']:.3f}",
                  change_text(one["difference"])), int(one["sample"]))
                for one in meeting["worse"]
            ]
        )  # fmt: skip
        self._worse_table.setVisible(bool(meeting["worse"]))
        counts = (
            f"{len(meeting['worse'])} images got worse, {meeting['better']} better, {meeting['same']} stayed the same. "
            "Open one to see it under this run; View ▸ Blink predictions shows both."
        )
        self._notes.setText("\n".join([counts, *(f"· {note}" for note in (*meeting["notes"], meeting["rule"]))]))

    def _meet(self) -> None:
        self.meeting_wanted.emit()

    def _promote(self) -> None:
        self.promotion_wanted.emit()

    def _roll_back(self) -> None:
        self.roll_back_wanted.emit()

    # the figures

    def _make_measuring(self) -> None:
        self.split_box = Combo()
        self.split_box.setAccessibleName("Which part is measured")
        self.split_box.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToContents)
        self.split_box.addItem("Validation", "val")
        self.split_box.addItem("Test", "test")
        self.split_box.activated.connect(lambda _: self._choose_split(str(self.split_box.currentData())))
        self.manner_box = Combo()
        self.manner_box.setAccessibleName("How images are predicted")
        self.manner_box.setToolTip(
            "How images are predicted. Figures of different ways are not held against each other"
        )
        self.manner_box.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToContents)
        self.manner_box.activated.connect(lambda _: self._choose_manner(str(self.manner_box.currentData())))
        self.groups_edit = QLineEdit()
        self.groups_edit.setPlaceholderText("sub-groups, for example name:*left*, state:accepted")
        self.groups_edit.setAccessibleName("Sub-groups to measure on their own, separated by commas")
        self.measure_button = push_button("Measure", "Measure this run on the split and its sub-groups", self._measure)
        self._measured_words = muted(wraps=True)
        self.figures = TableModel(("Figure", "Before", "Now"), self)
        self.recall = LinesPlot("Average precision", "recall", "precision", has_diagonal=False, is_dotted=False)
        self.calibration = LinesPlot("Calibration error", "predicted", "observed", has_diagonal=True, is_dotted=True)
        self.groups = TableModel(("Sub-group", "Images", "IoU", "Dice", "Boundary IoU", "Hausdorff 95"), self)

    def _fill_manners(self, measured: Collection[str]) -> None:
        """Offer mirror images, and whatever else the run was measured in."""
        self.manner_box.clear()
        for manner in MANNERS:
            if manner in measured or manner in OFFERED:
                words = manner_words(manner) or "as it has learnt to look"
                self.manner_box.addItem(words[:1].upper() + words[1:], manner)
        self.manner_box.setCurrentIndex(self.manner_box.findData(self._manner))

    def _choose_split(self, split: str) -> None:
        self._split = split
        self._show()

    def _choose_manner(self, manner: str) -> None:
        self._manner = manner
        self._show()

    def _measure(self) -> None:
        groups = [text.strip() for text in self.groups_edit.text().split(",") if text.strip()]
        self.measuring_wanted.emit(self._split, groups, self._manner)

    def _show_measured(self) -> None:
        facts = self.facts
        assert facts is not None
        key = (self._split, self._manner)
        found, other = facts.evaluations.get(key), facts.others.get(key)
        if found is not None and other is not None and found["manner"] != other["manner"]:
            other = None
        self._fill_manners({manner for _, manner in facts.evaluations})
        has_weights = facts.run.best_weights.is_file()
        allow(
            self.measure_button,
            (not self.session.project.read_only, READ_ONLY),
            (has_weights, "the run has no weights"),
        )
        self.measure_button.setText("Measure" if found is None else "Measure again")
        looks = f" {facts.looks}" if self._split == "test" else ""
        if found is None:
            how = manner_words(self._manner)
            self._measured_words.setText(f"Not measured on this split{f' ({how})' if how else ''} yet.{looks}")
        else:
            made = when_text(str(found.get("made") or ""))
            how = manner_words(found["manner"])
            self._measured_words.setText(
                f"{found['images']} images, measured {made}{f'; {how}' if how else ''}.{looks}"
            )
        for widget in (self._figures_table, self._curves_part):
            widget.setVisible(found is not None)
        self._groups_table.setVisible(found is not None and bool(found.get("groups")))
        if found is None:
            return
        names = [f"Run {facts.run.name}"]
        if other is not None and facts.against is not None:
            names.insert(0, f"Run {facts.against.name}")
        rows = []
        for name, title in FIGURES:
            values = [*([other.get(name)] if other is not None else []), found.get(name)]
            rows.append(((title, *(_figure(value) for value in values)), None))
        self.figures.show_rows(rows, ("Figure", *names))
        both = [(names[-1], found)] + ([(names[0], other)] if other is not None else [])
        self.recall.show_curves([recall_curve(*one) for one in both])
        self.calibration.show_curves([calibration_curve(*one) for one in both])
        columns = ("iou", "dice", "boundary_iou", "hausdorff95")
        self.groups.show_rows(
            [((str(one["group"]), str(one["images"]), *(_figure(one[name]) for name in columns)), None)
             for one in found.get("groups") or []]
        )  # fmt: skip

    # what changed

    def _show_since(self, facts: Facts) -> None:
        since = facts.since
        self.since_words.setText("What it learnt from is not known." if since is None else since.words())
        rows: list[tuple[tuple[str, ...], int | None]] = []
        if since is not None:
            for samples, words in (
                (since.corrected, "mask changed"),
                (since.reviewed, "reviewed, and not used by it"),
                (since.left_out, "flagged or rejected"),
            ):
                rows += [((one.image, words), one.id) for one in samples]
            rows += [((image, "gone"), None) for image in since.gone]
        self.since.show_rows(rows)
        self._since_table.setVisible(bool(rows))

    # how it looks

    def _make_content(self) -> QWidget:
        self._worse_table = self._table(self.worse, "Images that got worse")
        self._figures_table = self._table(self.figures, "Figures")
        self._groups_table = self._table(self.groups, "Sub-groups")
        self._options_table = self._table(self.options, "Options that differ")
        self._since_table = self._table(self.since, "What changed since this run")
        head = QHBoxLayout()
        head.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        head.addSpacing(6)
        head.addWidget(self._title)
        head.addStretch(1)
        for widget in (self.against_box, self.card_button):
            head.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
        buttons = QHBoxLayout()
        for button in (self.meet_button, self.promote_button, self.roll_back_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self._curves_part = QWidget()
        curves = QHBoxLayout(self._curves_part)
        curves.setContentsMargins(0, 0, 0, 0)
        curves.setSpacing(16)
        curves.addWidget(self.recall, 1)
        curves.addWidget(self.calibration, 1)
        measuring = QHBoxLayout()
        measuring.addWidget(self.split_box)
        measuring.addWidget(self.manner_box)
        measuring.addStretch(1)
        measuring.addWidget(self.measure_button)
        dots = QHBoxLayout()
        dots.addWidget(self.scatter, 1)
        dots.addStretch(0)
        self._unlike_words = muted(wraps=True)
        self._scatter_part = in_column(self._unlike_words)
        self._scatter_part.layout().insertLayout(0, dots)  # type: ignore[union-attr]
        self.scatter.setMaximumWidth(MOST_WIDE)
        self._options_part = in_column(heading("Options that differ"), self._options_table)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(14, 12, 14, 14)
        column.setSpacing(16)
        about = QVBoxLayout()
        about.setSpacing(2)
        about.addLayout(head)
        about.addWidget(self._subtitle)
        column.addLayout(about)
        meeting = in_column(heading("Against the champion"), self.verdict, self.explanation, self.difference)
        meeting.layout().addLayout(buttons)  # type: ignore[union-attr]
        column.addWidget(meeting)
        column.addWidget(in_column(self._worse_table, self._notes))
        column.addWidget(self._scatter_part)
        measured = in_column(heading("Measured"))
        measured.layout().addLayout(measuring)  # type: ignore[union-attr]
        for one in (
            self.groups_edit, self._measured_words, self._figures_table, self._curves_part, self._groups_table,
        ):  # fmt: skip
            measured.layout().addWidget(one)  # type: ignore[union-attr]
        column.addWidget(measured)
        column.addWidget(self._options_part)
        column.addWidget(in_column(heading("What changed since"), self.since_words, self._since_table))
        column.addStretch(1)
        self._area = scrolling(inside)
        self._area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._area.setAccessibleName("Run")
        return self._area

    def _table(self, model: "TableModel", name: str) -> QTableView:
        table = row_table(model, name, row_height=TABLE_ROW)
        table.setTextElideMode(Qt.TextElideMode.ElideLeft)  # the end of a path tells more than its beginning
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.activated.connect(lambda index: self._open_row(model, index))
        table.doubleClicked.connect(lambda index: self._open_row(model, index))
        return table

    def _open_row(self, model: "TableModel", index: QModelIndex) -> None:
        sample_id = model.sample_at(index.row())
        if sample_id is not None:
            self._open(sample_id)


class TableModel(RowsModel):
    """Lines of words; a line may stand for a sample."""

    def __init__(self, columns: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: Sequence[tuple[tuple[str, ...], int | None]] = ()

    def show_rows(
        self, rows: Sequence[tuple[tuple[str, ...], int | None]], columns: Sequence[str] | None = None
    ) -> None:
        """Show other lines, each with the id of its sample or None, perhaps under other titles."""
        self.beginResetModel()
        self.rows = rows
        if columns is not None:
            self.columns = tuple(columns)
        self.endResetModel()

    def sample_at(self, row: int) -> int | None:
        """The sample that a line stands for."""
        return self.rows[row][1]

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        words = self.rows[index.row()][0]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return words[index.column()] if index.column() < len(words) else ""
        return None


def _other(project: Project, run: Run, wanted: int | None) -> Run | None:
    """The run to hold it against: the one that is wanted, the one that it met, the champion, or the run before."""
    runs = {one.id: one for one in project.runs.list() if one.id != run.id}
    meeting, best = read_meeting(run), project.runs.best()
    met = None if meeting is None else int(meeting["champion"])
    before = next((one.id for one in runs.values() if one.id < run.id and one.epochs), None)
    for candidate in (wanted, met, None if best is None else best.id, before):
        if candidate in runs:
            return runs[candidate]
    return None


def verdict_text(meeting: Mapping[str, Any]) -> str:
    """The verdict, as large as it is written."""
    champion = f"run {int(meeting['champion']):04}"
    return {
        "better": f"Better than {champion}",
        "not worse": f"Not worse than {champion}",
        "the same": f"The same as {champion}",
        "not better": f"No better than {champion}",
        "worse": f"Worse than {champion}",
    }[str(meeting["verdict"])]


def outcome_text(meeting: Mapping[str, Any]) -> str:
    """Who was champion after a meeting."""
    if meeting["is_promoted"]:
        return "It became the champion."
    if meeting.get("is_title_at_stake"):
        return f"Run {int(meeting['champion']):04} stayed champion."
    return ""


def unlike_text(count: int) -> str:
    """What to say of images that two runs have predicted in different manners."""
    images = "1 image is" if count == 1 else f"{count} images are"
    return (
        f"{images} left out: one of the two runs has predicted with tiles or mirror images and the other has not. "
        "Predict both alike to hold them against each other."
    )


def _text(value: object) -> str:
    if value is None or value == "":
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _figure(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "–"


def _fit(table: QTableView) -> None:
    """As high as its lines, up to MOST_ROWS of them."""
    count = min(table.model().rowCount(), MOST_ROWS)
    table.setFixedHeight(TABLE_ROW * count + table.horizontalHeader().sizeHint().height() + 4)
