"""A bar whose controls stand in one line, or in two where there is no room for one."""

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QMargins, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QWidget

from segstudio.ui.widgets import divider


class WrappingBar(QFrame):
    """Two groups of controls beside each other, or the second below the first.

    What such a bar needs in one line would otherwise be the least width of the whole window.
    """

    def __init__(
        self,
        first: Iterable[QWidget],
        second: Iterable[QWidget],
        *,
        margins: QMargins = QMargins(),  # noqa: B008 - never changed
        spacing: int = 6,
        has_divider: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """Make the bar.

        Args:
            first: Controls at the left; those with an expanding size policy take the room that is left.
            second: Controls at the right; likewise.
            margins: Around all of it.
            spacing: Pixels between two controls.
            has_divider: Whether a thin line stands between the two groups while they share a line.
            parent: Qt parent.
        """
        super().__init__(parent)
        self._spacing = spacing
        self._divider: QFrame | None = None
        self._first, self._second = QWidget(), QWidget()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(margins)
        self._grid.setHorizontalSpacing(spacing)
        self._grid.setVerticalSpacing(4)
        is_first_greedy = False
        for column, (group, widgets) in enumerate(((self._first, [*first]), (self._second, [*second]))):
            row = QHBoxLayout(group)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(spacing)
            if column and has_divider:
                self._divider = divider()
                row.addWidget(self._divider)
            for widget in widgets:
                row.addWidget(widget)
            is_greedy = any(_is_expanding(widget) for widget in widgets)
            if not is_greedy:
                row.insertStretch(-1 if column == 0 else 0, 1)
            self._grid.addWidget(group, 0, column)
            # Where nothing of the second asks for the room that is left, the first gets all of it.
            self._grid.setColumnStretch(column, int(is_greedy or (column == 1 and not is_first_greedy)))
            is_first_greedy = is_greedy
        self._is_wrapped = False

    @property
    def is_wrapped(self) -> bool:
        """Whether there are two lines."""
        return self._is_wrapped

    @property
    def _edges(self) -> int:
        margins = self._grid.contentsMargins()
        return margins.left() + margins.right()

    def minimumSizeHint(self) -> QSize:
        width = max(group.minimumSizeHint().width() for group in (self._first, self._second))
        return QSize(width + self._edges, self._grid.minimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._wrap()

    def event(self, event: QEvent) -> bool:
        is_done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:  # a control has become wider, came or went
            self._wrap()
        return is_done

    def _wrap(self) -> None:
        wanted = self._first.minimumSizeHint().width() + self._spacing + self._second.minimumSizeHint().width()
        if self._divider is not None and self._divider.isHidden():
            wanted += self._divider.width() + self._spacing
        is_wrapped = wanted > self.width() - self._edges
        if self._is_wrapped == is_wrapped:
            return
        self._is_wrapped = is_wrapped
        if self._divider is not None:
            self._divider.setHidden(is_wrapped)
        self._grid.removeWidget(self._second)
        if self._is_wrapped:
            self._grid.addWidget(self._second, 1, 0, 1, 2)
        else:
            self._grid.addWidget(self._second, 0, 1)
        self.updateGeometry()


def _is_expanding(widget: QWidget) -> bool:
    return bool(widget.sizePolicy().expandingDirections() & Qt.Orientation.Horizontal)
