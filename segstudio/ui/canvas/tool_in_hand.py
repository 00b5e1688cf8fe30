"""Tool in hand: which tool the pointer works with, and the options that every tool keeps while another is in hand."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from segstudio.core.edit import Mode
from segstudio.core.options import Options
from segstudio.tools import TOOLS, Tool
from segstudio.ui.canvas.pointer import PointerInput


class ToolInHand(QObject):
    """The tool in hand, and how each tool works."""

    taken = Signal()
    """The pointer works with another tool, or with other options; told before all else."""
    tool_changed = Signal()
    """Another tool was taken in hand."""
    radius_changed = Signal(float)
    """The brush radius in image pixels."""
    options_changed = Signal()
    """An option of a tool was changed, in hand or not."""

    def __init__(self, pointer: PointerInput, parent: QObject) -> None:
        super().__init__(parent)
        self._pointer = pointer
        self._options: dict[str, Options] = {}

    def take(self, name: str) -> None:
        """Take a tool in hand."""
        tool: Tool[Any] = TOOLS[name]()
        self._options.setdefault(name, tool.Options())
        self._pointer.take(tool, self._options[name])
        self.taken.emit()
        self.tool_changed.emit()
        self._tell_radius()

    def set_options(self, name: str, options: Options) -> None:
        """Change how a tool works, in hand or not."""
        self._options[name] = options
        tool = self._pointer.tool
        if tool is not None and tool.name == name:
            self._pointer.take(tool, options)
            self.taken.emit()
            self._tell_radius()
        self.options_changed.emit()

    def options(self, name: str) -> Options:
        """How a tool works now."""
        return self._options.setdefault(name, TOOLS[name].Options())

    @property
    def radius(self) -> float | None:
        """The radius of the brush in hand, in image pixels; None for a tool without one."""
        value = getattr(self._pointer.options, "radius", None)
        return None if value is None or self._pointer.tool is None else float(value)

    def set_radius(self, radius: float) -> None:
        """Give the brush in hand another radius, in steps of half a pixel and within its limits."""
        tool = self._pointer.tool
        if tool is None or self.radius is None:
            return
        least, most = _limits(tool.Options, "radius")
        radius = min(max(round(radius * 2) / 2, least), most)
        self.set_options(tool.name, self._pointer.options.replaced(radius=radius))

    def change_radius(self, factor: float) -> None:
        """Make the brush in hand larger or smaller, by half a pixel at least."""
        radius = self.radius
        if radius is not None:
            wanted = radius * factor
            self.set_radius(max(wanted, radius + 0.5) if factor > 1 else min(wanted, radius - 0.5))

    def next_mode(self) -> None:
        """Let the tool in hand add, subtract or intersect: the next of these."""
        tool, mode = self._pointer.tool, getattr(self._pointer.options, "mode", None)
        if tool is not None and isinstance(mode, Mode):
            modes = list(Mode)
            wanted = modes[(modes.index(mode) + 1) % len(modes)]
            self.set_options(tool.name, self._pointer.options.replaced(mode=wanted))

    def _tell_radius(self) -> None:
        if self.radius is not None:
            self.radius_changed.emit(self.radius)


def _limits(model: type[Options], name: str) -> tuple[float, float]:
    """The least and greatest value that an option allows."""
    least, most = float("-inf"), float("inf")
    for rule in model.model_fields[name].metadata:
        least = max(least, getattr(rule, "ge", None) or least)
        most = min(most, getattr(rule, "le", None) or most)
    return least, most
