"""PNM: the portable bitmap, greymap and pixmap."""

from segstudio.formats import FORMATS
from segstudio.formats.pillow import PillowFormat


@FORMATS.register
class Pnm(PillowFormat):
    """PBM, PGM and PPM, as text or binary."""

    name = "pnm"
    title = "PNM"
    suffixes = (".pbm", ".pgm", ".ppm", ".pnm")
    pillow_name = "PPM"

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        """See ImageFormat."""
        return head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace()
