"""Settings of one project: small JSON values by name."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segstudio.project.project import Project


class Settings:
    """Values that belong to the project and not to the person: its rule, its current run, the last options."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def get(self, name: str, default: Any = None) -> Any:
        """The value of that name, or `default`."""
        row = self._project.database.row("SELECT value FROM setting WHERE name = ?", (name,))
        return default if row is None else json.loads(row[0])

    def set(self, name: str, value: Any) -> None:
        """Store a plain JSON value."""
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        with self._project.transaction("settings") as connection:
            connection.execute(
                "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, text),
            )

    def all(self) -> dict[str, Any]:
        """Every setting."""
        rows = self._project.database.rows("SELECT name, value FROM setting ORDER BY name")
        return {name: json.loads(value) for name, value in rows}
