"""Comparison view: the arms' curves while they are trained, then the verdict, its evidence, and the pictures."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.metrics import METRICS
from segstudio.core.wording import count_text
from segstudio.project.cells import Score
from segstudio.project.comparisons import Comparison
from segstudio.ui import theme
from segstudio.ui.background import EXPECTED, Background
from segstudio.ui.canvas.layers import FALSE_NEGATIVE, FALSE_POSITIVE, Colour
from segstudio.ui.combo import Combo
from segstudio.ui.job_queue import duration
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.rows_model import Index, RowsModel
from segstudio.ui.session import Session
from segstudio.ui.times import when_text
from segstudio.ui.views.arm_curves import ArmCurves, arm_color
from segstudio.ui.views.differences import Dot, DotPlot, Interval, Intervals
from segstudio.ui.views.examples import ExampleRow, Wanted, pictures_of
from segstudio.ui.views.numbers import p_text, with_minus
from segstudio.ui.widgets import heading, in_column, lay_on_card, muted, row_table, scrolling

EXAMPLES = 4
"""Images shown of those that were helped most, and of those that were hurt most."""

TABLE_ROW = 26

ERRORS = ((FALSE_POSITIVE, "too much"), (FALSE_NEGATIVE, "missed"))
"""What the colours on the pictures of predictions mean."""

READING = ("Reading the comparisons…", "")

NOTHING_YET = (
    "No comparison yet",
    "Choose the arms on the right and press Start comparison: the verdict, how sure it is and the images come here.",
)


@dataclass(frozen=True)
class Evidence:
    """What is read of a comparison beside its own file.

    Attributes:
        curves: Figures of all epochs by arm and repeat.
        is_done: Whether a cell is finished, by arm and repeat.
        dots: What each image says, by arm.
    """

    curves: Mapping[str, Sequence[Sequence[Mapping[str, float]]]]
    is_done: Mapping[tuple[str, int], bool]
    dots: Mapping[str, Sequence[Dot]]


class ComparisonView(QWidget):
    """One comparison: being made, ended before its time, or finished.

    Signals:
        opened: Told the id of a sample that the person wants to see in Review.
        loaded: Its curves were read from their files and are on screen.
    """

    opened = Signal(int)
    loaded = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.comparison: Comparison | None = None
        self._arm = ""
        self._evidence: Evidence | None = None
        self._generation = 0
        self._background = Background("comparison", self)
        self.title = heading("")
        self.subtitle = muted(wraps=True)
        self.verdict = QLabel()
        self.verdict.setProperty("title", True)
        self.verdict.setWordWrap(True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.explanation = QLabel(wordWrap=True)
        self.explanation.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.effects = Intervals()
        self.progress = muted(wraps=True)
        self.cells = CellGrid()
        self.curves = ArmCurves()
        self.arm_box = Combo()
        self.arm_box.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToContents)
        self.arm_box.setAccessibleName("Arm whose images are shown")
        self.arm_box.activated.connect(lambda _: self._show_arm(str(self.arm_box.currentData())))
        self.dots = DotPlot()
        self.dots.clicked.connect(self._show_dot)
        self.chosen = Examples(self, "Image that was clicked", self.opened.emit)
        self.helped = Examples(self, "Helped most", self.opened.emit)
        self.hurt = Examples(self, "Hurt most", self.opened.emit)
        self.groups = Intervals()
        self.arms = ArmsModel(self)
        self.notes = muted(wraps=True)
        self.empty = Empty("error-view", *READING)
        self._either = Either(self._make_content(), self.empty)
        lay_on_card(self, self._either)
        self.setFocusProxy(self._area)
        theme.notifier().changed.connect(self._show)

    @property
    def is_busy(self) -> bool:
        """Whether anything is being read."""
        return self._background.is_busy or any(one.is_busy for one in (self.chosen, self.helped, self.hurt))

    def close_threads(self) -> None:
        """Read no more."""
        self._generation += 1
        self._background.close()
        for one in (self.chosen, self.helped, self.hurt):
            one.close_threads()

    def show_comparison(self, comparison: Comparison | None, progress: str = "") -> None:
        """Show a comparison as its files say it; `progress` is how far it is when it is being made."""
        before = self.comparison
        is_same = before is not None and comparison is not None and before.id == comparison.id
        self.comparison = comparison
        self._generation += 1
        self._either.show_content(comparison is not None)
        if comparison is None:
            self.empty.set_text(*NOTHING_YET)
            return
        if not is_same:
            self._evidence = None
            self._area.verticalScrollBar().setValue(0)
        names = [arm.name for arm in comparison.arms]
        if self._arm not in names[1:] or not is_same:
            self._arm = names[1] if len(names) > 1 else ""
        self.cells.show_cells(names, comparison.repeats)
        self.curves.begin(names, last_epoch=float(_epochs(comparison)))
        self.show_progress(progress)
        self._show()
        generation = self._generation
        self._background.submit(
            lambda: self._read(generation, comparison), lambda future: self._take(generation, future)
        )

    def show_progress(self, text: str) -> None:
        """Say how far the comparison is; nothing when it is not being made."""
        self.progress.setText(text)
        self.progress.setVisible(bool(text))

    def append(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point of the running job, whose names are <arm>/<repeat>/<figure>."""
        if self.comparison is None:
            return
        points: dict[tuple[str, int], dict[str, float]] = {}
        for name, value in values.items():
            arm, _, rest = name.partition("/")
            repeat, _, figure = rest.partition("/")
            if figure and repeat.isdecimal():
                points.setdefault((arm, int(repeat)), {})[figure] = value
        for (arm, number), figures in points.items():
            self.curves.append(arm, number, step, figures)
            self.cells.show_fraction(arm, number, step / max(_epochs(self.comparison), 1))

    # reading

    def _read(self, generation: int, comparison: Comparison) -> Evidence | None:
        """In a thread; None when another comparison is asked for by now."""
        if generation != self._generation:
            return None
        cells = {(cell.arm, cell.repeat): cell.is_done for cell in comparison.cells()}
        scores = self.session.project.comparisons.scores(comparison) if comparison.is_finished else []
        return Evidence(comparison.curves(), cells, dots_of(comparison, scores))

    def _take(self, generation: int, future: "Future[Evidence | None]") -> None:
        error = future.exception()
        if isinstance(error, EXPECTED):
            self.notes.setText(str(error))
            return
        evidence = future.result()
        if evidence is None or generation != self._generation:
            return
        self._evidence = evidence
        self.curves.show_curves(evidence.curves)
        for (arm, repeat), is_done in evidence.is_done.items():
            trained = max((one.get("epoch", 0) for one in evidence.curves[arm][repeat]), default=0)
            assert self.comparison is not None
            share = 1.0 if is_done else min(trained / max(_epochs(self.comparison), 1), 0.99)
            self.cells.show_fraction(arm, repeat, share)
        self._show_arm(self._arm)
        self.loaded.emit()

    # showing

    def _show(self) -> None:
        """Everything that the comparison's own file says."""
        comparison = self.comparison
        if comparison is None:
            return
        self.title.setText(f"Comparison {comparison.name}")
        self.subtitle.setText(subtitle(comparison))
        result = comparison.result
        for widget in (self.verdict, self.explanation, self.effects, self._details):
            widget.setVisible(result is not None)
        self.cells.setVisible(not comparison.is_finished)
        self._curves_title.setText("Curves" if comparison.is_finished else "Curves so far")
        if result is None:
            return
        effects = result["effects"]
        self.verdict.setText(verdict_text(effects[0]))
        token = {"helps": "good", "hurts": "bad"}.get(str(effects[0]["verdict"]), "text")
        self.verdict.setStyleSheet(f"color: {theme.color(token).name()};")
        self.explanation.setText(with_minus(str(effects[0].get("summary") or effects[0]["explanation"])))
        places = {arm.name: number for number, arm in enumerate(comparison.arms)}
        self.effects.show_rows(
            [interval_of(one["arm"], one, places.get(one["arm"], 1), is_main=not n) for n, one in enumerate(effects)]
        )
        self.arms.show_arms(result["arms"], METRICS[comparison.metric])
        self._table.setFixedHeight(
            theme.by_font(TABLE_ROW) * len(result["arms"]) + self._table.horizontalHeader().height() + 4
        )
        self.notes.setText("\n".join(f"· {note}" for note in [*result.get("notes", []), result.get("convention", "")]))
        self.arm_box.clear()
        for one in effects:
            self.arm_box.addItem(f"{one['arm']} against {one['against']}", one["arm"])
        self.arm_box.setCurrentIndex(max(self.arm_box.findData(self._arm), 0))
        self.arm_box.setVisible(len(effects) > 1)

    def _show_arm(self, arm: str) -> None:
        """The images of one arm held against the first."""
        self._arm = arm
        effect = self._effect
        comparison = self.comparison
        if comparison is None or effect is None or self._evidence is None:
            return
        self.dots.show_dots(self._evidence.dots.get(arm, ()), float(effect["difference"]))
        self.groups.show_rows([interval_of(one["group"], one) for one in effect["per_group"]])
        self._groups_part.setVisible(bool(effect["per_group"]))
        self.chosen.show_images(comparison, arm, [])
        self.helped.show_images(comparison, arm, effect["helped"][:EXAMPLES])
        self.hurt.show_images(comparison, arm, effect["hurt"][:EXAMPLES])

    def _show_dot(self, dot: Dot) -> None:
        effect = self._effect
        if effect is not None and self.comparison is not None:
            rows = [row for row in effect["per_image"] if row["sample"] == dot.sample]
            self.chosen.show_images(self.comparison, self._arm, rows)
            self._area.ensureWidgetVisible(self.chosen)

    @property
    def _effect(self) -> Mapping[str, Any] | None:
        result = None if self.comparison is None else self.comparison.result
        effects = [] if result is None else result["effects"]
        return next((one for one in effects if one["arm"] == self._arm), None)

    # how it looks

    def _make_content(self) -> QWidget:
        self._curves_title = heading("Curves")
        self._table = row_table(self.arms, "Arms of the comparison", row_height=theme.by_font(TABLE_ROW))
        self._table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for name in (0, 1):  # names may be long: they have what the figures leave
            header.setSectionResizeMode(name, QHeaderView.ResizeMode.Stretch)
        self._groups_part = in_column(heading("Sub-groups"), self.groups)
        dots_head = QHBoxLayout()
        dots_head.addWidget(heading("Difference of each image"))
        dots_head.addStretch(1)
        dots_head.addWidget(self.arm_box)
        dots_part = QWidget()
        column = QVBoxLayout(dots_part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(dots_head)
        column.addWidget(self.dots)
        self.dots.setFixedHeight(230)
        self._details = in_column(
            dots_part, self.chosen, self.helped, self.hurt, self._groups_part,
            in_column(heading("Arms"), self._table), in_column(heading("Worth knowing"), self.notes), spacing=18,
        )  # fmt: skip
        inside = in_column(
            in_column(self.title, self.subtitle, spacing=2), self.verdict, self.explanation, self.effects,
            self.progress, self.cells, in_column(self._curves_title, self.curves), self._details, spacing=12,
        )  # fmt: skip
        inside.layout().setContentsMargins(14, 12, 14, 14)  # type: ignore[union-attr]
        inside.layout().addStretch(1)  # type: ignore[union-attr]
        self._area = scrolling(inside)
        self._area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._area.setAccessibleName("Comparison")
        return self._area


class ArmsModel(RowsModel):
    """The arms with their scores."""

    COLUMNS = ("Arm", "Recipe", "Preset", "Mean", "± repeats", "Validation IoU", "Best epochs")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[Mapping[str, Any]] = ()
        self._metric = "IoU"

    def show_arms(self, arms: Sequence[Mapping[str, Any]], metric: str) -> None:
        """Show the arms of a result; `metric` is what people call the score."""
        self.beginResetModel()
        self.rows, self._metric = arms, metric
        self.endResetModel()

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        text = super().headerData(section, orientation, role)
        return f"{text} {self._metric}" if text == "Mean" else text

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        arm = self.rows[index.row()]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return arm_color(index.row())
        if role == Qt.ItemDataRole.ToolTipRole:
            return ", ".join(f"{name} {value}" for name, value in (arm.get("differs") or {}).items()) or None
        return self._text(arm, self.COLUMNS[index.column()]) if role == Qt.ItemDataRole.DisplayRole else None

    def _text(self, arm: Mapping[str, Any], column: str) -> str:
        match column:
            case "Arm":
                return str(arm["name"])
            case "Recipe":
                return str(arm["recipe"])
            case "Preset":
                return str(arm["preset"])
            case "Mean":
                return f"{arm['mean']:.4f}"
            case "± repeats":
                return "–" if arm.get("deviation") is None else f"{arm['deviation']:.4f}"
            case "Validation IoU":
                known = [one for one in arm.get("val_iou") or [] if one is not None]
                return f"{sum(known) / len(known):.4f}" if known else "–"
        return ", ".join("–" if one is None else str(one) for one in arm.get("best_epochs") or [])


class CellGrid(QWidget):
    """How far each training of a comparison is: a line an arm, a box a repeat."""

    BOX, GAP, LINE, NAME = 56, 6, 22, 150

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._arms: Sequence[str] = ()
        self._repeats = 0
        self._fractions: dict[tuple[str, int], float] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier().changed.connect(self.update)

    def show_cells(self, arms: Sequence[str], repeats: int) -> None:
        """Begin with none of these done."""
        self._arms, self._repeats, self._fractions = arms, repeats, {}
        self.updateGeometry()
        self._say()

    def show_fraction(self, arm: str, repeat: int, fraction: float) -> None:
        """How much of a training is done, 0 to 1; it never goes back."""
        self._fractions[arm, repeat] = max(min(fraction, 1.0), self._fractions.get((arm, repeat), 0.0))
        self._say()

    def fraction(self, arm: str, repeat: int) -> float:
        """How much of a training is done."""
        return self._fractions.get((arm, repeat), 0.0)

    def sizeHint(self) -> QSize:
        return QSize(self.NAME + self._repeats * (self.BOX + self.GAP), len(self._arms) * self.LINE)

    def _say(self) -> None:
        done = sum(one >= 1 for one in self._fractions.values())
        self.setAccessibleName(f"{done} of {len(self._arms) * self._repeats} trainings are done")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = min(self.BOX, (self.width() - self.NAME) / max(self._repeats, 1) - self.GAP)
        for line, arm in enumerate(self._arms):
            top = line * self.LINE
            painter.setPen(theme.color("text"))
            name = painter.fontMetrics().elidedText(arm, Qt.TextElideMode.ElideRight, self.NAME - 10)
            painter.drawText(QRectF(0, top, self.NAME, self.LINE), Qt.AlignmentFlag.AlignVCenter, name)
            for repeat in range(self._repeats):
                box = QRectF(self.NAME + repeat * (width + self.GAP), top + 6, width, self.LINE - 12)
                painter.setPen(QPen(theme.color("border_strong"), 1))
                painter.setBrush(theme.color("raised"))
                painter.drawRoundedRect(box, 3, 3)
                if fraction := self.fraction(arm, repeat):
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(arm_color(line))
                    painter.drawRoundedRect(QRectF(box.left(), box.top(), box.width() * fraction, box.height()), 3, 3)


class Examples(QWidget):
    """Images side by side: as they are, the true mask, and what both arms predict with the errors in colours."""

    def __init__(self, view: ComparisonView, title: str, opened: Callable[[int], None]) -> None:
        super().__init__()
        self._session = view.session
        self._title = title
        self._opened = opened
        self._heading = heading(title)
        self._legend = muted("   ".join(f"{_mark(colour)} {words}" for colour, words in ERRORS))
        self._legend.setToolTip("On what the arms predict: what is no foreground in truth, and what they did not find")
        self._background = Background("examples", self)
        self.rows: list[ExampleRow] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        head = QHBoxLayout()
        head.addWidget(self._heading)
        head.addStretch(1)
        head.addWidget(self._legend)
        layout.addLayout(head)
        self._place = layout
        self.hide()

    @property
    def is_busy(self) -> bool:
        """Whether a picture is being made."""
        return self._background.is_busy

    def close_threads(self) -> None:
        """Make no more pictures."""
        self.rows = []
        self._background.close()

    def show_images(self, comparison: Comparison, arm: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show these rows of a result's `helped`, `hurt` or `per_image`."""
        for row in self.rows:
            self._place.removeWidget(row)
            row.deleteLater()
        self.rows = []
        self.setVisible(bool(rows))
        for one in rows:
            row = ExampleRow(Wanted(comparison, arm, one))
            row.opened.connect(self._opened)
            self._place.addWidget(row)
            self.rows.append(row)
            self._background.submit(partial(self._pictures, row), partial(self._take, row))

    def _pictures(self, row: ExampleRow) -> list[QImage]:
        """In a thread; none for a row that is not shown any more."""
        return pictures_of(self._session.project, row.wanted) if row in self.rows else []

    def _take(self, row: ExampleRow, future: "Future[Sequence[QImage]]") -> None:
        if row in self.rows:  # others were deleted meanwhile
            row.take(future)


def _mark(colour: Colour) -> str:
    return f'<span style="color:#{bytes(colour).hex()}">&#9632;</span>'


def dots_of(comparison: Comparison, scores: Sequence[Score]) -> dict[str, list[Dot]]:
    """What each image says, by arm: its difference to the first arm, with the range over the repeats."""
    result = comparison.result
    if result is None:
        return {}
    by_cell = {(one.sample, one.arm, one.repeat): float(getattr(one, comparison.metric)) for one in scores}
    first = comparison.arms[0].name
    found: dict[str, list[Dot]] = {}
    for effect in result["effects"]:
        arm = str(effect["arm"])
        for row in effect["per_image"]:
            sample, mean = int(row["sample"]), float(row["difference"])
            differences = [
                by_cell[sample, arm, repeat] - by_cell[sample, first, repeat]
                for repeat in range(comparison.repeats)
                if (sample, arm, repeat) in by_cell and (sample, first, repeat) in by_cell
            ] or [mean]
            scored = (float(row["first"]), float(row["second"]))
            found.setdefault(arm, []).append(
                Dot(sample, str(row["image"]), mean, min(differences), max(differences), scored)
            )
    return found


def verdict_text(effect: Mapping[str, Any]) -> str:
    """The verdict, as large as it is written."""
    if effect["verdict"] in ("helps", "hurts"):
        return f"{effect['arm']} {effect['verdict']}"
    return f"{effect['arm']}: not distinguishable from {effect['against']}"


def interval_of(label: str, found: Mapping[str, Any], place: int | None = None, *, is_main: bool = False) -> Interval:
    """A row of intervals from an effect or a sub-group of a result; `place` is the arm's among the arms."""
    low, high = found["interval"]
    images = count_text(found["images"], "image")
    colour = None if place is None else arm_color(place)
    note = images if place is None else p_text(found.get("p_value"))
    return Interval(label, float(found["difference"]), float(low), float(high), note, colour, is_main)


def subtitle(comparison: Comparison) -> str:
    """What was compared, in a line."""
    repeats = count_text(comparison.repeats, "repeat")
    parts = [comparison.title, repeats, f"{comparison.split} split", METRICS[comparison.metric],
             count_text(_epochs(comparison), "epoch"), when_text(comparison.created)]  # fmt: skip
    if comparison.result is not None and comparison.result.get("seconds"):
        parts.append(f"took {duration(float(comparison.result['seconds']))}")
    return " · ".join(parts)


def _epochs(comparison: Comparison) -> int:
    return max((int(arm.options.get("epochs") or 0) for arm in comparison.arms), default=0)
