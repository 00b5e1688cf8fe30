"""Centre: the panes with their bars, or what a panel wants to show in their place."""

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from segstudio.ui.canvas.panes import Panes


class Centre(QStackedWidget):
    """A stack of views; the first of them is the bench, where the panes stand between bars."""

    def __init__(self, panes: Panes, above: Iterable[QWidget], below: Iterable[QWidget]) -> None:
        super().__init__()
        self._panes = panes
        self._bench = QWidget()
        self._column = QVBoxLayout(self._bench)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        for bar in above:
            self._column.addWidget(bar)
        self._column.addWidget(panes, 1)
        for bar in below:
            self._column.addWidget(bar)
        self.addWidget(self._bench)

    @property
    def are_panes_seen(self) -> bool:
        """Whether the panes are shown and not another view."""
        return self.currentWidget() is self._bench

    @property
    def can_compare(self) -> bool:
        """Whether the view can show the original in place of what it makes of it."""
        return hasattr(self.currentWidget(), "set_comparing")

    @property
    def is_busy(self) -> bool:
        """Whether the view is loading something."""
        return bool(getattr(self.currentWidget(), "is_busy", False))

    def add_below_panes(self, bar: QWidget) -> None:
        """Put another bar between the panes and those below them."""
        self._column.insertWidget(self._column.indexOf(self._panes) + 1, bar)

    def show_view(self, view: QWidget | None) -> None:
        """Show a view, added when it is a new one, or the panes."""
        if view is not None and self.indexOf(view) < 0:
            self.addWidget(view)
        self.setCurrentWidget(view or self._bench)

    def show_original(self, is_on: bool) -> None:
        """Show the original in place of what a preview makes of it, where there is one."""
        compare = getattr(self.currentWidget(), "set_comparing", None)
        if compare is not None:
            compare(is_on)

    def focus(self) -> None:
        """Give the keys to what is shown."""
        shown = self._panes if self.are_panes_seen else self.currentWidget()
        if shown is not None:
            shown.setFocus(Qt.FocusReason.OtherFocusReason)
