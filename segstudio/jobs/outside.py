"""Where exports may go: never into the dataset, nor among the project's own files."""

from pathlib import Path

from segstudio.core.errors import UserError
from segstudio.project.project import Project


def folder_outside(project: Project, to: str) -> Path:
    """The folder that a person means, whether it is there or not.

    Raises:
        UserError: When none is named, it is a file, or it lies in the dataset or in the project.
    """
    if not to:
        raise UserError("export wants a folder to write to", "say it with --to")
    folder = Path(to).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file", "choose a folder")
    require_outside(project, folder)
    return folder


def require_outside(project: Project, path: Path) -> None:
    """Refuse a file or folder, whether it is there or not, that lies in the dataset or in the project.

    Raises:
        UserError: When it does.
    """
    for kept, word in ((project.source, "dataset"), (project.folder, "project")):
        if path.resolve().is_relative_to(kept.resolve()):
            raise UserError(f"{path} lies in the {word} itself", "choose a folder outside of it")
