"""Wording: one of something is one, and rates are written in one way everywhere."""

import re
from pathlib import Path

import pytest

import segstudio
from segstudio.core.wording import count_text, rate_text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs"), (12_345, "12\u202f345 epochs")]
)
def test_one_is_one(count: int, text: str) -> None:
    assert count_text(count, "epoch") == text


def test_irregular_words_are_given() -> None:
    assert [count_text(count, "copy", "copies") for count in (1, 2)] == ["1 copy", "2 copies"]


@pytest.mark.parametrize(
    ("rate", "text"), [(1e-6, "1e-6"), (1e-5, "1e-5"), (3.3333333e-4, "0.000333333"), (0.001, "0.001"), (1.0, "1")]
)
def test_rates_are_written_as_the_window_writes_them(rate: float, text: str) -> None:
    assert rate_text(rate) == text


def test_no_sentence_writes_a_rate_or_epochs_in_its_own_way() -> None:
    folder = Path(segstudio.__file__).parent
    found = [
        f"{path.relative_to(folder)}: {line.strip()}"
        for path in sorted(folder.rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"\{[^{}]*rate[^{}]*:g\}|\{[^{}]*epochs[^{}]*\} epochs", line)
    ]
    assert found == []
