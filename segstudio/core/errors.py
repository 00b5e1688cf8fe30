"""The one error that is the world's fault; every other exception is a bug of ours."""

import errno


class UserError(Exception):
    """Something outside the program is wrong, and a person can mend it.

    Shown as a banner in the window, as `error: ...` and `hint: ...` on the command line, as a `failed` event on the
    wire. Never shown with a traceback.

    Attributes:
        message: What is wrong, with the name of the file or option.
        hint: What to do about it; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


def of_system(error: OSError) -> UserError | None:
    """What the operating system refused, in words; None when it was not the system (a resource of ours is missing).

    For those who run jobs: a full disk or a name that is too long may turn up anywhere.
    """
    if error.errno is None:
        return None
    reason = (error.strerror or str(error)).lower()
    where = f"{error.filename}: " if error.filename else ""
    return UserError(f"{where}{reason}", _HINTS.get(error.errno, ""))


_HINTS = {
    errno.ENOSPC: "free some space on the disk",
    errno.EDQUOT: "free some space on the disk",
    errno.EACCES: "check the permissions, and whether another program has it open",
    errno.EPERM: "check the permissions",
    errno.EROFS: "choose a place that can be written",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class BadImage(UserError):
    """An image or mask file that cannot be read, or says something impossible."""


class NotAProject(UserError):
    """A folder that holds no project, or one of another program."""


class ProjectTooNew(UserError):
    """A project written by a later version of SegStudio."""


class ReadOnlyProject(UserError):
    """A change was asked of a project that another window edits, or that lies on a read-only disk."""
