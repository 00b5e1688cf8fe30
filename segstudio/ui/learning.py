"""Learning: the jobs that the window asks for, and what follows from them: from Retrain to what changed most."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from segstudio.core.errors import UserError
from segstudio.core.wording import count_text
from segstudio.jobs.challenge import with_outcome
from segstudio.ui.banner import Kind
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState, trouble_of
from segstudio.ui.panels.steering import TRAIN_ON, can_go_on, epochs_words
from segstudio.ui.workspace import Workspace

EXPORTED = {
    "export-model": "The model", "export-masks": "The masks", "export-dataset": "The dataset",
    "export-bundle": "The bundle",
}  # fmt: skip
"""What each job writes for other programs and people."""

LOST_TOLD = "lost_told"
"""The project's setting that keeps which broken-off training has been told of: [run, epochs]."""


class Learning(QObject):
    """Joins the jobs of learning to the open project.

    Attributes:
        bundle_imported: Told the result of importing another reader's masks.
        demo_made: Told the folders of the demo projects and the image that the first one's run is worst at.
    """

    demo_made = Signal(object, str)
    bundle_imported = Signal(object)

    def __init__(self, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._workspace: Workspace | None = None
        self._retraining: str | None = None
        self._meeting: str | None = None
        self._predicting: str | None = None
        self._demo: str | None = None
        self._importing: str | None = None
        self._reporting: str | None = None
        queue.ended.connect(self._take_end)

    def serve(self, workspace: Workspace | None) -> None:
        """Work on this project from now on."""
        self._workspace = workspace
        if workspace is not None:
            workspace.predictions_wanted.connect(self.predict_all)
            _tell_of_lost(workspace)
        self._retraining = self._predicting = self._meeting = None

    def retrain(self) -> None:
        """Learn from all masks that a person vouches for, then predict, then show what changed most.

        Raises:
            UserError: When something is not saved, or there is nothing to learn from.
        """
        workspace = self._saved_workspace()
        workspace.show_training()
        self._retraining = workspace.train_panel.retrain().id

    def predict_current(self) -> None:
        """Ask the best run about the samples that are selected, or the one on screen."""
        ids = self._saved_workspace().samples_panel.chosen_ids()
        if ids:
            self._predict(
                {"samples": ids},
                "Predict this sample" if len(ids) == 1 else f"Predict {count_text(len(ids), 'sample')}",
            )

    def predict_filtered(self) -> None:
        """Ask the best run about the samples of the list."""
        text = self._saved_workspace().samples_panel.filter_text
        self._predict({"filter": text}, f"Predict {text}" if text else "Predict all samples")

    def predict_all(self) -> None:
        """Ask the best run about every sample."""
        self._saved_workspace()
        self._predict({}, "Predict all samples")

    def _predict(self, options: dict[str, object], title: str) -> JobRecord:
        return self._queue.submit("predict", options, title)

    def _saved_workspace(self) -> Workspace:
        workspace = self._workspace
        if workspace is None:
            raise UserError("no project is open")
        if not workspace.panes.finish_stroke():
            raise UserError(
                "the last change of the mask takes too long to compute and was not made",
                "make it again and wait for it, then try again",
            )
        if not workspace.session.save_now(wait=True):
            raise UserError(
                f"the last strokes are not saved: {workspace.session.save_reason}",
                "a job would not see them; make room, then try again",
            )
        return workspace

    def _take_end(self, record: JobRecord) -> None:
        if record.id == self._demo:
            self._demo = None
            made = record.result.get("projects") or []
            if record.state is JobState.FINISHED and made:
                self.demo_made.emit([Path(one["project"]) for one in made], made[0]["worst"])
            return
        if record.id == self._reporting:
            self._reporting = None
            if record.state is JobState.FINISHED:
                self._show_report(Path(record.result["path"]))
            return
        workspace = self._workspace
        if workspace is None or record.project != workspace.session.project.folder:
            return
        if record.state is JobState.FINISHED and record.job in EXPORTED:
            _tell_export(workspace, record)
        if record.state is JobState.FINISHED and record.job in ("train", "challenge"):
            self._tell_verdict(workspace, record)
        if record.id in (self._retraining, self._meeting):
            is_met = record.id == self._meeting or not self._has_to_meet(record)
            self._retraining = None
            if is_met:
                self._meeting = None
            # With a challenger that lost nothing is predicted: the champion's predictions stay.
            if record.state is JobState.FINISHED and is_met and not _is_beaten(record):
                self._predicting = self._predict({"run": "last"}, "Predict with the new run").id
        elif record.id == self._importing:
            self._importing = None
            if record.state is JobState.FINISHED:
                workspace.samples_panel.set_sort("iou")
                self.bundle_imported.emit(record.result)
        elif record.id == self._predicting:
            self._predicting = None
            if record.state is JobState.FINISHED:
                workspace.samples_panel.set_sort("changed")
                workspace.samples_panel.select_first()

    def _show_report(self, path: Path) -> None:
        """Open the report in the browser; where that does not answer, say where the file is."""
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))) and self._workspace is not None:
            self._workspace.banner.tell(
                f"The report is written: {path}", "No browser answered: open the file yourself.", kind="info"
            )

    def _has_to_meet(self, record: JobRecord) -> bool:
        """Whether a training was stopped before its run met the champion."""
        result = record.result
        is_stopped = record.job == "train" and result.get("status") == "stopped"
        return is_stopped and result.get("champion") not in (None, result.get("run"))

    def _tell_verdict(self, workspace: Workspace, record: JobRecord) -> None:
        """Say who is champion now, and why, with what can be done about it.

        A training that was stopped has not met the champion: the person stopped that, and not what follows from it.
        """
        result = record.result
        if self._has_to_meet(record):
            run = int(result["run"])
            meeting = self._queue.submit(
                "challenge", {"run": str(run)}, f"Run {run:04} meets the champion", record.project
            )
            if record.id == self._retraining:
                self._meeting = meeting.id
            return
        if rebuilt := result.get("rebuilt"):
            kind: Kind = "info" if rebuilt["is_same"] else "warn"
            workspace.banner.tell(rebuilt["words"], kind=kind, topic="champion")
        met = result if record.job == "challenge" else result.get("meeting")
        if met is None:
            return
        run, panel = int(met["run"]), workspace.runs_panel
        look = ("See the meeting", "Which images got worse, and by how much", lambda: workspace.show_meeting(run))
        other = ("Promote all the same", "Make it the champion although it lost", lambda: panel.promote_run(run))
        if met["is_promoted"]:
            other = ("Roll back", "Give the title back to the champion before", panel.roll_back)
        hint = f"{count_text(len(met['worse']), 'image')} got worse, {met['better']} better."
        kind = "info" if met["is_promoted"] else "warn"
        workspace.banner.tell(with_outcome(met), hint, kind=kind, topic="champion", buttons=(look, other))

    def export_masks(self, folder: Path, *, are_volumes: bool = False, are_predictions: bool = False) -> JobRecord:
        """Copy all masks into a folder, and what is ignored, when anything is, into one beside it.

        Args:
            folder: Where to.
            are_volumes: Whether the masks of slices are put together again, as the volumes lay.
            are_predictions: Whether what the shown run predicts is written in their place.
        """
        self._saved_workspace()
        options = {"to": str(folder), "ignored": str(folder.with_name(f"{folder.name}-ignored"))}
        options |= {"format": "volumes"} if are_volumes else {}
        options |= {"of": "predictions"} if are_predictions else {}
        return self._queue.submit("export-masks", options, "Export masks")

    def export_dataset(self, options: dict[str, Any]) -> JobRecord:
        """Write images and masks as another program wants them; `options` are those of the job."""
        self._saved_workspace()
        return self._queue.submit("export-dataset", options, "Export dataset")

    def export_report(self, path: Path) -> JobRecord:
        """Write a report, and show it in the browser as soon as it is there.

        Beside the best and the worst it shows the samples that are selected, when there are several, and those of the
        filter, when there is one.
        """
        panel = self._saved_workspace().samples_panel
        selected = panel.chosen_ids()
        options: dict[str, object] = {"to": str(path), "chosen": panel.filter_text}
        if len(selected) > 1:
            options["samples"] = selected
        record = self._queue.submit("export-report", options, "Export report")
        self._reporting = record.id
        return record

    def require_reader(self) -> str:
        """Who packs a bundle of the open project.

        Raises:
            UserError: When nobody has said so.
        """
        reviewer = "" if self._workspace is None else self._workspace.session.project.reviewer
        if not reviewer:
            raise UserError("a bundle bears the name of its reader", "write yours in Edit ▸ Settings, Reviewer")
        return reviewer

    def export_bundle(self, file: Path) -> JobRecord:
        """Pack masks, verdicts and comments for another reader.

        Raises:
            UserError: When nobody has said whose they are.
        """
        self._saved_workspace()
        reviewer = self.require_reader()
        return self._queue.submit("export-bundle", {"to": str(file), "reviewer": reviewer}, "Export for another reader")

    def import_bundle(self, file: Path) -> JobRecord:
        """Take another reader's masks in; `bundle_imported` is told when they are there."""
        self._saved_workspace()
        record = self._queue.submit("import-bundle", {"file": str(file)}, f"Import {file.name}")
        self._importing = record.id
        return record

    def check(self) -> JobRecord:
        """Verify every file of the project."""
        self._saved_workspace()
        return self._queue.submit("check", {}, "Check project")

    def make_demo(self, folder: Path) -> JobRecord:
        """Make projects of generated pictures in a new or empty folder."""
        record = self._queue.submit("demo", {}, "Demo projects", folder)
        self._demo = record.id
        return record


def _tell_export(workspace: Workspace, record: JobRecord) -> None:
    """Say where what was exported lies, and lead there."""
    result = record.result
    path = Path(result.get("path") or result["to"])
    folder = path if path.is_dir() else path.parent
    hint = ""
    if record.job == "export-model":
        scripts = "predict.py shows its use" + (", finetune.py trains it on" if result.get("tuning") else "")
        hint = f"Largest difference from the network: {result['max_difference']:.1e}. Beside it, {scripts}."

    def open_folder() -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    button = ("Open folder", "Show it in the file manager", open_folder)
    words = f"{EXPORTED[record.job]} {'are' if record.job == 'export-masks' else 'is'} written: {path}"
    workspace.banner.tell(words, hint, kind="info", topic="export", buttons=(button,))


def _tell_of_lost(workspace: Workspace) -> None:
    """Say once that the last training was broken off with its process, and that it can go on."""
    project = workspace.session.project
    run = project.runs.latest()
    if project.read_only or run is None or run.status != "lost":
        return
    if project.settings.get(LOST_TOLD) == (told := [run.id, run.epochs]):
        return
    workspace.session.remember(LOST_TOLD, told)
    message = f"The training of run {run.name} was broken off "
    hint = "Its process ended, most often with the machine or for want of memory; "
    buttons: list[tuple[str, str, Callable[[], object]]] = []
    if can_go_on(run):
        message, hint = f"{message}after {epochs_words(run)}.", f"{hint}none of these epochs is lost."
        buttons = [("Train on", TRAIN_ON, lambda: _train_on(workspace))]
    else:
        message, hint = f"{message}before its first epoch was done.", f"{hint}start it again."
    workspace.banner.tell(message, hint, topic=trouble_of("train"), buttons=buttons)


def _train_on(workspace: Workspace) -> None:
    workspace.show_training()
    workspace.train_panel.extend.ask()


def _is_beaten(record: JobRecord) -> bool:
    """Whether the run of a job is not the champion after it."""
    result = record.result
    if record.job == "challenge":
        return not result.get("is_promoted")
    return result.get("champion") not in (None, result.get("run"))
