"""The one error that is the world's fault; every other exception is a bug of ours."""


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


class BadImage(UserError):
    """An image or mask file that cannot be read, or says something impossible."""


class NotAProject(UserError):
    """A folder that holds no project, or one of another program."""


class ProjectTooNew(UserError):
    """A project written by a later version of SegStudio."""


class ReadOnlyProject(UserError):
    """A change was asked of a project that another window edits, or that lies on a read-only disk."""
