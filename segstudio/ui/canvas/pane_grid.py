"""Pane grid: the panes that are shown, in the rows and columns that show the image largest."""

from collections.abc import Mapping

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QGridLayout, QWidget

from segstudio.ui.canvas.arrangement import Cells, arrange
from segstudio.ui.canvas.pane import INSET, Pane, PaneName
from segstudio.ui.canvas.view import View

GAP = 8
"""Pixels between two panes."""


class PaneGrid:
    """Puts the panes into their widget, and something spare where the last row has a cell left over."""

    def __init__(self, panes: Mapping[PaneName, Pane], view: View, widget: QWidget) -> None:
        self._panes = panes
        self._view = view
        self._widget = widget
        self._cells = Cells(0, 0)
        self._spare: QWidget | None = None
        self._layout = QGridLayout(widget)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(GAP)

    @property
    def shown(self) -> list[Pane]:
        """The panes that are not hidden."""
        return [pane for pane in self._panes.values() if not pane.isHidden()]

    @property
    def least_size(self) -> tuple[int, int]:
        """Width and height, in pixels of the screen, that every shown canvas has."""
        sizes = [pane.canvas.device_size for pane in self.shown]
        return min(width for width, _ in sizes), min(height for _, height in sizes)

    @property
    def least_room(self) -> QSize:
        """What two rows and columns need: not the arrangement of this moment, with less room there is another one."""
        least = self._panes["image"].minimumSizeHint()
        return QSize(2 * least.width() + GAP, 2 * least.height() + GAP)

    def set_spare(self, widget: QWidget) -> None:
        """Show this where the last row has a cell left over."""
        self._spare = widget
        widget.setParent(self._widget)
        widget.hide()
        self._cells = Cells(0, 0)
        self.arrange()

    def arrange(self) -> None:
        """Put the panes that are shown into the rows and columns that show the image largest."""
        shown = self.shown
        cells = self._best_cells(len(shown))
        self._place_spare(len(shown), cells)
        placed = [self._layout.itemAtPosition(*divmod(index, cells.columns)) for index in range(len(shown))]
        if cells == self._cells and [item and item.widget() for item in placed] == shown:
            return
        for pane in self._panes.values():
            self._layout.removeWidget(pane)
        for index, pane in enumerate(shown):
            self._layout.addWidget(pane, *divmod(index, cells.columns))
        for row in range(len(self._panes)):
            self._layout.setRowStretch(row, int(row < cells.rows))
            self._layout.setColumnStretch(row, int(row < cells.columns))
        self._cells = cells
        self._layout.activate()

    def _place_spare(self, count: int, cells: Cells) -> None:
        left_over = cells.rows * cells.columns - count
        if self._spare is None or (cells == self._cells and self._spare.isHidden() == (not left_over)):
            return
        self._layout.removeWidget(self._spare)
        if left_over:
            self._layout.addWidget(self._spare, cells.rows - 1, cells.columns - left_over, 1, left_over)
        self._spare.setVisible(left_over > 0)

    def _best_cells(self, count: int) -> Cells:
        if not self._view.width:
            return Cells(1, count)
        header = self._panes["image"].header.height()
        chrome = (2 * INSET + GAP, header + INSET + GAP)
        space = self._widget.width(), self._widget.height()
        cells = arrange(count, space, chrome, (self._view.width, self._view.height))
        room = max(1, (self._widget.width() + GAP) // (self._panes["image"].minimumWidth() + GAP))
        return cells if cells.columns <= room else Cells(-(-count // room), room)
