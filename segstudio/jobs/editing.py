"""Editing: what jobs that change masks or verdicts must be sure of first."""

import contextlib
from collections.abc import Iterator

from segstudio.core.errors import UserError
from segstudio.project.project import Project, editor_lock


@contextlib.contextmanager
def refuse_beside_a_window(project: Project) -> Iterator[None]:
    """Be the only one who edits the project: a window would not know that a mask it shows has become another.

    Raises:
        UserError: When a window has it open for editing.
    """
    lock = editor_lock(project.folder)
    if lock is None:
        raise UserError(f"{project.folder} is open for editing in a window", "do it there, or close it first")
    try:
        yield
    finally:
        lock.release()
