"""Stress view: what a run loses under each transform at each strength, and what the transforms do to a picture."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QModelIndex, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImage, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.errors import UserError
from segstudio.core.metrics import METRICS
from segstudio.core.sample import Sample
from segstudio.core.scaling import scaled_image, scaled_mask
from segstudio.jobs.stress import rows_of
from segstudio.jobs.stress_families import families
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.canvas.layers import TRUTH
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.rows_model import Index, RowsModel
from segstudio.ui.session import Session
from segstudio.ui.views.numbers import change_text, short_change_text
from segstudio.ui.views.pictures import Picture, outlined, shrunk, to_image
from segstudio.ui.widgets import READ_ONLY, allow, heading, lay_on_card, muted, push_button, row_table

ROW = 27
USUAL = 3
"""The strength that a tick in the box chooses: the middle one."""

COSTLY = 0.05
"""A loss that is worth training against."""

SIDE = 256
"""Side of the pictures in pixels; they are shown at half of that on a classical screen."""

NOTHING_YET = (
    "No stress test yet",
    "Choose a run on the right and press Start stress test: pictures are made darker, noisier, tilted … step by step.",
)


READING = ("Reading the stress test…", "")

UNDER_WAY = (
    "The stress test is under way",
    "Every picture is made worse step by step; the table comes when all of them are measured.",
)


class Line(NamedTuple):
    """A line of the table: a transform and its measured strengths, the weakest first."""

    name: str
    title: str
    cells: Sequence[Mapping[str, Any]]


class StressModel(RowsModel):
    """What was lost, by transform (the worst first) and strength; and up to which strength each one is chosen.

    Signals:
        chosen_changed: Another strength of a transform is chosen.
    """

    COLUMNS = ("Transform", "1", "2", "3", "4", "5")
    chosen_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[Line] = ()
        self.chosen: dict[str, int] = {}
        self.metric = "iou"
        self.most = 0.0

    def show_result(self, result: Mapping[str, Any] | None) -> None:
        """Show a result of the job `stress`; what was chosen stays chosen where it is still there."""
        self.beginResetModel()
        lines = [
            Line(name, str(cells[0]["title"]), cells)
            for name, cells in rows_of([] if result is None else result["table"]).items()
        ]
        self.rows = sorted(lines, key=lambda line: -float(np.mean([cell["lost"] for cell in line.cells])))
        self.metric = "iou" if result is None else str(result["metric"])
        self.most = max((cell["high"] for line in self.rows for cell in line.cells), default=0.0)
        known = {line.name: len(line.cells) for line in self.rows}
        self.chosen = {name: one for name, one in self.chosen.items() if one <= known.get(name, 0)}
        self.endResetModel()
        self.chosen_changed.emit()

    def choose(self, row: int, strength: int) -> None:
        """Choose a transform up to a strength; 0 leaves it out."""
        line = self.rows[row]
        strength = min(strength, len(line.cells))
        if strength:
            self.chosen[line.name] = strength
        else:
            self.chosen.pop(line.name, None)
        self.dataChanged.emit(self.index(row, 0), self.index(row, self.columnCount() - 1))
        self.chosen_changed.emit()

    def choose_costly(self) -> None:
        """Choose each transform up to its first strength that costs much, leaving the others out."""
        for row, line in enumerate(self.rows):
            costly = (number for number, cell in enumerate(line.cells, 1) if cell["lost"] >= COSTLY)
            self.choose(row, next(costly, 0))

    def cell(self, index: Index) -> Mapping[str, Any] | None:
        """What was measured in a cell; None for the first column, and where nothing was."""
        cells = self.rows[index.row()].cells
        return cells[index.column() - 1] if 1 <= index.column() <= len(cells) else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        line, cell = self.rows[index.row()], self.cell(index)
        if cell is None:
            return self._title(line, role) if index.column() == 0 else None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return change_text(-cell["lost"])
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return cell_text(cell, self.metric)
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != 0:
            return False
        is_on = Qt.CheckState(value) == Qt.CheckState.Checked
        self.choose(index.row(), USUAL if is_on else 0)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else flags

    def _title(self, line: Line, role: int) -> object:
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return line.title
            case Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if line.name in self.chosen else Qt.CheckState.Unchecked
            case Qt.ItemDataRole.ToolTipRole:
                return "Tick it to train with it; a click on a strength chooses how far"
        return None


class StressDelegate(QStyledItemDelegate):
    """Paints a cell: a bar as long as what is lost with its interval, the figure, and how strong it was."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, StressModel)
        cell = model.cell(index)
        if cell is None:
            super().paint(painter, option, index)
            return
        place = QRectF(option.rect).adjusted(2, 2, -2, -2)
        chosen = model.chosen.get(model.rows[index.row()].name, 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, place, is_within=index.column() <= chosen, is_end=index.column() == chosen)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(theme.color("border_strong"), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(place, 4, 4)
        self._paint_bar(painter, place, cell, model.most)
        self._paint_words(painter, place, cell, option.font)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(96, ROW)

    def _paint_ground(self, painter: QPainter, place: QRectF, *, is_within: bool, is_end: bool) -> None:
        painter.setPen(QPen(theme.color("accent"), 1.5) if is_end else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent_soft") if is_within else theme.color("raised", 0.55))
        painter.drawRoundedRect(place, 4, 4)

    def _paint_bar(self, painter: QPainter, place: QRectF, cell: Mapping[str, Any], most: float) -> None:
        left, width, y = place.left() + 5, place.width() - 10, place.bottom() - 5

        def x(value: float) -> float:
            return left + width * min(max(value / most, 0.0), 1.0) if most > 0 else left

        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("border"))
        painter.drawRoundedRect(QRectF(left, y - 2, width, 4), 2, 2)
        if cell["lost"] > 0:
            painter.setBrush(loss_color(cell["lost"], most))
            painter.drawRoundedRect(QRectF(left, y - 2, max(x(cell["lost"]) - left, 2), 4), 2, 2)
        painter.setPen(QPen(theme.color("text_muted"), 1))
        painter.drawLine(int(x(cell["low"])), int(y), int(x(cell["high"])), int(y))

    def _paint_words(self, painter: QPainter, place: QRectF, cell: Mapping[str, Any], font: QFont) -> None:
        words = place.adjusted(5, 1, -5, -9)
        figure = QFont(font)
        figure.setBold(cell["lost"] >= COSTLY)
        painter.setFont(figure)
        painter.setPen(theme.color("text"))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip  # bold figures reach into the margin
        text = change_text(-cell["lost"])
        if painter.fontMetrics().horizontalAdvance(text) > words.width():
            text = short_change_text(-cell["lost"])
        painter.drawText(words, flags | Qt.AlignmentFlag.AlignLeft, text)
        room = words.width() - painter.fontMetrics().horizontalAdvance(text) - 6
        faint = QFont(font)
        faint.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(faint)
        painter.setPen(theme.color("text_muted"))
        label = str(cell["label"])
        if painter.fontMetrics().horizontalAdvance(label) <= room:
            painter.drawText(words, flags | Qt.AlignmentFlag.AlignRight, label)


class StressView(QWidget):
    """The table of a stress test, pictures of the transform in hand, and the way to train against it.

    Signals:
        train_requested: Told {transform: strength}: the person wants a recipe of what is chosen.
        export_requested: The person wants the table as a file.
    """

    train_requested = Signal(object)
    export_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.result: Mapping[str, Any] | None = None
        self.model = StressModel(self)
        self.model.chosen_changed.connect(self._show_chosen)
        self.table = self._make_table()
        self.strip = Strip(session)
        self._title = heading("")
        self._summary = muted(wraps=True)
        self._chosen = muted(wraps=True)
        self.train_button = push_button(
            "Train with these", "Make a recipe of what is ticked, and open it in the Augment tab", self._train
        )
        self.costly_button = push_button(
            "Tick what costs most", f"Choose each transform up to where it costs {COSTLY}", self.model.choose_costly
        )
        self.export_button = push_button("Export CSV…", "Write the table to a file", self.export_requested.emit)
        self.empty = Empty("error-view", *NOTHING_YET)
        self._either = Either(self._make_content(), self.empty)
        lay_on_card(self, self._either)
        self.setFocusProxy(self.table)
        theme.notifier().changed.connect(self.table.viewport().update)
        self.show_result(None)

    @property
    def is_busy(self) -> bool:
        """Whether pictures are being made."""
        return self.strip.is_busy

    def show_result(self, result: Mapping[str, Any] | None) -> None:
        """Show a result of the job `stress`, or what to do when there is none."""
        self.result = result
        self.model.show_result(result)
        self._either.show_content(result is not None)
        if result is None:
            self.strip.show_family("", 0)
            return
        self._title.setText(f"Stress test of run {int(result['run']):04}")
        self._summary.setText(summary(result))
        self._summary.setToolTip(str(result.get("empty_convention", "")))
        self.table.resizeRowsToContents()
        self.table.setCurrentIndex(self.model.index(0, min(USUAL, self.model.columnCount() - 1)))

    def _make_table(self) -> QTableView:
        table = row_table(self.model, "What is lost by transform and strength", row_height=ROW)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        table.setItemDelegate(StressDelegate(table))
        table.setMouseTracking(True)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        table.setColumnWidth(0, 160)
        table.clicked.connect(self._choose)
        table.activated.connect(self._choose)
        table.selectionModel().currentChanged.connect(lambda index, _: self._show_pictures(index))
        table.installEventFilter(self)
        return table

    def _make_content(self) -> QWidget:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._summary)
        head = QHBoxLayout()
        head.addLayout(words, 1)
        head.addWidget(self.export_button, 0, Qt.AlignmentFlag.AlignTop)
        foot = QHBoxLayout()
        foot.addWidget(self._chosen, 1)
        foot.addWidget(self.costly_button)
        foot.addWidget(self.train_button)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        column.addWidget(self.strip)
        column.addLayout(foot)
        return content

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # The space bar in a cell chooses its strength, as a click does; in the first column Qt itself ticks the box.
        if watched is self.table and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            index = self.table.currentIndex()
            if event.key() == Qt.Key.Key_Space and index.isValid() and index.column() > 0:
                self._choose(index)
                return True
        return super().eventFilter(watched, event)

    def _choose(self, index: QModelIndex) -> None:
        """Choose the transform up to the strength that was clicked; once more takes it back."""
        if index.column() > 0 and self.model.cell(index) is not None:
            is_chosen = self.model.chosen.get(self.model.rows[index.row()].name) == index.column()
            self.model.choose(index.row(), 0 if is_chosen else index.column())

    def _show_pictures(self, index: QModelIndex) -> None:
        if index.isValid() and self.result is not None:
            self.strip.show_family(self.model.rows[index.row()].name, int(self.result.get("size") or 0), index.column())

    def _show_chosen(self) -> None:
        count, is_writable = len(self.model.chosen), not self.session.project.read_only
        allow(self.train_button, (is_writable, READ_ONLY), (count, "nothing is chosen"))
        words = "1 transform is chosen" if count == 1 else f"{count} transforms are chosen"
        self._chosen.setText(words if count else "Click a strength, or tick a box, to choose what to train against.")

    def _train(self) -> None:
        self.train_requested.emit(dict(self.model.chosen))


class _Made(NamedTuple):
    """Pictures of a transform at all strengths, the untouched one first."""

    key: tuple[object, ...]
    images: Sequence[QImage]


class Strip(QWidget):
    """The sample on screen as it is, and under one transform at each strength, with the outline of its true mask."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._name, self._size = "", 0
        self._wanted: tuple[object, ...] = ()
        self._background = Background("stress pictures", self)
        self.pictures = [Picture("As it is", SIDE // 2), *(Picture(f"Strength {n}", SIDE // 2) for n in range(1, 6))]
        self._labels = [muted() for _ in self.pictures]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(1)
        for column, (picture, label) in enumerate(zip(self.pictures, self._labels, strict=True)):
            picture.setFixedHeight(SIDE // 2 - 12)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setSizePolicy(label.sizePolicy().Policy.Ignored, label.sizePolicy().verticalPolicy())
            grid.addWidget(picture, 0, column)
            grid.addWidget(label, 1, column)
            grid.setColumnStretch(column, 1)
        session.sample_changed.connect(lambda _sample: self._make())

    @property
    def is_busy(self) -> bool:
        """Whether pictures are being made."""
        return self._background.is_busy

    def close_threads(self) -> None:
        """Make no more pictures."""
        self._wanted = ()
        self._background.close()

    def show_family(self, name: str, size: int, strength: int = 0) -> None:
        """Show another transform; `size` is that of the network's input, `strength` the one to mark."""
        self._name, self._size = name, size
        self._make()
        for number, picture in enumerate(self.pictures):
            picture.set_chosen(bool(name) and number == strength > 0)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._make()

    def _make(self) -> None:
        sample = self.session.sample
        family = families().get(self._name)
        if family is None or sample is None or self.session.loaded is None or not self.isVisible():
            return
        self._labels[0].setText("as it is")
        for label, words in zip(self._labels[1:], family.labels, strict=False):
            label.setText(words)
        key = (sample.id, sample.revision, self._name, self._size)
        if key == self._wanted:
            return
        self._wanted = key
        image = self.session.loaded.image
        self._background.submit(lambda: self._pictures(key, sample, image), self._take)

    def _pictures(self, key: tuple[object, ...], sample: Sample, image: NDArray[np.uint8]) -> _Made:
        """In a thread; a request that is out of date is passed over."""
        if key != self._wanted:
            return _Made(key, [])
        mask = self.session.project.masks.load(sample) if sample.has_mask else None
        return _Made(key, [to_image(one) for one in strengths_of(image, mask, self._name, self._size, sample.image)])

    def _take(self, future: "Future[_Made]") -> None:
        error = future.exception()
        if isinstance(error, UserError | OSError):
            made = _Made(self._wanted, [])
        else:
            made = future.result()
        if made.key != self._wanted or not made.key:
            return
        for number, picture in enumerate(self.pictures):
            picture.show_image(made.images[number] if number < len(made.images) else None)


def strengths_of(
    image: NDArray[np.uint8], mask: NDArray[np.uint8] | None, name: str, size: int, seed: str
) -> list[NDArray[np.uint8]]:
    """A sample as it is and under a transform at each strength, as the stress test made it worse.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        mask: uint8 (H, W) of 0 and 1, or None.
        name: Of the transform in stress.toml.
        size: Side of the network's input in pixels.
        seed: What the test seeded it with beside its own seed: the path of the image.

    Returns:
        uint8 (h, w, 3), in the proportions of the image.
    """
    from segstudio.augmentation.augmenter import Augmenter, seed_of
    from segstudio.augmentation.recipe import Recipe

    family = families()[name]
    pixels = scaled_image(image, (size, size, 1 if image.ndim == 2 else 3))
    truth = np.zeros((size, size), np.uint8) if mask is None else scaled_mask(mask, size, size)
    number = seed_of(0, name, seed)
    sign = -1 if family.is_two_sided and number % 2 else 1
    pairs = [(pixels, truth)]
    for strength in family.strengths:
        step = family.step(strength, sign)
        pairs.append(Augmenter(Recipe("stress", "", "", (step,))).apply_fitted(pixels, truth, number))
    height, width = shrunk(image.shape, SIDE)
    return [
        outlined(scaled_image(one, (height, width, 3)), scaled_mask(moved, height, width), TRUTH)
        for one, moved in pairs
    ]


def summary(result: Mapping[str, Any]) -> str:
    """What was measured on, in a sentence or two."""
    metric = METRICS[result["metric"]]
    size = f" at {result['size']} px" if (result.get("options") or {}).get("size") != "native" else ""
    text = (
        f"{result['images']} images of the {result['split']} split{size}. As they are: {metric} "
        f"{result['clean'][result['metric']]:.3f}. The table says what is lost of it; thin lines: 95\u00a0% intervals."
    )
    return f"{text} {result['hint']}" if result.get("hint") else text


def cell_text(cell: Mapping[str, Any], metric: str) -> str:
    """One cell in words."""
    return (
        f"{cell['title']} {cell['label']}: {METRICS[metric]} {cell[metric]:.3f}, lost {cell['lost']:.3f} "
        f"(95 % interval {cell['low']:.3f} to {cell['high']:.3f})"
    )


def loss_color(lost: float, most: float) -> QColor:
    """Stronger the more is lost; told apart by length and figure too."""
    share = min(max(lost / most, 0.0), 1.0) if most > 0 else 0.0
    return theme.color("warn" if share < 0.5 else "bad", 0.45 + 0.55 * share)
