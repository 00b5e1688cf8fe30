"""What the palette can find: the commands, and of the open project its samples, filters, runs, recipes and presets."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings

from segstudio.core.wording import count_text
from segstudio.project.sample_table import STATES, SampleTable
from segstudio.ui import theme
from segstudio.ui.actions import WANTING, Actions, Command, plain_text
from segstudio.ui.palette import Entry, Source
from segstudio.ui.panels.samples import EXAMPLES, SORTS
from segstudio.ui.welcome import recent_projects
from segstudio.ui.workspace import Workspace

_RECENT = 6
"""So many commands that were chosen last come first."""

_SAMPLES = 25
"""So many samples are offered; more are listed by the filter."""

_LEAST_TYPED = 2
"""Samples are looked for from so many letters on: fewer fit too many of them."""


def commands(actions: Actions) -> Source:
    """Every command, the ones chosen last first."""
    recent = _recent()

    def source(_typed: str) -> Iterator[Entry]:
        for name, command in actions.commands.items():
            if name == "palette":
                continue
            action = actions.by_name[name]
            detail = ("on" if action.isChecked() else "off") if command.is_checkable and "tool" not in name else ""
            yield Entry(
                plain_text(command),
                partial(_trigger, actions, name),
                command.menu,
                detail,
                command.help,
                actions.bindings.keys(name),
                command.is_held,
                command.icon,
                _refusal(command, is_enabled=action.isEnabled()),
                1.5 * (_RECENT - recent.index(name)) / _RECENT if name in recent else 0.0,
            )

    return source


def _refusal(command: Command, *, is_enabled: bool) -> str:
    if not is_enabled:
        return WANTING.get(command.when, "not now")
    return "hold its key" if command.is_held else ""


def _trigger(actions: Actions, name: str) -> None:
    recent = [name, *(one for one in _recent() if one != name)]
    QSettings().setValue("palette", recent[:_RECENT])
    actions.by_name[name].trigger()


def _recent() -> list[str]:
    value = QSettings().value("palette")
    texts = [value] if isinstance(value, str) else value  # QSettings writes a list of one as a text
    return [str(text) for text in texts][:_RECENT] if isinstance(texts, list) else []


def themes(choose: Callable[[theme.Choice], object]) -> Source:
    """Dark, light, as the system is."""
    words: dict[theme.Choice, str] = {"system": "As the system", "dark": "Dark", "light": "Light"}

    def source(typed: str) -> Iterator[Entry]:
        for choice, title in words.items() if typed else ():
            yield Entry(f"Theme: {title.lower()}", partial(choose, choice), "View", icon="contrast")

    return source


def projects(go: Callable[[Path], object]) -> Source:
    """The projects that were open lately."""
    listed = recent_projects()

    def source(typed: str) -> Iterator[Entry]:
        for folder in listed if typed else ():
            yield Entry(folder.name, partial(go, folder), "Recent project", str(folder.parent), icon="open", rank=-2)

    return source


def of_project(workspace: Workspace) -> list[Source]:
    """Everything of the open project."""
    return [_orders(workspace), _filters(workspace), _tabs(workspace), _runs(workspace), _recipes(workspace),
            _presets(workspace), _samples(workspace)]  # fmt: skip


def _samples(workspace: Workspace) -> Source:
    table = workspace.session.project.samples.table()
    lowered: list[str] = []

    def source(typed: str) -> Iterator[Entry]:
        words = typed.lower().split()
        if len("".join(words)) < _LEAST_TYPED:
            return
        if not lowered:
            lowered.extend(name.lower() for name in table.image)  # once, and only when somebody types
        rows = [row for row, name in enumerate(lowered) if all(word in name for word in words)]
        if len(rows) > _SAMPLES:
            count = count_text(len(rows), "sample")
            pattern = f"name:*{words[0]}*" if len(words) == 1 else " ".join(f"name:*{word}*" for word in words)
            yield Entry(f"List {typed.strip()}", partial(workspace.samples_panel.set_filter, pattern), "Filter",
                        count, icon="filter", rank=-1)  # fmt: skip
        for row in rows[:_SAMPLES]:
            yield _sample(workspace, table, row)

    return source


def _sample(workspace: Workspace, table: SampleTable, row: int) -> Entry:
    iou = float(table.iou[row])
    detail = str(STATES[int(table.state[row])]) + (f", IoU {iou:.3f}" if iou == iou else "")
    show = partial(workspace.show_in_review, int(table.id[row]))
    return Entry(table.image[row], show, "Sample", detail, icon="image", rank=-1)


def _filters(workspace: Workspace) -> Source:
    panel = workspace.samples_panel
    recent = workspace.remembering.recent_filters

    def source(typed: str) -> Iterator[Entry]:
        for text in recent if typed else ():
            yield Entry(f"List {text}", partial(panel.set_filter, text), "Recent filter", icon="history", rank=-0.5)
        for words, text in EXAMPLES if typed else ():
            if text not in recent:
                yield Entry(f"List: {words}", partial(panel.set_filter, text), "Filter", text, icon="filter", rank=-1)
        if typed and panel.filter_text:
            yield Entry("List all samples", partial(panel.set_filter, ""), "Filter", icon="filter")

    return source


def _orders(workspace: Workspace) -> Source:
    def source(typed: str) -> Iterator[Entry]:
        for key, words in SORTS if typed else ():
            yield Entry(f"Order by: {words.lower()}", partial(workspace.samples_panel.set_sort, key), "Order",
                        icon="filter", rank=-1)  # fmt: skip

    return source


def _tabs(workspace: Workspace) -> Source:
    tabs = workspace.tabs

    def source(typed: str) -> Iterator[Entry]:
        for index in range(tabs.count()) if typed else ():
            name = tabs.tabText(index)
            yield Entry(f"Show {name}", partial(tabs.setCurrentIndex, index), "Tab", icon="next", rank=-0.5)

    return source


def _runs(workspace: Workspace) -> Source:
    return _once(lambda: [
        Entry(f"Run {run.id:04}", partial(workspace.show_run, run.id), "Run",
              run.preset + ("" if run.best_val_iou is None else f", IoU {run.best_val_iou:.3f}"),
              str(run.status), icon="train", rank=-1)
        for run in workspace.session.project.runs.list()
    ])  # fmt: skip


def _recipes(workspace: Workspace) -> Source:
    return _once(lambda: [
        Entry(recipe.title, partial(workspace.show_recipe, recipe.name), "Recipe", recipe.name, recipe.description,
              icon="copy", rank=-1)
        for recipe in workspace.session.project.recipes.all()
    ])  # fmt: skip


def _presets(workspace: Workspace) -> Source:
    def read() -> list[Entry]:
        from segstudio.jobs.presets import presets

        return [
            Entry(one.title, partial(workspace.show_preset, one.name), "Preset", one.name, one.description,
                  icon="settings", rank=-1)
            for one in presets().values()
        ]  # fmt: skip

    return _once(read)


def _once(read: Callable[[], list[Entry]]) -> Source:
    """Entries that are read when somebody has typed something, once for each time the palette is opened."""
    known: list[list[Entry]] = []

    def source(typed: str) -> Iterable[Entry]:
        if not typed:
            return ()
        if not known:
            known.append(read())
        return known[0]

    return source
