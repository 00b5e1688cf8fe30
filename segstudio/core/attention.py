"""Attention: how long somebody has worked on each of several things, pauses left out.

It knows no clock: it is told the time.
"""

PAUSE = 30.0
"""Seconds after the last input at which somebody is taken to have stopped."""


class Attention:
    """Adds up seconds by what is being looked at.

    Time counts from an input until the next one, but no longer than PAUSE after the last; what comes after that is a
    pause and nobody's work.
    """

    def __init__(self) -> None:
        self._what: int | None = None
        self._since = 0.0
        self._last_input: float | None = None
        self._seconds: dict[int, float] = {}

    def turn_to(self, what: int | None, now: float) -> None:
        """Something else is looked at from now on; None is nothing that counts."""
        self._credit(now)
        self._what = what

    def take_input(self, now: float) -> None:
        """Somebody is there."""
        self._credit(now)
        self._last_input = now

    def leave(self, now: float) -> None:
        """Nobody is there until the next input."""
        self._credit(now)
        self._last_input = None

    def take(self, now: float) -> dict[int, float]:
        """The seconds by thing since this was asked last."""
        self._credit(now)
        taken, self._seconds = self._seconds, {}
        return taken

    def _credit(self, now: float) -> None:
        if self._what is not None and self._last_input is not None:
            spent = min(now, self._last_input + PAUSE) - self._since
            if spent > 0:
                self._seconds[self._what] = self._seconds.get(self._what, 0.0) + spent
        self._since = now
