"""A signal without Qt: the observers of one object, called in the same thread and in order."""

from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Signal(Generic[P]):
    """Observers that are called with the same arguments at every `emit`."""

    def __init__(self) -> None:
        self._observers: list[Callable[P, object]] = []

    def connect(self, observer: Callable[P, object]) -> Callable[[], None]:
        """Call `observer` at every emit from now on; returns a function that disconnects it (harmless if twice)."""
        self._observers.append(observer)

        def disconnect() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return disconnect

    def emit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every observer; an observer that raises stops the rest, because that is a bug to be seen."""
        for observer in tuple(self._observers):
            observer(*args, **kwargs)
