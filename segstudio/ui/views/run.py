"""Run view: one run held against another: the meeting, each image, figures, options, and what changed since."""

from concurrent.futures import Future
from dataclasses import replace

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from segstudio.project.runs import Run
from segstudio.ui import theme
from segstudio.ui.background import EXPECTED, Background
from segstudio.ui.combo import Combo
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.session import Session
from segstudio.ui.times import when_text
from segstudio.ui.views.lines import TableModel, fit, lines_table
from segstudio.ui.views.measured import MeasuredPart
from segstudio.ui.views.meeting import MeetingPart
from segstudio.ui.views.run_facts import Facts, Points, counted_points, facts_of, other_of
from segstudio.ui.views.run_plots import ScatterPlot
from segstudio.ui.widgets import heading, in_column, lay_on_card, muted, push_button, scrolling

MOST_WIDE = 520
"""A plot with two equal axes is hardly wider than high."""


class RunView(QWidget):
    """One run in the centre.

    Signals:
        opened: Told the id of a sample to see in Review, the run and the one it is held against (a number or None).
        closed: The person has seen enough.

    Attributes:
        facts: What is shown; None until it is read.
        meeting: How the run did against the champion.
        measured: Its figures.
    """

    opened = Signal(int, int, object)
    closed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.facts: Facts | None = None
        self._run: Run | None = None
        self._against: int | None = None
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
        self.meeting = MeetingPart(session)
        self.meeting.opened.connect(self._open_met)
        self.scatter = ScatterPlot()
        self.scatter.clicked.connect(lambda point: self._open(point.sample))
        self.measured = MeasuredPart(session)
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
        return self._background.is_busy or self.meeting.is_busy

    def close_threads(self) -> None:
        """Read no more."""
        self._generation += 1
        self._background.close()
        self.meeting.close_threads()

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
            return facts_of(project, now, other_of(project, now, wanted))

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

    def _take_points(self, generation: int, future: "Future[Points]") -> None:
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

    def _open_met(self, sample_id: int) -> None:
        """An image of the meeting is seen under the two that have met, whatever the run is held against now."""
        facts = self.facts
        if facts is not None and facts.meeting is not None:
            self.opened.emit(sample_id, facts.run.id, int(facts.meeting["champion"]))

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
        self._title.setText(f"Run {run.name}" + (" · champion" if run.id == facts.champion else ""))
        parts = [run.preset, run.status, when_text(run.created)]
        parts.append("" if run.best_val_iou is None else f"validation IoU {run.best_val_iou:.3f}")
        self._subtitle.setText(" · ".join(part for part in parts if part))
        self.card_button.setEnabled(run.report.is_file())
        self._fill_against(facts)
        self.meeting.show_facts(facts)
        self.scatter.show_points(facts.points, "–" if against is None else against.name, run.name)
        self._scatter_part.setVisible(bool(facts.points) or facts.unlike > 0)
        self._unlike_words.setText(unlike_text(facts.unlike))
        self._unlike_words.setVisible(facts.unlike > 0)
        self.measured.show_facts(facts)
        self._show_options(facts)
        self._show_since(facts)

    def _fill_against(self, facts: Facts) -> None:
        self.against_box.clear()
        for run in facts.runs:
            mark = " · champion" if run.id == facts.champion else ""
            self.against_box.addItem(f"against run {run.name}{mark}", run.id)
        chosen = None if facts.against is None else facts.against.id
        self.against_box.setCurrentIndex(self.against_box.findData(chosen))
        self.against_box.setVisible(self.against_box.count() > 0)

    def _show_options(self, facts: Facts) -> None:
        name = "Before" if facts.against is None else f"Run {facts.against.name}"
        self.options.show_rows(
            [((row["option"].replace("_", " "), _text(row["before"]), _text(row["after"])), None)
             for row in facts.options], ("Option", name, f"Run {facts.run.name}")
        )  # fmt: skip
        fit(self._options_table)
        self._options_part.setVisible(facts.against is not None)

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
        fit(self._since_table)

    # how it looks

    def _make_content(self) -> QWidget:
        self._options_table = lines_table(self.options, "Options that differ", self._open)
        self._since_table = lines_table(self.since, "What changed since this run", self._open)
        head = QHBoxLayout()
        head.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        head.addSpacing(6)
        head.addWidget(self._title)
        head.addStretch(1)
        for widget in (self.against_box, self.card_button):
            head.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
        about = QVBoxLayout()
        about.setSpacing(2)
        about.addLayout(head)
        about.addWidget(self._subtitle)
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
        column.addLayout(about)
        for part in (self.meeting, self._scatter_part, self.measured, self._options_part):
            column.addWidget(part)
        column.addWidget(in_column(heading("What changed since"), self.since_words, self._since_table))
        column.addStretch(1)
        self._area = scrolling(inside)
        self._area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._area.setAccessibleName("Run")
        return self._area


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
