"""Lint of a project: its rules, and what was found unusual in its masks and predictions; see core/lint.py."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from segstudio.core.errors import UserError
from segstudio.core.lint import LEAST, LintRules, Shape, Unusual, judged, learnt
from segstudio.core.reporter import Reporter
from segstudio.core.sample import REVIEWED, Sample
from segstudio.core.threshold import predicted_at
from segstudio.project.threads import in_threads

if TYPE_CHECKING:
    from segstudio.project.project import Project

What = Literal["masks", "predictions"]

_RULES = "lint_rules"
_BATCH = 64
_COLUMNS: dict[What, tuple[str, str, str]] = {
    "masks": ("lint", "lint_words", "lint_revision"),
    "predictions": ("lint_predicted", "lint_predicted_words", "lint_run"),
}
"""Where score, words, and what they are of (a revision, a run) are kept."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A sample of whose mask or prediction something is unusual.

    Attributes:
        sample_id: The sample.
        image: Its image.
        what: Whether its mask or its prediction.
        score: See Unusual.
        words: See Unusual.
    """

    sample_id: int
    image: str
    what: What
    score: float
    words: tuple[str, ...]


class Lint:
    """The rules of a project and what breaks them."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def rules(self) -> LintRules | None:
        """The rules; None before any were learnt or set."""
        kept = self._project.settings.get(_RULES)
        known = {name: value for name, value in (kept or {}).items() if name in LintRules.model_fields}
        return None if kept is None else LintRules.model_validate(known)

    def set_rules(self, rules: LintRules) -> None:
        """Keep other rules. What was found by the ones before is forgotten."""
        with self._project.transaction("samples") as connection:
            self._project.settings.set(_RULES, rules.model_dump(mode="json"))
            connection.execute(
                "UPDATE sample SET lint = NULL, lint_predicted = NULL "
                "WHERE lint IS NOT NULL OR lint_predicted IS NOT NULL"
            )

    def learn(self, report: Reporter) -> tuple[LintRules, int]:
        """Find the rules that the accepted and corrected masks keep; all masks when those are too few.

        Returns:
            The rules, which are not kept yet, and from how many masks they come.

        Raises:
            UserError: When there are too few masks.
        """
        with_mask = [one for one in self._project.samples.all() if one.has_mask and not one.problem]
        reviewed = [one for one in with_mask if one.state in REVIEWED]
        shapes: list[Shape] = []
        chosen = reviewed if len(reviewed) >= LEAST else with_mask
        with in_threads(chosen, lambda sample: Shape.of(self._project.masks.load(sample))) as found:
            for done, (sample, result) in enumerate(found, start=1):
                try:
                    shapes.append(result.result())
                except (UserError, OSError) as error:
                    report.note(sample.image, str(error))
                report.progress(done, len(chosen), sample.name)
        if len(shapes) < LEAST:
            raise UserError(
                f"{len(shapes)} masks are too few to learn from what is usual",
                f"accept {LEAST} or more, or set the rules yourself",
            )
        return learnt(shapes), len(shapes)

    def look(self, what: What, sample_ids: Iterable[int], report: Reporter) -> int:
        """Judge the masks, or the predictions of the current run, of some samples, and store what is unusual.

        Returns:
            How many were judged.

        Raises:
            UserError: When there are no rules, or nothing is predicted.
        """
        rules, run_id = self.rules(), self._project.predictions.current()
        if rules is None:
            raise UserError("there are no rules yet", "learn them first")
        if what == "predictions" and run_id is None:
            raise UserError("there are no predictions", "train, then predict")
        score, words, whose = _COLUMNS[what]
        samples = list(self._project.samples.all(sample_ids))
        waiting: list[tuple[object, ...]] = []
        count = 0
        with in_threads(samples, lambda sample: self._judge(what, run_id, rules, sample)) as found:
            for done, (sample, result) in enumerate(found, start=1):
                try:
                    one = result.result()
                except (UserError, OSError) as error:
                    report.note(sample.image, str(error))
                    one = None
                if one is not None:
                    count += 1
                    of = sample.revision if what == "masks" else run_id
                    waiting.append((one.score, json.dumps(one.words, ensure_ascii=False), of, sample.id))
                if waiting and (len(waiting) >= _BATCH or done == len(samples)):
                    with self._project.transaction("samples") as connection:
                        connection.executemany(
                            f"UPDATE sample SET {score} = ?, {words} = ?, {whose} = ? WHERE id = ?", waiting
                        )
                    waiting = []
                report.progress(done, len(samples), sample.name)
        return count

    def _judge(self, what: What, run_id: int | None, rules: LintRules, sample: Sample) -> Unusual | None:
        if what == "masks":
            return judged(Shape.of(self._project.masks.load(sample)), rules) if sample.has_mask else None
        assert run_id is not None
        probability = self._project.predictions.load(run_id, sample)
        if probability is None:
            return None
        return judged(Shape.of(predicted_at(probability, self._project.predictions.level(run_id))), rules)

    def findings(self, whats: Sequence[What] = ("masks", "predictions")) -> list[Finding]:
        """What is known to be unusual, the worst first; what has changed since is not known."""
        found = []
        for what in whats:
            score, words, whose = _COLUMNS[what]
            current = "revision" if what == "masks" else ":run"
            rows = self._project.database.rows(
                f"SELECT id, image, {score}, {words} FROM sample WHERE {score} > 0 AND {whose} IS {current} "
                "ORDER BY position",
                {"run": self._project.predictions.current()} if what == "predictions" else {},
            )
            found += [Finding(key, image, what, points, tuple(json.loads(said))) for key, image, points, said in rows]
        return sorted(found, key=lambda one: -one.score)
