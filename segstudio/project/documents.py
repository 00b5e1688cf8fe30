"""Documents: the mask of a sample opened for painting, and saved again.

In the window, painting goes on while a background thread saves:

    opened = open_document(project, sample)             anywhere, but a document belongs to one thread from then on
    snapshot = opened.document.snapshot()               the thread of the document: a copy, milliseconds
    save_snapshot(project, sample.id, opened.document.journal, snapshot)      a background thread, one after the other
    opened.document.saved(snapshot)                     the thread of the document: `is_saved` speaks of what was saved
    close_document(opened.document)                     after the last save is done; before the sample is opened again
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from segstudio.core.document import Document, JournalSink, Snapshot
from segstudio.core.mask import Mask
from segstudio.core.sample import Sample
from segstudio.project.journal import Journal, journal_path

if TYPE_CHECKING:
    from segstudio.project.project import Project


class OpenedDocument(NamedTuple):
    """A document, and what was wrong with its journal.

    Attributes:
        document: Ready to paint on; not `is_saved` when a crash had left changes that are only in the journal.
        notes: Path and reason, for the Problems panel.
    """

    document: Document
    notes: list[tuple[Path, str]]


def open_document(project: "Project", sample: Sample) -> OpenedDocument:
    """The current mask of a sample, with all changes that its journal holds beyond the mask file.

    In a read-only project nothing is written, and nothing that is painted is kept.

    Raises:
        BadImage: When the mask cannot be read; it never silently becomes an empty one.
        UserError: When the journal cannot be read.
        RuntimeError: When the sample is open already.
    """
    path = journal_path(project.folder / "journal", sample.stem)
    mask = project.masks.take(sample)
    opened = Journal.open(path, mask, is_read_only=project.read_only)
    document = Document(opened.mask, opened.history, opened.journal, is_saved=opened.replayed == 0)
    return OpenedDocument(document, [] if opened.note is None else [(path, opened.note)])


def open_ignored(project: "Project", sample: Sample) -> OpenedDocument:
    """The ignored region of a sample as a document of its own, with its own journal and history; see `open_document`.

    Raises:
        BadImage: When the file cannot be read.
        UserError: When the journal cannot be read.
        RuntimeError: When it is open already.
    """
    path = journal_path(project.folder / "journal-ignored", sample.stem)
    region = project.ignored.load(sample)
    if region is None:
        region = np.zeros((sample.height, sample.width), np.uint8)
    opened = Journal.open(path, region, is_read_only=project.read_only)
    document = Document(opened.mask, opened.history, opened.journal, is_saved=opened.replayed == 0)
    return OpenedDocument(document, [] if opened.note is None else [(path, opened.note)])


def save_ignored(project: "Project", sample_id: int, journal: JournalSink | None, snapshot: Snapshot) -> None:
    """Put a snapshot of a document of `open_ignored` into its file, from any thread; see `save_snapshot`."""
    if not isinstance(journal, Journal):
        project.ignored.save(sample_id, snapshot.mask)
        return
    mark = journal.before_save(snapshot.mask, snapshot.position)
    project.ignored.save(sample_id, snapshot.mask)
    journal.after_save(mark)


def save_snapshot(project: "Project", sample_id: int, journal: JournalSink | None, snapshot: Snapshot) -> Sample:
    """Put a snapshot into the mask file, from any thread; when all edits were undone, the sample is as before them.

    Returns:
        The sample as it is now in the index.

    Raises:
        OSError: When the mask cannot be written; the old file is then as before, and the journal keeps the changes.
        ReadOnlyProject: When the project is not to be changed.
    """
    if not isinstance(journal, Journal):
        return project.masks.save(sample_id, snapshot.mask, may_go_back=True)
    mark = journal.before_save(snapshot.mask, snapshot.position)
    sample = project.masks.save(sample_id, snapshot.mask, may_go_back=True)
    journal.after_save(mark)
    return sample


def put_mask(project: "Project", sample: Sample, mask: Mask, title: str) -> Sample:
    """Make `mask` the current one of a sample that is not open, as one step of its history when it has one."""
    return _put(project, sample, mask, title, lambda: project.masks.save(sample.id, mask))


def put_revision(project: "Project", sample: Sample, number: int) -> Sample:
    """Make a kept revision the current one again; see `Masks.put_back`. The sample must not be open.

    A sample that never had a mask and gets rid of the one that somebody took as a whole is as before it was opened:
    it has no history.

    Raises:
        BadImage: When that revision cannot be read any more.
        RuntimeError: When the sample is open and has a journal.
    """

    def write() -> Sample:
        project.masks.put_back(sample.id, number)
        return project.samples.get(sample.id)

    if number == 0 and sample.truth is None and _is_first_step(project, sample):
        # Before the mask goes: a journal of strokes on a mask that is no more would be put aside as out of date.
        journal_path(project.folder / "journal", sample.stem).unlink()
        return write()
    return _put(project, sample, project.masks.load_revision(sample, number), revision_title(number), write)


def _is_first_step(project: "Project", sample: Sample) -> bool:
    """Whether all that was ever done to the mask of a sample that is not open is one edit."""
    if not journal_path(project.folder / "journal", sample.stem).is_file():
        return False
    document = open_document(project, sample).document
    try:
        return len(document.history.past) == 1 and not document.history.future
    finally:
        close_document(document)


def revision_title(number: int) -> str:
    """What taking a revision is called in the history of a sample."""
    return f"Revision {number}"


def _put(project: "Project", sample: Sample, mask: Mask, title: str, write: Callable[[], Sample]) -> Sample:
    """Write a mask file, and tell the journal of it, if there is one: else it would be put aside as out of date."""
    if not journal_path(project.folder / "journal", sample.stem).is_file():
        return write()
    document = open_document(project, sample).document
    try:
        document.replace(mask, title)
        if not isinstance(document.journal, Journal):
            return write()
        mark = document.journal.before_save(mask)
        saved = write()
        document.journal.after_save(mark)
        return saved
    finally:
        close_document(document)


def take_back(project: "Project", sample: Sample, mask: Mask, title: str) -> None:
    """Undo a `put_mask` or `put_revision` of which the index knows nothing: its transaction did not come to its end.

    Does nothing where that has left no trace. The sample must not be open.

    Args:
        project: Open for writing.
        sample: Which was to have another mask.
        mask: That mask.
        title: What the step is called in its history.

    Raises:
        BadImage: When the mask from before cannot be read any more.
        RuntimeError: When the sample is open and has a journal.
    """
    path = journal_path(project.folder / "journal", sample.stem)
    if not path.is_file():
        project.masks.take_back(sample, mask)
        return
    opened = Journal.open(path, project.masks.on_disk(sample))
    assert opened.journal is not None
    document = Document(opened.mask, opened.history, opened.journal)
    try:
        is_begun = opened.replayed > 0 or project.masks.is_ahead(sample, mask)
        if is_begun and document.history.undo_label == title and np.array_equal(document.mask, mask):
            document.undo()
            mark = opened.journal.before_save(document.mask)
            project.masks.take_back(sample, mask)
            opened.journal.after_save(mark)
        else:
            project.masks.take_back(sample, mask)
    finally:
        close_document(document)


def save_document(project: "Project", sample: Sample, document: Document) -> Sample:
    """Save at once, in the thread of the document; see `save_snapshot`."""
    snapshot = document.snapshot()
    saved = save_snapshot(project, sample.id, document.journal, snapshot)
    document.saved(snapshot)
    return saved


def close_document(document: Document) -> None:
    """Let go of the journal; the document is not to be changed any more."""
    if isinstance(document.journal, Journal):
        document.journal.close()
