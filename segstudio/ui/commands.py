"""What each command of the table in actions.py does to the window."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

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

RADIUS_STEP = 1.15
"""How much a press of a key changes the radius."""

VERDICTS = {
    "accept": ReviewState.ACCEPTED, "flag": ReviewState.FLAGGED, "reject": ReviewState.REJECTED,
    "todo": ReviewState.TODO,
}  # fmt: skip


def handlers_for(window: "Window") -> dict[str, Callable[..., Any]]:
    """A callable for each command; checkable ones take the new state. The project is looked up when they are called."""

    def of_workspace(work: Callable[[Workspace], Any]) -> Callable[[], None]:
        return lambda: window.in_workspace(work)

    def of_workspace_on(work: Callable[[Workspace, bool], Any]) -> Callable[[bool], None]:
        return lambda is_on: window.in_workspace(lambda workspace: work(workspace, is_on))

    def attempt(work: Callable[[], Any]) -> Callable[[], None]:
        return lambda: window.attempt(work)

    handlers: dict[str, Callable[..., Any]] = {
        "new-folder": lambda: _begin_from(window, files.choose_dataset_folder(window)),
        "new-archive": lambda: _begin_from(window, files.choose_archive(window)),
        "demo": partial(_make_demo, window),
        "open": partial(_open, window),
        "save": of_workspace(lambda w: w.session.save_now()),
        "export": attempt(partial(_export, window)),
        "export-dataset": of_workspace(partial(_export_dataset, window)),
        "export-report": attempt(partial(_export_report, window)),
        "check": attempt(partial(_check, window)),
        "close": window.leave_project,
        "quit": window.close,
        "undo": of_workspace(lambda w: w.undo()),
        "redo": of_workspace(lambda w: w.redo()),
        "undo-act": of_workspace(lambda w: w.undo_act()),
        "redo-act": of_workspace(lambda w: w.redo_act()),
        "filter": of_workspace(lambda w: w.samples_panel.filter_edit.setFocus()),
        "settings": lambda: show_settings(window).accepted.connect(window.take_settings),
        "radius-down": of_workspace(lambda w: w.panes.change_radius(1 / RADIUS_STEP)),
        "radius-up": of_workspace(lambda w: w.panes.change_radius(RADIUS_STEP)),
        "mode": of_workspace(lambda w: w.panes.next_mode()),
        "ignore": of_workspace_on(lambda w, is_on: w.set_ignoring(is_on)),
        "weights": of_workspace_on(lambda w, is_on: w.show_weights(is_on)),
        "ignore-clear": of_workspace(lambda w: w.ignore_nothing()),
        "next": of_workspace(lambda w: w.samples_panel.step(1)),
        "previous": of_workspace(lambda w: w.samples_panel.step(-1)),
        "next-undecided": of_workspace(partial(_go_to_next, state=ReviewState.TODO)),
        "next-flagged": of_workspace(partial(_go_to_next, state=ReviewState.FLAGGED)),
        "audit": of_workspace(lambda w: w.offer_audit()),
        "audit-finish": of_workspace(lambda w: w.audit.finish()),
        "audit-right": of_workspace(lambda w: w.audit.answer(is_right=True)),
        "audit-wrong": of_workspace(lambda w: w.audit.answer(is_right=False)),
        "audit-back": of_workspace(lambda w: w.audit.back()),
        "comment": of_workspace(lambda w: w.write_comment()),
        "split-train": of_workspace(partial(_split, split=Split.TRAIN)),
        "split-val": of_workspace(partial(_split, split=Split.VAL)),
        "error-next": of_workspace(lambda w: w.walk.step(1)),
        "error-previous": of_workspace(lambda w: w.walk.step(-1)),
        "error-take": of_workspace(lambda w: w.walk.decide("take")),
        "error-keep": of_workspace(lambda w: w.walk.decide("keep")),
        "error-fill": of_workspace(lambda w: w.walk.decide("fill")),
        "error-erase": of_workspace(lambda w: w.walk.decide("erase")),
        "error-take-all": of_workspace(lambda w: w.walk.decide_all("take")),
        "error-keep-all": of_workspace(lambda w: w.walk.decide_all("keep")),
        "error-fill-all": of_workspace(lambda w: w.walk.decide_all("fill")),
        "error-erase-all": of_workspace(lambda w: w.walk.decide_all("erase")),
        "select-thing": of_workspace(lambda w: w.walk.select_thing()),
        "select-seen": of_workspace(lambda w: w.panes.select(w.panes.seen)),
        "select-all": of_workspace(lambda w: w.panes.select(w.panes.whole)),
        "deselect": of_workspace(lambda w: w.panes.selection.clear()),
        "error-go-on": of_workspace_on(lambda w, is_on: w.set_going_on(is_on)),
        "error-view": of_workspace_on(lambda w, is_on: w.set_error_view(is_on)),
        "blink": of_workspace_on(lambda w, is_on: w.panes.blink(is_on)),
        "blink-runs": of_workspace_on(lambda w, is_on: w.beside.blink(is_on)),
        "disagreement": of_workspace_on(lambda w, is_on: w.show_disagreement(is_on)),
        "swipe": of_workspace_on(lambda w, is_on: w.show_swipe(is_on)),
        "threshold": of_workspace_on(lambda w, is_on: w.show_threshold(is_on)),
        "original": of_workspace_on(lambda w, is_on: w.show_original(is_on)),
        "fit": of_workspace(lambda w: w.panes.fit()),
        "one-to-one": of_workspace(lambda w: w.panes.one_to_one()),
        "zoom-in": of_workspace(lambda w: w.panes.zoom_in()),
        "zoom-out": of_workspace(lambda w: w.panes.zoom_out()),
        "jobs": window.show_jobs,
        "problems": window.show_problems,
        "lint": window.show_lint,
        "readers": window.show_readers,
        "export-bundle": attempt(partial(_export_bundle, window)),
        "import-bundle": attempt(partial(_import_bundle, window)),
        "full-screen": lambda is_on: window.showFullScreen() if is_on else window.showNormal(),
        "retrain": attempt(window.learning.retrain),
        "pause-training": attempt(of_workspace(lambda w: w.train_panel.toggle_pause())),
        "stop-training": attempt(of_workspace(lambda w: w.train_panel.stop())),
        "predict-current": attempt(window.learning.predict_current),
        "predict-filtered": attempt(window.learning.predict_filtered),
        "predict-all": attempt(window.learning.predict_all),
        "palette": window.show_palette,
        "keys": lambda: _show_keys(window),
        "change-keys": lambda: _show_key_editor(window),
        "about": lambda: show_about(window),
    }
    for name, state in VERDICTS.items():
        handlers[name] = of_workspace(partial(_judge, state=state))
    for name in PANES:
        handlers[f"pane-{name}"] = of_workspace_on(partial(_show_pane, name=name))
    for tool in TOOLS:
        handlers[f"tool-{tool.name}"] = of_workspace_on(partial(_take_tool, name=tool.name))
    for operation in OPERATIONS:
        handlers[f"mask-{operation.name}"] = of_workspace(partial(_operate, name=operation.name))
    return handlers


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
    session.set_states(workspace.samples_panel.chosen_ids(), state)
    if state is ReviewState.FLAGGED and not selection.is_empty and session.sample is not None:
        # Whoever comes later must know where to look.
        rect = selection.region.rect
        words = f"Look at x {rect.x} to {rect.right - 1}, y {rect.y} to {rect.bottom - 1}."
        session.add_comment(session.sample.id, words)
        selection.clear()


def _split(workspace: Workspace, split: Split) -> None:
    workspace.session.set_split(workspace.samples_panel.chosen_ids(), split)


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
        window.show_jobs(True)


def _export_bundle(window: "Window") -> None:
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
