"""JPEG 2000."""

from PIL import Jpeg2KImagePlugin  # noqa: F401 - Pillow knows a decoder once it is imported

from segstudio.formats import FORMATS
from segstudio.formats.pillow import PillowFormat


@FORMATS.register
class Jpeg2000(PillowFormat):
    """JPEG 2000, as a file or a bare stream."""

    name = "jpeg2000"
    title = "JPEG 2000"
    suffixes = (".jp2", ".j2k", ".jpx", ".j2c", ".jpf")
    is_lossy = True
    pillow_name = "JPEG2000"

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        """See ImageFormat."""
        return head.startswith((b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  \r\n\x87\n"))
