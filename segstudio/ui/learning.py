"""Learning: the jobs that the window asks for, and what follows from them: from Retrain to what changed most."""

from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from segstudio.core.errors import UserError
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.workspace import Workspace


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
        self._retraining = self._predicting = None

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
            self._predict({"samples": ids}, "Predict this sample" if len(ids) == 1 else f"Predict {len(ids)} samples")

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
                QDesktopServices.openUrl(QUrl.fromLocalFile(str(record.result["path"])))
            return
        workspace = self._workspace
        if workspace is None or record.project != workspace.session.project.folder:
            return
        if record.id == self._retraining:
            self._retraining = None
            if record.state is JobState.FINISHED:
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

    def export_masks(self, folder: Path) -> JobRecord:
        """Copy all masks into a folder."""
        self._saved_workspace()
        return self._queue.submit("export-masks", {"to": str(folder)}, "Export masks")

    def export_report(self, path: Path) -> JobRecord:
        """Write a report, and show it in the browser as soon as it is there."""
        self._saved_workspace()
        record = self._queue.submit("export-report", {"to": str(path)}, "Export report")
        self._reporting = record.id
        return record

    def export_bundle(self, file: Path) -> JobRecord:
        """Pack masks, verdicts and comments for another reader.

        Raises:
            UserError: When nobody has said whose they are.
        """
        workspace = self._saved_workspace()
        reviewer = workspace.session.project.reviewer
        if not reviewer:
            raise UserError("a bundle bears the name of its reader", "write yours in Edit ▸ Settings, Reviewer")
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
