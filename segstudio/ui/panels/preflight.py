"""What a pre-flight check has found: what stops a training, what may make it be in vain, and what it takes.

Nothing here decides: the panel asks whether a training may go on, and shows what this says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from segstudio.core.duration import duration
from segstudio.core.wording import count_text
from segstudio.ui.fold import Fold
from segstudio.ui.job_queue import JobRecord, JobState
from segstudio.ui.panels.findings import FindingsList
from segstudio.ui.widgets import muted, push_button

PASSED = "preflight_passed"
"""The project's setting that keeps the warnings which a person has passed over."""

NAMED = 5
"""So many samples are named in a tooltip."""


class PreflightBox(QWidget):
    """Findings as lines, a button to pass over warnings, and the decisions behind a fold; hidden until there is one.

    Signals:
        passed: The person wants to start in spite of the warnings.
    """

    passed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.findings = FindingsList()
        self.summary = muted(wraps=True)
        self.pass_button = push_button(
            "Start anyway", "Train in spite of these warnings; the same ones do not ask again", self.passed.emit
        )
        self.decisions = muted(wraps=True)
        self.decisions.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.fold = Fold("Decisions and why", self.decisions)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.findings)
        column.addWidget(self.pass_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.summary)
        column.addWidget(self.fold)
        self.clear()

    @property
    def texts(self) -> list[str]:
        """The findings as they are shown."""
        return [one.message for one in self.findings.findings]

    def clear(self) -> None:
        """Forget what was found."""
        self._show_findings(())
        self.hide()

    def show_result(self, result: Mapping[str, Any], *, is_asking: bool) -> None:
        """Show what a check has found.

        Args:
            result: Of the job preflight.
            is_asking: Whether a training waits for the person to pass over the warnings.
        """
        grave = [one for one in result["findings"] if one["severity"] != "fine"]
        self._show_findings(grave)
        self.pass_button.setVisible(is_asking)
        self.summary.setText(summary_of(result))
        self.summary.setToolTip("\n".join(one["text"] for one in result["findings"] if one["severity"] == "fine"))
        self.summary.setVisible(bool(self.summary.text()))
        chosen = [one for one in result["decisions"] if one["is_automatic"]]
        self.decisions.setText("<br>".join(map(_decision, chosen)))
        self.fold.setVisible(bool(chosen))
        self.setVisible(True)

    def show_failure(self, record: JobRecord) -> None:
        """Say that the check itself came to nothing; that stops no training."""
        words = record.message or "its process ended"
        self._show_findings(
            [{"severity": "warns", "text": f"could not be checked: {words}", "help": "", "samples": []}]
        )
        self.summary.hide()
        self.setVisible(True)

    def _show_findings(self, findings: Sequence[Mapping[str, Any]]) -> None:
        self.findings.show_findings([_shown(one) for one in findings])
        self.pass_button.hide()
        self.fold.hide()


def notes_of(result: Mapping[str, Any]) -> dict[str, str]:
    """What was decided for fields that were left to the program, to be shown below them."""
    of_fields = {"size", "batch", "device", "precision"}
    return {
        one["option"]: f"{one['value']}: {one['reason']}"
        for one in result["decisions"]
        if one["is_automatic"] and one["option"] in of_fields
    }


def warnings_of(result: Mapping[str, Any]) -> list[str]:
    """The warnings as they are remembered: the same ones about as many samples are the same."""
    return sorted(f"{one['kind']}:{one['count']}" for one in result["findings"] if one["severity"] == "warns")


def first_block(result: Mapping[str, Any]) -> tuple[str, str]:
    """Message and hint of the gravest finding, and how many more there are."""
    blocks = [one for one in result["findings"] if one["severity"] == "blocks"]
    more = f" (and {len(blocks) - 1} more)" if len(blocks) > 1 else ""
    return blocks[0]["text"] + more, blocks[0]["help"]


def summary_of(result: Mapping[str, Any]) -> str:
    """What a training takes, in a line; empty when that is not known."""
    estimate = result.get("estimate")
    if not estimate:
        return ""
    epochs = count_text(estimate["epochs"], "epoch")
    return f"About {duration(estimate['seconds'])} for {epochs}, {estimate['bytes'] / 1e9:.1f} GB of memory"


def is_over(record: JobRecord | None) -> bool:
    """Whether there is no check under way."""
    return record is None or record.state.is_end


def has_result(record: JobRecord) -> bool:
    """Whether a check has come to an end of its own."""
    return record.state is JobState.FINISHED and "findings" in record.result


@dataclass(frozen=True)
class _Shown:
    """A finding in the words of the list that shows it; `about` names samples, in the tooltip."""

    severity: Literal["error", "warning", "note"]
    message: str
    hint: str
    about: str = ""


def _shown(finding: Mapping[str, Any]) -> _Shown:
    names, more = list(finding["samples"])[:NAMED], int(finding.get("count") or 0) - NAMED
    about = "\n".join(names) + (f"\n… and {more} more" if names and more > 0 else "")
    severity: Literal["error", "warning"] = "error" if finding["severity"] == "blocks" else "warning"
    return _Shown(severity, _sentence(finding["text"]), _sentence(finding["help"]), about)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _decision(decision: Mapping[str, Any]) -> str:
    value, reason = escape(str(decision["value"])), escape(str(decision["reason"]))
    return f"<b>{escape(_label(decision))} {value}</b>: {reason}"


def _label(decision: Mapping[str, Any]) -> str:
    name = str(decision["option"]).replace("_", " ")
    return name[:1].upper() + name[1:]
