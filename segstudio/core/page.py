"""Pages: HTML files for people, each from a template in resources/report."""

from typing import Any

from segstudio.core.files import resource


def rendered(template: str, **content: Any) -> str:
    """A page with its content.

    Args:
        template: NAME of resources/report/NAME.html.jinja. Every template may call `shown`.
        content: All else that the template names; what it names and nobody gives raises jinja2.UndefinedError.
    """
    # Here, because the window imports every job, and this would cost it a tenth of a second at the first one.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(resource("report")), autoescape=True, undefined=StrictUndefined)
    environment.globals["shown"] = shown
    return environment.get_template(f"{template}.html.jinja").render(**content)


def shown(value: float | None, digits: int = 4) -> str:
    """A figure as pages have it; "–" where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"
