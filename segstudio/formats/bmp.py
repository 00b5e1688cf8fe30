"""BMP."""

from segstudio.formats import FORMATS
from segstudio.formats.pillow import PillowFormat


@FORMATS.register
class Bmp(PillowFormat):
    """Windows bitmap."""

    name = "bmp"
    title = "BMP"
    suffixes = (".bmp", ".dib")
    pillow_name = "BMP"

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        """See ImageFormat."""
        return head.startswith(b"BM")
