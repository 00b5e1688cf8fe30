"""Pages made from templates."""

import jinja2
import pytest

from segstudio.core.files import resource
from segstudio.core.page import rendered, shown


def test_a_figure_as_pages_have_it() -> None:
    assert shown(0.123456) == "0.1235"
    assert shown(0.5, 2) == "0.50"
    assert shown(None) == "–"


@pytest.mark.parametrize("path", sorted(resource("report").glob("*.html.jinja")), ids=lambda path: path.name)
def test_what_a_template_names_and_nobody_gives_is_an_error(path) -> None:
    with pytest.raises(jinja2.UndefinedError):
        rendered(path.name.removesuffix(".html.jinja"))
