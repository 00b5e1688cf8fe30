"""PNG."""

import struct
from typing import BinaryIO

from PIL import Image

from segstudio.formats import FORMATS
from segstudio.formats.pillow import PillowFormat

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ORIENTING_TEXTS = (b"Raw profile type exif", b"XML:com.adobe.xmp")
"""Text chunks in which other programs keep EXIF or XMP."""


@FORMATS.register
class Png(PillowFormat):
    """PNG with up to 8 bits a channel."""

    name = "png"
    title = "PNG"
    suffixes = (".png", ".apng")
    pillow_name = "PNG"

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        """See ImageFormat."""
        return head.startswith(SIGNATURE)

    @classmethod
    def orientation_of_header(cls, picture: Image.Image, file: BinaryIO) -> int:
        """EXIF may lie behind the pixels, and Pillow decodes them to get there; so look first whether it is there."""
        return super().orientation_of_header(picture, file) if _has_exif(file) else 1


def _has_exif(file: BinaryIO) -> bool:
    """Whether any chunk may say how the picture lies, found by hopping from chunk to chunk."""
    position = file.tell()
    try:
        file.seek(len(SIGNATURE))
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            following = file.tell() + length + 4  # a checksum ends each chunk
            if kind == b"eXIf" or (kind in (b"tEXt", b"zTXt", b"iTXt") and file.read(32).startswith(ORIENTING_TEXTS)):
                return True
            file.seek(following)
        return False
    finally:
        file.seek(position)
