"""TIFF."""

from typing import BinaryIO

from PIL import ExifTags, Image, TiffImagePlugin  # noqa: F401 - Pillow knows a decoder once it is imported

from segstudio.formats import FORMATS
from segstudio.formats.pillow import PillowFormat


@FORMATS.register
class Tiff(PillowFormat):
    """TIFF and BigTIFF with one page of 1 or 8 bits a channel."""

    name = "tiff"
    title = "TIFF"
    suffixes = (".tif", ".tiff")
    pillow_name = "TIFF"

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        """See ImageFormat."""
        # A DICOM file may begin with a TIFF header in its preamble.
        return head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) and head[128:132] != b"DICM"

    @classmethod
    def orientation_of_header(cls, picture: Image.Image, file: BinaryIO) -> int:  # noqa: ARG003
        """Always 1: for this format alone, Pillow turns size and pixels itself."""
        return 1

    @classmethod
    def is_upright(cls, file: BinaryIO) -> bool:
        """See ImageFormat; other programs than Pillow need not turn it."""
        with cls.open(file) as picture:
            return bool(picture.getexif().get(ExifTags.Base.Orientation, 1) in (None, 0, 1))
