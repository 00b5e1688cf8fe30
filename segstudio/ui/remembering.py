"""Remembering: how a project was looked at is kept in it, and is so again when it is opened."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from segstudio.tools import TOOLS
from segstudio.ui.panels.display import PANES

if TYPE_CHECKING:
    from segstudio.ui.workspace import Workspace

_SETTING = "window"
"""The project's setting that keeps how it was looked at."""

_REMEMBER_MS = 1500

_FILTERS = 8
"""So many filters are remembered."""

_OLD_TABS = ("Review", "Train", "Runs")
"""Projects of the first version kept the number of the tab."""


class Remembering(QObject):
    """Keeps the sample, the filter, the tool, the panes and the tab of a workspace.

    Attributes:
        recent_filters: What the samples were filtered by lately, the latest first.
    """

    def __init__(self, workspace: "Workspace") -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self.recent_filters: list[str] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REMEMBER_MS)
        self._timer.timeout.connect(self.remember)

    def remember_soon(self) -> None:
        """Store it when nothing else has changed for a moment."""
        self._timer.start()

    def remember(self) -> None:
        """Store in the project how it is looked at."""
        self._timer.stop()
        self._workspace.session.remember(_SETTING, self.state())

    def note_filter(self) -> None:
        """A filter is remembered when a sample was looked at by it: not every letter of it while it is typed."""
        text = self._workspace.samples_panel.filter_text.strip()
        if text and self.recent_filters[:1] != [text]:
            others = [one for one in self.recent_filters if one != text]
            self.recent_filters = [text, *others][:_FILTERS]

    def state(self) -> dict[str, Any]:
        """How the project is looked at, as JSON keeps it."""
        workspace = self._workspace
        session, panes, tabs = workspace.session, workspace.panes, workspace.tabs
        tool = panes.pointer.tool
        options = {one.name: panes.tool_options(one.name).model_dump(mode="json") for one in TOOLS}
        return {
            "sample": session.sample.image if session.sample else None,
            "filter": workspace.samples_panel.filter_text,
            "recent_filters": self.recent_filters,
            "sort": workspace.samples_panel.sort,
            "tool": tool.name if tool is not None else None,
            "tool_options": options,
            "error_view": workspace.is_error_view_wanted,
            "goes_on": workspace.walk.goes_on,
            "proposes": session.proposing.is_on,
            "verdicts_go_on": workspace.verdicts_go_on,
            "panes": [name for name in PANES if not panes.pane(name).isHidden()],
            "tab": tabs.tabText(tabs.currentIndex()),
            **workspace.display.state(),
        }

    def restore(self) -> None:
        """Look at the project as it was looked at last."""
        workspace = self._workspace
        state: Mapping[str, Any] = workspace.session.project.settings.get(_SETTING) or {}
        for one in TOOLS:
            self._restore_tool(one.name, (state.get("tool_options") or {}).get(one.name) or {})
        tool = str(state.get("tool"))
        workspace.set_tool(tool if tool in TOOLS else "brush")
        workspace.display.restore(state)
        workspace.set_error_view(bool(state.get("error_view", True)))
        workspace.set_going_on(bool(state.get("goes_on", True)))
        workspace.set_proposing(bool(state.get("proposes", True)))
        workspace.set_verdicts_going_on(bool(state.get("verdicts_go_on", False)))
        shown = state.get("panes") or list(PANES)
        for name in sorted(PANES, key=lambda name: name not in shown):  # the last one cannot be hidden
            workspace.set_pane_visible(name, name in shown)
        workspace.tabs.setCurrentIndex(self._tab_of(state.get("tab")))
        self.recent_filters = [str(text) for text in state.get("recent_filters") or ()][:_FILTERS]
        workspace.samples_panel.restore(str(state.get("filter") or ""), str(state.get("sort") or "iou"))
        self._show_first_sample(state.get("sample"))
        self._timer.stop()

    def _tab_of(self, kept: object) -> int:
        tabs = self._workspace.tabs
        name = _OLD_TABS[kept] if isinstance(kept, int) and 0 <= kept < len(_OLD_TABS) else kept
        names = [tabs.tabText(index) for index in range(tabs.count())]
        return names.index(name) if name in names else 0

    def _restore_tool(self, name: str, values: Mapping[str, Any]) -> None:
        panes = self._workspace.panes
        known = {key: value for key, value in values.items() if key in TOOLS[name].Options.model_fields}
        try:
            panes.set_tool_options(name, TOOLS[name].Options.model_validate(known))
        except ValueError:  # an option's range became another since
            panes.set_tool_options(name, TOOLS[name].Options())

    def _show_first_sample(self, image: object) -> None:
        session = self._workspace.session
        table = session.project.samples.table()
        if isinstance(image, str) and image in table.image:
            session.show(int(table.id[table.image.index(image)]))
        else:
            self._workspace.samples_panel.select_first()
