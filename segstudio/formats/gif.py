"""GIF: some datasets keep their masks in it."""

from segstudio.formats import FORMATS
from segstudio.formats.pillow import PillowFormat


@FORMATS.register
class Gif(PillowFormat):
    """A GIF with one picture."""

    name = "gif"
    title = "GIF"
    suffixes = (".gif",)
    pillow_name = "GIF"

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        """See ImageFormat."""
        return head.startswith((b"GIF87a", b"GIF89a"))
