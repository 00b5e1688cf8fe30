"""Problems: each file that could not be used, with the reason; the Problems panel lists them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segstudio.project.clock import now

if TYPE_CHECKING:
    from segstudio.project.project import Project


@dataclass(frozen=True, slots=True)
class Problem:
    """One file that could not be used.

    Attributes:
        path: The file, as a path below the source or below the project.
        reason: What is wrong with it.
        sample_id: The sample that cannot be used for it, or None.
    """

    path: str
    reason: str
    sample_id: int | None = None


class Problems:
    """What is wrong with the project's files, as far as it is known."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def list(self) -> list[Problem]:
        """All problems: of samples first, in the order of names, then of other files."""
        rows = self._project.database.rows(
            "SELECT image, problem, id FROM sample WHERE problem <> '' ORDER BY position"
        )
        others = self._project.database.rows("SELECT path, reason, NULL FROM problem ORDER BY path, reason")
        return [Problem(*row) for row in rows + others]

    def add(self, path: str, reason: str) -> None:
        """Remember a file that is no sample's; once is enough."""
        self.extend([(path, reason)])

    def extend(self, problems: Iterable[tuple[str, str]]) -> None:
        """Remember several (path, reason)."""
        created = now()
        with self._project.transaction("problems") as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO problem VALUES (?, ?, ?)",
                [(storable(path), storable(reason), created) for path, reason in problems],
            )

    def remove(self, path: str) -> None:
        """Forget what was wrong with a file."""
        with self._project.transaction("problems") as connection:
            connection.execute("DELETE FROM problem WHERE path = ?", (storable(path),))

    def clear(self) -> None:
        """Forget everything but the samples' own problems."""
        with self._project.transaction("problems") as connection:
            connection.execute("DELETE FROM problem")


def storable(text: str) -> str:
    """The text with what UTF-8 has no word for (the broken bytes of a file name on Linux) spelt out."""
    return text.encode("utf-8", "backslashreplace").decode()
