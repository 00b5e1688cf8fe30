"""WebP."""

from PIL import WebPImagePlugin  # noqa: F401 - Pillow knows a decoder once it is imported

from segstudio.formats import FORMATS
from segstudio.formats.pillow import PillowFormat


@FORMATS.register
class WebP(PillowFormat):
    """WebP, with or without loss."""

    name = "webp"
    title = "WebP"
    suffixes = (".webp",)
    is_lossy = True
    pillow_name = "WEBP"

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        """See ImageFormat."""
        return head.startswith(b"RIFF") and head[8:12] == b"WEBP"
