"""Registry: a package whose modules are found by themselves, so that adding an entry is adding one file."""

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Generic, Protocol, TypeVar

from segstudio.core.errors import UserError


class Named(Protocol):
    """Anything with a `name` that is unique in its registry."""

    @property
    def name(self) -> str:  # a property, because that admits class variables too
        """What it is called on the command line, in settings and on the wire."""


T = TypeVar("T", bound=Named)
K = TypeVar("K")


class Registry(Generic[T]):
    """Classes of one kind by name, each from a module of one package.

    The modules are imported at the first look-up; a class registers itself when its module is imported:

        @TOOLS.register
        class Brush(Tool):
            name = "brush"

    Attributes:
        word: What an entry is called in messages, for example "tool".
    """

    def __init__(self, package: str, word: str) -> None:
        self.word = word
        self._package = package
        self._entries: dict[str, type[T]] = {}
        self._is_discovered = False
        self._discovering = threading.RLock()

    def register(self, entry: type[K]) -> type[K]:
        """Add a class; two of one name are a bug and raise ValueError."""
        name: str = entry.name  # type: ignore[attr-defined]
        if name in self._entries:
            raise ValueError(f"two {self.word}s are called {name!r}: {self._entries[name]} and {entry}")
        self._entries[name] = entry  # type: ignore[assignment]
        return entry

    def names(self) -> list[str]:
        """The names of all entries, sorted."""
        self._discover()
        return sorted(self._entries)

    def __getitem__(self, name: str) -> type[T]:
        """The class of that name; UserError with the nearest names when there is none."""
        self._discover()
        try:
            return self._entries[name]
        except KeyError:
            near = get_close_matches(name, self._entries, n=3) or self.names()
            raise UserError(f"there is no {self.word} called {name!r}", f"did you mean {', '.join(near)}?") from None

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._entries

    def __iter__(self) -> Iterator[type[T]]:
        return (self._entries[name] for name in self.names())

    def _discover(self) -> None:
        with self._discovering:
            if self._is_discovered:
                return
            self._is_discovered = True  # already: a module may look into its own registry while it is imported
            try:
                package = importlib.import_module(self._package)
                for module in pkgutil.iter_modules(package.__path__, f"{self._package}."):
                    importlib.import_module(module.name)
            except BaseException:
                self._is_discovered = False  # who asks next hears of it too, and not of a registry that lacks entries
                raise
