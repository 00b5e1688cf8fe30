"""Split folders: train/, val/ and test/, each with images/ and masks/."""

from pathlib import PurePosixPath
from typing import ClassVar

from segstudio.dataset_formats import DATASET_FORMATS, Exported
from segstudio.dataset_formats.folders import Folders


@DATASET_FORMATS.register
class SplitFolders(Folders):
    """As `folders`, with the split in the path."""

    name: ClassVar[str] = "split-folders"
    title: ClassVar[str] = "Folders train, val, test"
    help: ClassVar[str] = "For training scripts that read each split from a folder of its own."

    def _place(self, one: Exported, folder: str, suffix: str) -> PurePosixPath:
        return PurePosixPath(one.split, folder, f"{one.stem}{suffix}")
