"""What each command of the table in actions.py does to the window."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Qt

from segstudio.core.mask import Mask
from segstudio.core.sample import ReviewState, Sample, Split
from segstudio.operations import OPERATIONS
from segstudio.tools import TOOLS
from segstudio.ui.canvas.pane import PaneName
from segstudio.ui.dialogs import files
from segstudio.ui.dialogs.key_editor import KeyEditorDialog
from segstudio.ui.dialogs.keys import KeysDialog
from segstudio.ui.dialogs.questions import show_about
from segstudio.ui.dialogs.settings import show_settings
from segstudio.ui.panels.display import PANES
from segstudio.ui.session import Session
from segstudio.ui.workspace import Workspace

if TYPE_CHECKING:
    from segstudio.ui.window import Window

Handler = Callable[..., Any]

RADIUS_STEP = 1.15
"""How much a press of a key changes the radius."""

VERDICTS = {
    "accept": ReviewState.ACCEPTED, "flag": ReviewState.FLAGGED, "reject": ReviewState.REJECTED,
    "todo": ReviewState.TODO,
}  # fmt: skip


class _Handlers:
    """Makes what a command calls; the open project is looked up then, and what the world does not allow is told."""

    def __init__(self, window: "Window") -> None:
        self.window = window

    def of_project(self, work: Callable[[Workspace], Any]) -> Callable[[], None]:
        """Do something with the open project."""
        return lambda: self.window.in_workspace(work)

    def of_switch(self, work: Callable[[Workspace, bool], Any]) -> Callable[[bool], None]:
        """Turn something on or off in the open project."""
        return lambda is_on: self.window.in_workspace(lambda workspace: work(workspace, is_on))

    def of_window(self, work: Callable[[], Any]) -> Callable[[], None]:
        """Do something with the window."""
        return lambda: self.window.attempt(work)


def handlers_for(window: "Window") -> dict[str, Handler]:
    """A callable for each command; checkable ones take the new state."""
    make = _Handlers(window)
    parts = (_file, _edit, _tool, _error, _sample, _view, _model, _help)
    return {name: handler for part in parts for name, handler in part(make).items()}


def _file(make: _Handlers) -> dict[str, Handler]:
    """Begin, open, write and leave projects."""
    window = make.window
    return {
        "new-folder": lambda: _begin_from(window, files.choose_dataset_folder(window)),
        "new-archive": lambda: _begin_from(window, files.choose_dataset_file(window)),
        "demo": partial(_make_demo, window),
        "open": partial(_open, window),
        "save": make.of_project(lambda w: w.session.save_now()),
        "export": make.of_window(partial(_export, window)),
        "export-volumes": make.of_window(partial(_export_volumes, window)),
        "export-predictions": make.of_project(partial(_export_predictions, window)),
        "export-dataset": make.of_project(partial(_export_dataset, window)),
        "export-report": make.of_window(partial(_export_report, window)),
        "export-model": make.of_project(lambda w: w.offer_model()),
        "export-bundle": make.of_window(partial(_export_bundle, window)),
        "import-bundle": make.of_window(partial(_import_bundle, window)),
        "check": make.of_window(partial(_check, window)),
        "close": window.leave_project,
        "quit": window.close,
    }


def _edit(make: _Handlers) -> dict[str, Handler]:
    """Undo, redo, find, and the program's own settings."""
    window = make.window
    return {
        "undo": make.of_project(lambda w: w.undo()),
        "redo": make.of_project(lambda w: w.redo()),
        "undo-act": make.of_project(lambda w: w.undo_act()),
        "redo-act": make.of_project(lambda w: w.redo_act()),
        "filter": make.of_project(lambda w: w.samples_panel.filter_edit.setFocus()),
        "palette": window.show_palette,
        "settings": lambda: show_settings(window).accepted.connect(window.take_settings),
    }


def _tool(make: _Handlers) -> dict[str, Handler]:
    """The tool in hand, and what it paints on."""
    return {
        "radius-down": make.of_project(lambda w: w.panes.change_radius(1 / RADIUS_STEP)),
        "radius-up": make.of_project(lambda w: w.panes.change_radius(RADIUS_STEP)),
        "mode": make.of_project(lambda w: w.panes.next_mode()),
        "ignore": make.of_switch(lambda w, is_on: w.set_ignoring(is_on)),
        "ignore-clear": make.of_project(lambda w: w.ignore_nothing()),
        **{f"tool-{one.name}": make.of_switch(partial(_take_tool, name=one.name)) for one in TOOLS},
        **{f"mask-{one.name}": make.of_project(partial(_operate, name=one.name)) for one in OPERATIONS},
    }


def _error(make: _Handlers) -> dict[str, Handler]:
    """From error to error, and what is decided about them."""
    return {
        "error-next": make.of_project(lambda w: w.walk.step(1)),
        "error-previous": make.of_project(lambda w: w.walk.step(-1)),
        "error-take": make.of_project(lambda w: w.walk.decide("take")),
        "error-keep": make.of_project(lambda w: w.walk.decide("keep")),
        "error-fill": make.of_project(lambda w: w.walk.decide("fill")),
        "error-erase": make.of_project(lambda w: w.walk.decide("erase")),
        "error-take-all": make.of_project(lambda w: w.walk.decide_all("take")),
        "error-keep-all": make.of_project(lambda w: w.walk.decide_all("keep")),
        "error-fill-all": make.of_project(lambda w: w.walk.decide_all("fill")),
        "error-erase-all": make.of_project(lambda w: w.walk.decide_all("erase")),
        "select-thing": make.of_project(lambda w: w.walk.select_thing()),
        "select-seen": make.of_project(lambda w: w.panes.select(w.panes.seen)),
        "select-all": make.of_project(lambda w: w.panes.select(w.panes.whole)),
        "deselect": make.of_project(lambda w: w.panes.selection.clear()),
        "error-go-on": make.of_switch(lambda w, is_on: w.set_going_on(is_on)),
    }


def _sample(make: _Handlers) -> dict[str, Handler]:
    """From sample to sample, and what is said about them."""
    return {
        "next": make.of_project(lambda w: w.samples_panel.step(1)),
        "previous": make.of_project(lambda w: w.samples_panel.step(-1)),
        "next-undecided": make.of_project(partial(_go_to_next, state=ReviewState.TODO)),
        "next-flagged": make.of_project(partial(_go_to_next, state=ReviewState.FLAGGED)),
        "comment": make.of_project(lambda w: w.write_comment()),
        "split-train": make.of_project(partial(_split, split=Split.TRAIN)),
        "split-val": make.of_project(partial(_split, split=Split.VAL)),
        "audit": make.of_project(lambda w: w.offer_audit()),
        "audit-finish": make.of_project(lambda w: w.audit.finish()),
        "audit-right": make.of_project(lambda w: w.audit.answer(is_right=True)),
        "audit-wrong": make.of_project(lambda w: w.audit.answer(is_right=False)),
        "audit-back": make.of_project(lambda w: w.audit.back()),
        **{name: make.of_project(partial(_judge, state=state)) for name, state in VERDICTS.items()},
    }


def _view(make: _Handlers) -> dict[str, Handler]:
    """What is shown, and how."""
    window = make.window
    return {
        "error-view": make.of_switch(lambda w, is_on: w.set_error_view(is_on)),
        "propose": make.of_switch(lambda w, is_on: w.set_proposing(is_on)),
        "verdict-go-on": make.of_switch(lambda w, is_on: w.set_verdicts_going_on(is_on)),
        "weights": make.of_switch(lambda w, is_on: w.show_weights(is_on)),
        "blink": make.of_switch(lambda w, is_on: w.panes.blink(is_on)),
        "blink-runs": make.of_switch(lambda w, is_on: w.beside.blink(is_on)),
        "original": make.of_switch(lambda w, is_on: w.show_original(is_on)),
        "disagreement": make.of_switch(lambda w, is_on: w.show_disagreement(is_on)),
        "swipe": make.of_switch(lambda w, is_on: w.show_swipe(is_on)),
        "threshold": make.of_switch(lambda w, is_on: w.show_threshold(is_on)),
        "test-figures": make.of_project(lambda w: w.show_test_figures()),
        "fit": make.of_project(lambda w: w.panes.fit()),
        "one-to-one": make.of_project(lambda w: w.panes.one_to_one()),
        "zoom-in": make.of_project(lambda w: w.panes.zoom_in()),
        "zoom-out": make.of_project(lambda w: w.panes.zoom_out()),
        "area-next": lambda: window.step_area(1),
        "area-previous": lambda: window.step_area(-1),
        "jobs": window.show_jobs,
        "problems": window.show_problems,
        "lint": window.show_lint,
        "readers": window.show_readers,
        "full-screen": lambda is_on: _fill_screen(window, is_on),
        **{f"pane-{name}": make.of_switch(partial(_show_pane, name=name)) for name in PANES},
    }


def _model(make: _Handlers) -> dict[str, Handler]:
    """Training and predicting."""
    window = make.window
    return {
        "train": make.of_project(lambda w: w.train()),
        "retrain": make.of_window(window.learning.retrain),
        "pause-training": make.of_project(lambda w: w.train_panel.toggle_pause()),
        "stop-training": make.of_project(lambda w: w.train_panel.stop()),
        "predict-current": make.of_window(window.learning.predict_current),
        "predict-filtered": make.of_window(window.learning.predict_filtered),
        "predict-all": make.of_window(window.learning.predict_all),
    }


def _help(make: _Handlers) -> dict[str, Handler]:
    """How the program is used."""
    window = make.window
    return {
        "keys": lambda: _show_keys(window),
        "change-keys": lambda: _show_key_editor(window),
        "about": lambda: show_about(window),
    }


def _show_keys(window: "Window") -> None:
    dialog = window.findChild(KeysDialog)
    if dialog is None:
        dialog = KeysDialog(window.actions_table, partial(_show_key_editor, window), window)
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()


def _show_key_editor(window: "Window") -> None:
    dialog = window.findChild(KeyEditorDialog) or KeyEditorDialog(window.actions_table, window)
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()


def _judge(workspace: Workspace, state: ReviewState) -> None:
    session, selection = workspace.session, workspace.panes.selection
    if not workspace.panes.finish_stroke():
        return  # the verdict would be on another mask than the person meant
    chosen = workspace.samples_panel.chosen_ids()
    session.decisions.set_states(chosen, state)
    if state is ReviewState.FLAGGED and not selection.is_empty and session.sample is not None:
        # Whoever comes later must know where to look.
        rect = selection.region.rect
        words = f"Look at x {rect.x} to {rect.right - 1}, y {rect.y} to {rect.bottom - 1}."
        session.decisions.add_comment(session.sample.id, words)
        selection.clear()
    if workspace.verdicts_go_on and state.is_decided and len(chosen) == 1 and not session.project.read_only:
        _go_to_next(workspace, ReviewState.TODO)


def _split(workspace: Workspace, split: Split) -> None:
    workspace.session.decisions.set_split(workspace.samples_panel.chosen_ids(), split)


def _show_pane(workspace: Workspace, is_shown: bool, name: PaneName) -> None:
    workspace.set_pane_visible(name, is_shown)


def _take_tool(workspace: Workspace, _is_on: bool, name: str) -> None:
    workspace.set_tool(name)


def _operate(workspace: Workspace, name: str) -> None:
    session, before = workspace.session, workspace.samples_panel.sample_before()
    previous: Callable[[], Mask] | None = None
    if before is not None and session.is_ignoring:
        previous = partial(_ignored, session, session.project.samples.get(before))
    elif before is not None:
        unsaved = session.autosave.unsaved_document(before)
        if unsaved is not None:
            snapshot = unsaved.snapshot()
            previous = lambda: snapshot.mask  # noqa: E731 - the mask as it is now, wherever it is read
        else:
            previous = partial(session.project.masks.load, session.project.samples.get(before))
    workspace.panes.operate(name, previous)


_NONE_LEFT = {
    ReviewState.TODO: "Every sample of this list has a verdict.",
    ReviewState.FLAGGED: "No other sample of this list is flagged.",
}


def _ignored(session: Session, sample: Sample) -> Mask:
    """What is ignored on a sample, as its file has it."""
    region = session.project.ignored.load(sample)
    return np.zeros((sample.height, sample.width), np.uint8) if region is None else region


def _go_to_next(workspace: Workspace, state: ReviewState) -> None:
    if not workspace.samples_panel.go_to_next(state):
        workspace.banner.tell(_NONE_LEFT[state], kind="info", topic="refused")


def _fill_screen(window: "Window", is_on: bool) -> None:
    """Take all of the screen, or what the window had before: it may have been maximized."""
    state, full = window.windowState(), Qt.WindowState.WindowFullScreen
    window.setWindowState(state | full if is_on else state & ~full)


def _begin_from(window: "Window", source: Path | None) -> None:
    if source is not None:
        window.new_project(source)


def _open(window: "Window") -> None:
    folder = files.choose_project(window)
    if folder is not None:
        window.open_path(folder)


def _make_demo(window: "Window") -> None:
    folder = files.choose_demo_folder(window)
    if folder is not None:
        window.attempt(lambda: window.learning.make_demo(folder))
        window.show_jobs(True)


def _export(window: "Window") -> None:
    folder = files.choose_export_folder(window)
    if folder is not None:
        window.learning.export_masks(folder)


def _export_volumes(window: "Window") -> None:
    folder = files.choose_export_folder(window)
    if folder is not None:
        window.learning.export_masks(folder, are_volumes=True)


def _export_predictions(window: "Window", workspace: Workspace) -> None:
    folder = files.choose_export_folder(window)
    if folder is not None:
        window.learning.export_masks(folder, are_volumes=workspace.has_volumes, are_predictions=True)


def _export_dataset(window: "Window", workspace: Workspace) -> None:
    from segstudio.ui.dialogs.export_dataset import ExportDatasetDialog

    def export(options: dict[str, Any]) -> None:
        window.attempt(lambda: window.learning.export_dataset(options))
        window.show_jobs(True)

    dialog = ExportDatasetDialog(workspace.session.project, workspace.samples_panel.filter_text, window)
    dialog.wanted.connect(export)
    dialog.show()


def _export_report(window: "Window") -> None:
    path = files.choose_report_file(window)
    if path is not None:
        window.learning.export_report(path)


def _export_bundle(window: "Window") -> None:
    window.learning.require_reader()  # before anybody chooses a file in vain
    file = files.choose_bundle_file(window)
    if file is not None:
        file.unlink(missing_ok=True)  # the desktop's dialog has asked whether to replace it
        window.learning.export_bundle(file)


def _import_bundle(window: "Window") -> None:
    file = files.choose_bundle(window)
    if file is not None:
        window.learning.import_bundle(file)


def _check(window: "Window") -> None:
    window.learning.check()
    window.show_jobs(True)
