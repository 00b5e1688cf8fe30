"""Lint of a project: its rules, and what was found unusual in its masks and predictions; see core/lint.py."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

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
_ATTEMPTS = 3
"""So often a sample is judged that somebody changes meanwhile; then it is left for the next time."""
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


class _Look(NamedTuple):
    """What was found unusual in a sample, and the key of what was looked at."""

    sample: Sample
    key: tuple[object, ...]
    found: Unusual


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

        Masks may be saved and predictions made anew meanwhile: nothing is stored of one that is not there any more.

        Returns:
            How many were judged.

        Raises:
            UserError: When there are no rules, or nothing is predicted.
        """
        run_id = self._project.predictions.current()
        if self.rules() is None:
            raise UserError("there are no rules yet", "learn them first")
        if what == "predictions" and run_id is None:
            raise UserError("there are no predictions", "train, then predict")
        samples, count = list(self._project.samples.all(sample_ids)), 0
        for _ in range(_ATTEMPTS):
            if samples:
                stored, samples = self._look_once(what, run_id, samples, report)
                count += stored
        return count

    def _look_once(
        self, what: What, run_id: int | None, samples: list[Sample], report: Reporter
    ) -> tuple[int, list[Sample]]:
        """Judge them; how many, and those that have become something else meanwhile."""
        rules = self.rules() or LintRules()
        waiting: list[_Look] = []
        changed: list[Sample] = []
        count = 0
        with in_threads(samples, lambda sample: self._judge(what, run_id, rules, sample)) as found:
            for done, (sample, result) in enumerate(found, start=1):
                try:
                    one = result.result()
                except (UserError, OSError) as error:
                    report.note(sample.image, str(error))
                    one = None
                if one is not None:
                    waiting.append(one)
                if waiting and (len(waiting) >= _BATCH or done == len(samples)):
                    outdated = self._store(what, run_id, rules, waiting)
                    count += len(waiting) - len(outdated)
                    changed += outdated
                    waiting = []
                report.progress(done, len(samples), sample.name)
        return count, changed

    def _store(self, what: What, run_id: int | None, rules: LintRules, looks: list[_Look]) -> list[Sample]:
        """Store what was found; not of the samples, returned, that are no more what was looked at."""
        score, words, whose = _COLUMNS[what]
        with self._project.transaction("samples") as connection:
            # Asked in the transaction: whoever changes something from now on forgets what is stored here.
            is_same = self.rules() == rules
            good = [one for one in looks if is_same and self._key(what, run_id, one.sample) == one.key]
            connection.executemany(
                f"UPDATE sample SET {score} = ?, {words} = ?, {whose} = ? WHERE id = ?",
                [
                    (one.found.score, json.dumps(one.found.words, ensure_ascii=False), one.key[0], one.sample.id)
                    for one in good
                ],
            )
        stored = {one.sample.id for one in good}
        return [one.sample for one in looks if one.sample.id not in stored]

    def _judge(self, what: What, run_id: int | None, rules: LintRules, sample: Sample) -> _Look | None:
        key = self._key(what, run_id, sample)
        if what == "masks":
            if not sample.has_mask:
                return None
            return _Look(sample, key, judged(Shape.of(self._project.masks.load(sample)), rules))
        assert run_id is not None
        probability = self._project.predictions.load(run_id, sample)
        if probability is None:
            return None
        level = self._project.predictions.level(run_id)
        return _Look(sample, key, judged(Shape.of(predicted_at(probability, level)), rules))

    def _key(self, what: What, run_id: int | None, sample: Sample) -> tuple[object, ...]:
        """Revision or run, and what becomes another when that is overwritten."""
        if what == "masks":
            row = self._project.database.row("SELECT revision, mask_sha256 FROM sample WHERE id = ?", (sample.id,))
            return () if row is None else tuple(row)
        assert run_id is not None
        try:
            status = self._project.predictions.path(run_id, sample).stat()
        except OSError:
            return (run_id,)
        return run_id, status.st_mtime_ns, status.st_size, self._project.predictions.level(run_id)

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
