"""How results are said to a person at a terminal."""

from typing import Any


def tell(text: str) -> None:
    """Write a line to standard output."""
    print(text)  # noqa: T201


def figure(value: float | None) -> str:
    """A number in four digits, or a dash."""
    return "–" if value is None else f"{value:.4g}"


def say_pairs(result: dict[str, Any], indent: str = "") -> None:
    """Name and value, a line each; long lists are left to --json."""
    for name, value in result.items():
        label = f"{indent}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            tell(f"{label}:")
            say_pairs(value, indent + "  ")
        elif isinstance(value, list):
            tell(f"{label}: {len(value)}")
            for one in value[:10]:
                words = ", ".join(map(_plain, one.values())) if isinstance(one, dict) else _plain(one)
                tell(f"{indent}  {words}")
            if len(value) > 10:
                tell(f"{indent}  ... and {len(value) - 10} more (see --json)")
        else:
            tell(f"{label}: {_plain(value)}")


def _plain(value: object) -> str:
    return figure(value) if value is None or isinstance(value, float) else str(value)


def say_table(rows: list[dict[str, Any]]) -> None:
    """Rows of equal keys as a table with aligned columns."""
    if not rows:
        tell("none")
        return
    cells = [[_plain(value) for value in row.values()] for row in rows]
    heads = [name.replace("_", " ") for name in rows[0]]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for line in (heads, *cells):
        tell("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
