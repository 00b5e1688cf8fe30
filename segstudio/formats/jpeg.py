"""JPEG."""

from PIL import Image

from segstudio.formats import FORMATS
from segstudio.formats.pillow import PillowFormat


@FORMATS.register
class Jpeg(PillowFormat):
    """JPEG; of a file with several (a preview, a gain map) the first picture."""

    name = "jpeg"
    title = "JPEG"
    suffixes = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")
    is_lossy = True
    pillow_name = "JPEG"

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        """See ImageFormat."""
        return head.startswith(b"\xff\xd8\xff")

    @classmethod
    def refuse_pages(cls, picture: Image.Image) -> None:
        """Cameras append previews and gain maps to a JPEG; the first picture is the photo."""
