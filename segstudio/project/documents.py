"""Documents: the mask of a sample opened for painting, and saved again.

In the window, painting goes on while a background thread saves:

    opened = open_document(project, sample)             anywhere, but a document belongs to one thread from then on
    snapshot = opened.document.snapshot()               the thread of the document: a copy, milliseconds
    save_snapshot(project, sample.id, opened.document.journal, snapshot)      a background thread, one after the other
    opened.document.saved(snapshot)                     the thread of the document: `is_saved` speaks of what was saved
    close_document(opened.document)                     after the last save is done; before the sample is opened again
"""

from pathlib import Path
from typing import NamedTuple

from segstudio.core.document import Document, JournalSink, Snapshot
from segstudio.core.sample import Sample
from segstudio.project.journal import Journal, journal_path
from segstudio.project.project import Project


class OpenedDocument(NamedTuple):
    """A document, and what was wrong with its journal.

    Attributes:
        document: Ready to paint on; not `is_saved` when a crash had left changes that are only in the journal.
        notes: Path and reason, for the Problems panel.
    """

    document: Document
    notes: list[tuple[Path, str]]


def open_document(project: Project, sample: Sample) -> OpenedDocument:
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


def save_snapshot(project: Project, sample_id: int, journal: JournalSink | None, snapshot: Snapshot) -> Sample:
    """Put a snapshot into the mask file, from any thread.

    Returns:
        The sample as it is now in the index.

    Raises:
        OSError: When the mask cannot be written; the old file is then as before, and the journal keeps the changes.
        ReadOnlyProject: When the project is not to be changed.
    """
    if not isinstance(journal, Journal):
        return project.masks.save(sample_id, snapshot.mask)
    mark = journal.before_save(snapshot.mask, snapshot.position)
    sample = project.masks.save(sample_id, snapshot.mask)
    journal.after_save(mark)
    return sample


def save_document(project: Project, sample: Sample, document: Document) -> Sample:
    """Save at once, in the thread of the document; see `save_snapshot`."""
    snapshot = document.snapshot()
    saved = save_snapshot(project, sample.id, document.journal, snapshot)
    document.saved(snapshot)
    return saved


def close_document(document: Document) -> None:
    """Let go of the journal; the document is not to be changed any more."""
    if isinstance(document.journal, Journal):
        document.journal.close()
