"""Predictions: what a run's network says of each sample, and how right it is.

predictions/<run>/<stem>.png   8-bit grey, 255 times the probability of foreground, at the image's own size

How each was made lies beside it in the index, and in the file: whole or in tiles, with mirror images or without. Its
figures are held against none of another manner.
"""

import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segstudio.core.calibration import chances, expected_wrong
from segstudio.core.errors import BadImage, UserError
from segstudio.core.files import write_atomically
from segstudio.core.labels import without_errors
from segstudio.core.mask import Mask
from segstudio.core.metrics import Counts
from segstudio.core.raster import Region
from segstudio.core.reporter import Reporter
from segstudio.core.sample import ReviewState, Sample, Split
from segstudio.core.threshold import ACCEPTED_IOU, Histogram, level_of, predicted_at, threshold_of
from segstudio.core.way import MANNERS, PLAIN, UNKNOWN, Manner
from segstudio.formats import encode_grey, png_text, read_mask_values
from segstudio.project.blob_table import Found
from segstudio.project.sample_table import SPLITS, STATES
from segstudio.project.scores import COUNTED, THRESHOLD, Score, figures, figures_at, share_of, uncertainty_of
from segstudio.project.threads import in_threads, room_for

if TYPE_CHECKING:
    from segstudio.project.project import Project

PROMPT = 1 << 20
"""The blobs of masks with up to so many pixels are found when they are saved: in a few hundredths of a second."""

EXPECTED_BATCH = 1000
"""So many expectations are written in one transaction: they are computed beforehand."""

OTHERWISE = "predicted otherwise"
"""The event of a run of which an earlier version has stored predictions that are not plain, without saying which."""

WAY, DESCRIPTION = "Way", "Description"
"""The texts of a file that say how it was made: for the program, and for people."""

BATCH = 64
"""Scores are written to the index in transactions of this many samples."""


class Predictions:
    """The predictions of all runs; at any time one run is the current one, whose metrics the sample table shows."""

    def __init__(self, project: "Project") -> None:
        self._project = project
        self._unsaid_of: dict[int, str] = {}

    def path(self, run_id: int, sample: Sample) -> Path:
        """Where the prediction lies, or would lie."""
        return self._project.folder / "predictions" / f"{run_id:04}" / f"{sample.stem}.png"

    def save(
        self,
        run_id: int,
        sample: Sample,
        probability: NDArray[np.uint8],
        *,
        uncertainty: float | None = None,
        kind: str = "probability",
        manner: Manner | None = None,
    ) -> None:
        """Store a prediction; `score` then compares it with the mask.

        Args:
            run_id: Whose it is.
            sample: Of what.
            probability: uint8 (H, W) of the image's own size; 255 is certainly foreground.
            uncertainty: How unsure the network is, from 0 to 1, where something better is known than what its
                probabilities say; see `uncertainty_of`.
            kind: What the uncertainty was measured by, one of `sample_table.UNCERTAINTIES`.
            manner: How it was made; None for what no network has made.
        """
        if probability.shape != (sample.height, sample.width) or probability.dtype != np.uint8:
            raise ValueError(f"{sample.image} wants uint8 {(sample.height, sample.width)}, not {probability.shape}")
        self._project.require_writable()
        way = None if manner is None else manner.text
        if self.has(run_id, sample) and self.manner(run_id, sample.id) != (way or PLAIN):
            # Whatever interrupts this: a file is never taken for one that was made in the manner of the one before.
            self.forget([(run_id, sample.id)])
        texts = None if manner is None else {WAY: manner.text, DESCRIPTION: manner.words or "as it has learnt to look"}
        # It can be made again, so the disk need not be waited for.
        write_atomically(self.path(run_id, sample), encode_grey(probability, texts), is_durable=False)
        if uncertainty is None:
            uncertainty = uncertainty_of(probability)
        share = share_of(probability >= self.level(run_id))
        score = Score(sample.id, uncertainty, share, None, None, kind=kind, way=way)
        self._store(run_id, [score], is_new=True)

    def load(self, run_id: int, sample: Sample) -> NDArray[np.uint8] | None:
        """The probabilities as uint8 (H, W), or None when the run has not predicted this sample.

        Raises:
            BadImage: When the file is damaged or of another size.
        """
        path = self.path(run_id, sample)
        if not path.is_file():
            return None
        probability = read_mask_values(path)
        if probability.shape != (sample.height, sample.width):
            raise BadImage(f"{path} does not have the size of the image", "predict this sample again")
        return probability

    def has(self, run_id: int, sample: Sample) -> bool:
        """Whether the run has predicted this sample."""
        return self.path(run_id, sample).is_file()

    def manner(self, run_id: int, sample_id: int) -> str:
        """How a prediction was made, one of `core.way.MANNERS`; UNKNOWN when nobody knows, or there is none."""
        row = self._project.database.row(
            "SELECT way FROM prediction WHERE run_id = ? AND sample_id = ?", (run_id, sample_id)
        )
        if row is not None:
            return str(row[0] or self.unsaid(run_id))
        path = self.path(run_id, self._project.samples.get(sample_id))  # the index is being made anew
        if not path.is_file():
            return UNKNOWN
        text = png_text(path, WAY)
        return text if text in MANNERS else self.unsaid(run_id)

    def manners(self, run_id: int) -> dict[int, str]:
        """How each prediction of a run was made, by the sample's id."""
        rows = self._project.database.rows("SELECT sample_id, way FROM prediction WHERE run_id = ?", (run_id,))
        unsaid = self.unsaid(run_id)
        return {sample_id: way or unsaid for sample_id, way in rows}

    def unsaid(self, run_id: int) -> str:
        """How predictions were made of which nothing says it: PLAIN, or UNKNOWN.

        Earlier versions said of a run alone whether all of them are plain.
        """
        if run_id not in self._unsaid_of:
            is_plain = all(event.get("event") != OTHERWISE for event in self._project.runs.events(run_id))
            self._unsaid_of[run_id] = PLAIN if is_plain else UNKNOWN
        return self._unsaid_of[run_id]

    def find_manners(self, run_id: int, samples: Iterable[Sample]) -> None:
        """Take over from the files of predictions how they were made, for an index that is made anew."""
        found = ((png_text(self.path(run_id, sample), WAY), sample.id) for sample in samples)
        known = [(way, run_id, sample_id) for way, sample_id in found if way in MANNERS]
        with self._project.transaction("predictions") as connection:
            connection.executemany("UPDATE prediction SET way = ? WHERE run_id = ? AND sample_id = ?", known)

    def set_current(self, run_id: int | None) -> None:
        """Make the run the one whose metrics are shown; the one before is kept to compare with."""
        before = self.current()
        if before == run_id:
            return
        with self._project.transaction("predictions"):
            self._project.settings.set("current_run", run_id)
            self._project.settings.set("previous_run", before)

    def current(self) -> int | None:
        """The run whose metrics the sample table shows."""
        value = self._project.settings.get("current_run")
        return None if value is None else int(value)

    def previous(self) -> int | None:
        """The run that was current before."""
        value = self._project.settings.get("previous_run")
        return None if value is None else int(value)

    def level(self, run_id: int) -> int:
        """The least probability byte that is foreground in the predictions of a run."""
        row = self._project.database.row("SELECT threshold FROM run WHERE id = ?", (run_id,))
        return THRESHOLD if row is None else level_of(row[0])

    def set_threshold(self, run_id: int, threshold: float) -> float:
        """Choose from which probability on pixels are foreground, for all that is done with a run from now on.

        The figures of all its predictions follow in the same transaction, without a look at files; where they are
        worst is found when somebody asks. What was not counted yet is compared anew.

        Args:
            run_id: Whose predictions.
            threshold: From 0 to 1; the nearest that can be told apart is taken.

        Returns:
            The threshold that was taken.

        Raises:
            UserError: When it is none, or there is no such run.
        """
        try:
            level = level_of(threshold)
        except ValueError as error:
            raise UserError(str(error), "0.5 is the usual one") from error
        taken = threshold_of(level)
        self._project.runs.get(run_id)
        # Most of the work is done before others have to wait; what has changed until then is looked at once more.
        known: dict[bytes, tuple[float | None, ...]] = {}
        figures_at(self._project.histograms.all(run_id), level, known)
        with self._project.transaction("predictions") as connection:
            figures = figures_at(self._project.histograms.all(run_id), level, known)
            connection.executemany(
                f"UPDATE prediction SET foreground = ?, {COUNTED} WHERE run_id = ? AND sample_id = ?",
                ((*values, run_id, sample_id) for sample_id, values in figures),
            )
            connection.execute("DELETE FROM blobs WHERE run_id = ?", (run_id,))
            connection.execute("UPDATE sample SET lint_run = NULL WHERE lint_run = ?", (run_id,))
            self._project.runs.update(run_id, threshold=taken)
        self.count(run_id)
        self.expect(run_id)
        return taken

    def expect(self, run_id: int) -> None:
        """Say of every prediction of a run which share of it is probably wrong; see `core.calibration`.

        What its probabilities are worth is counted on the validation split, whatever the mask of the sample itself.
        """
        table, level = self._project.samples.table(), self.level(run_id)
        validates = table.split == SPLITS.index(Split.VAL)
        validates &= (table.state != STATES.index(ReviewState.REJECTED)) & ~table.has_problem
        trusted = {int(one) for one in table.id[validates]}
        # Twice through them, as they may be many: first those that say what a probability is worth.
        histograms = self._project.histograms
        known = (counts for sample, counts in histograms.all(run_id) if sample in trusted)
        chance = chances(Histogram.from_bytes(counts) for counts in known)
        found = [
            (expected_wrong(Histogram.from_bytes(counts), chance, level), run_id, sample)
            for sample, counts in histograms.all(run_id)
        ]
        for start in range(0, len(found), EXPECTED_BATCH):  # who saves a mask meanwhile waits for one batch alone
            with self._project.transaction("predictions") as connection:
                connection.executemany(
                    "UPDATE prediction SET expected = ? WHERE run_id = ? AND sample_id = ?",
                    found[start : start + EXPECTED_BATCH],
                )

    def expect_missing(self, goes_on: Callable[[], bool] = lambda: True) -> bool:
        """Say of the current run's predictions what of each is probably wrong where nobody has said it yet.

        Earlier versions did not: their predictions are looked at once more. `goes_on` is asked before each; when it
        says no, the others stay unknown.

        Returns:
            Whether anything was missing.
        """
        run_id = self.current()
        if run_id is None or self._project.runs.get(run_id).is_reader:
            return False
        unsaid = "SELECT 1 FROM prediction AS p {} WHERE p.run_id = ? AND p.expected IS NULL LIMIT 1"
        if self._project.database.row(unsaid.format(""), (run_id,)) is None:
            return False
        self.count(run_id, goes_on=goes_on)
        # What cannot be read stays unsaid, and is no reason to say the rest again.
        known = "JOIN histogram AS h ON h.run_id = p.run_id AND h.sample_id = p.sample_id"
        if not goes_on() or self._project.database.row(unsaid.format(known), (run_id,)) is None:
            return False
        self.expect(run_id)
        return True

    def accepted_iou(self) -> float:
        """From which IoU on a prediction passes, in this project."""
        value = self._project.settings.get("accepted_iou")
        return float(value) if isinstance(value, int | float) else ACCEPTED_IOU

    def set_accepted_iou(self, limit: float) -> None:
        """Say from which IoU on a prediction passes."""
        self._project.settings.set("accepted_iou", min(max(limit, 0.0), 1.0))

    def count(self, run_id: int, report: Reporter | None = None, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Compare those predictions anew of which nobody knows what they would be at another threshold.

        `goes_on` is asked before each sample; when it says no, the others stay unknown.
        """
        missing = self._project.histograms.missing(run_id)
        if missing:
            self.score(run_id, missing, report, goes_on)

    def recount(self, run_id: int, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Compare those predictions anew whose masks were changed while other runs were on screen."""
        known = self.counts(run_id).keys()
        if forgotten := [one for one in self._project.histograms.missing(run_id) if one not in known]:
            self.score(run_id, forgotten, goes_on=goes_on)

    def score(
        self,
        run_id: int,
        sample_ids: Iterable[int] | None = None,
        report: Reporter | None = None,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> dict[int, Score]:
        """Compare a run's predictions with the current masks and with the run before, and store what comes out.

        Args:
            run_id: Whose predictions.
            sample_ids: Which samples; None is all that the run has predicted.
            report: Hears of progress and of files that could not be read.
            goes_on: Asked before each sample; when it says no, the others are left out.

        Returns:
            The scores by sample id.
        """
        samples = self._predicted(run_id) if sample_ids is None else list(self._project.samples.all(sample_ids))
        before = self._before(run_id)
        scores: dict[int, Score] = {}
        waiting: list[Score] = []
        changed: list[int] = []

        def one(sample: Sample) -> Score | None:
            with room_for(sample.width * sample.height):
                return self._score(run_id, before, sample) if goes_on() else None

        with in_threads(samples, one) as scored:
            for done, (sample, result) in enumerate(scored, start=1):
                score = _noted(result, sample, report)
                if score is not None:
                    scores[sample.id] = score
                    waiting.append(score)
                if len(waiting) >= BATCH or done == len(samples):
                    changed += self._store(run_id, waiting)
                    waiting = []
                if report:
                    report.progress(done, len(samples), sample.name)
        return scores | self.score(run_id, changed, goes_on=goes_on) if changed else scores

    def changed_most(self, run_id: int, count: int = 20) -> list[int]:
        """The samples that the run predicts most differently from the run before, most first."""
        rows = self._project.database.rows(
            "SELECT sample_id FROM prediction WHERE run_id = ? AND change > 0 ORDER BY change DESC, sample_id LIMIT ?",
            (run_id, count),
        )
        return [sample_id for (sample_id,) in rows]

    def ious_of_both(self, before: int, after: int) -> list[tuple[int, str, str, float, float]]:
        """What two runs score on every sample outside the test split that both have predicted and can be measured by.

        Returns:
            Id, image and split of each sample in their order, and its IoU by the one and by the other.
        """
        rows = self._project.database.rows(
            "SELECT sample.id, sample.image, sample.split, before.iou, after.iou FROM sample "
            "JOIN prediction AS before ON before.sample_id = sample.id AND before.run_id = ? "
            "JOIN prediction AS after ON after.sample_id = sample.id AND after.run_id = ? "
            # What has no histogram was scored against a mask that is another by now, see mask_changed.
            "JOIN histogram AS h ON h.sample_id = sample.id AND h.run_id = before.run_id "
            "JOIN histogram AS g ON g.sample_id = sample.id AND g.run_id = after.run_id "
            "WHERE sample.split <> 'test' AND before.iou IS NOT NULL AND after.iou IS NOT NULL "
            "ORDER BY sample.position",
            (before, after),
        )
        return [tuple(row) for row in rows]

    def counts(self, run_id: int) -> dict[int, Counts]:
        """The pixel counts of every scored sample by its id."""
        rows = self._project.database.rows(
            "SELECT sample_id, tp, fp, fn, tn FROM prediction WHERE run_id = ? AND tp IS NOT NULL", (run_id,)
        )
        return {sample_id: Counts(*counts) for sample_id, *counts in rows}

    def mask_changed(self, sample: Sample, mask: Mask) -> None:
        """Score the current and the previous run's prediction of this sample against its new mask or ignored region.

        A save does not wait for the blobs of a large image, nor for those of the previous run: they are missing until
        somebody looks for them (`find_missing_blobs`), when the person leaves the sample or begins to walk.
        """
        shown = {run_id for run_id in (self.current(), self.previous()) if run_id is not None}
        with self._project.transaction() as connection:  # nobody sees these figures
            self._project.histograms.forget_sample(connection, sample.id)
            # Those of other runs speak of a mask that is no more, see `recount`.
            others = [run_id for run_id in self._measured(sample) if run_id not in shown]
            connection.executemany(
                f"UPDATE prediction SET {COUNTED} WHERE sample_id = ? AND run_id = ?",
                ((*figures(None), sample.id, run_id) for run_id in others),
            )
            self._project.blobs.forget(connection, [(run_id, sample.id) for run_id in others])
        for run_id in shown:
            try:
                probability, ignored = self.load(run_id, sample), self._project.ignored.between(run_id, sample)
            except (UserError, OSError):
                continue  # the mask is what is being saved; a damaged prediction must not stop that
            if probability is not None:
                level, histogram = self.level(run_id), Histogram.of(probability, mask, ignored)
                blobs = None
                if mask.size <= PROMPT and run_id == self.current():
                    predicted = without_errors(predicted_at(probability, level), mask, ignored)
                    blobs = self._project.blobs.found(run_id, sample, mask, predicted)
                with self._project.transaction("predictions") as connection:
                    connection.execute(
                        f"UPDATE prediction SET {COUNTED} WHERE run_id = ? AND sample_id = ?",
                        (*figures(histogram.counts(level)), run_id, sample.id),
                    )
                    self._project.histograms.store(connection, run_id, sample.id, histogram)
                    if blobs is None:
                        self._project.blobs.forget(connection, [(run_id, sample.id)])
                    else:
                        self._project.blobs.store(connection, run_id, sample.id, blobs)

    def mask_removed(self, sample: Sample) -> None:
        """Forget how the predictions of a sample stand against its mask: it has none any more."""
        with self._project.transaction("predictions") as connection:
            self._project.histograms.forget_sample(connection, sample.id)
            connection.execute(f"UPDATE prediction SET {COUNTED} WHERE sample_id = ?", (*figures(None), sample.id))
            runs = connection.execute("SELECT run_id FROM blobs WHERE sample_id = ?", (sample.id,)).fetchall()
            self._project.blobs.forget(connection, [(run_id, sample.id) for (run_id,) in runs])

    def keep(self, run_id: int, sample: Sample, region: Region, *, is_kept: bool = True) -> None:
        """Decide that the mask is right in a region and the prediction wrong, or take that back.

        The mask stays as it is, and so do the metrics; the walk from error to error leaves the region out.
        """
        self._project.blobs.keep(run_id, sample, region, is_kept=is_kept)
        self.find_blobs(run_id, [sample.id])

    def find_missing_blobs(
        self, sample_ids: Iterable[int] | None = None, goes_on: Callable[[], bool] = lambda: True
    ) -> None:
        """Look for the blobs of the current run's predictions that are not known; of all samples when None.

        `goes_on` is asked before each sample; when it says no, the blobs of the others stay unknown.
        """
        run_id = self.current()
        if run_id is not None:
            missing = self._project.blobs.missing(run_id)
            wanted = set(missing) if sample_ids is None else set(sample_ids)
            if found := [sample_id for sample_id in missing if sample_id in wanted]:
                self.find_blobs(run_id, found, goes_on)

    def find_blobs(self, run_id: int, sample_ids: Iterable[int], goes_on: Callable[[], bool] = lambda: True) -> None:
        """Look for the worst blobs of some predictions; what cannot be read has none."""
        level = self.level(run_id)

        def found(sample: Sample) -> tuple[Found, tuple[object, ...]] | None:
            with room_for(sample.width * sample.height):
                probability = self.load(run_id, sample) if goes_on() else None
                if probability is None or not sample.has_mask:
                    return None
                mask, ignored = self._project.masks.load(sample), self._project.ignored.between(run_id, sample)
                mark = self._mark(sample.id)
                predicted = without_errors(predicted_at(probability, level), mask, ignored)
                return self._project.blobs.found(run_id, sample, mask, predicted), mark

        with in_threads(list(self._project.samples.all(sample_ids)), found) as results:
            for sample, result in results:
                error = result.exception()
                if error is not None and not isinstance(error, UserError | OSError):
                    raise error
                one = ({0: []}, self._mark(sample.id)) if error is not None else result.result()
                if one is not None:
                    blobs, mark = one
                    with self._project.transaction("blobs") as connection:
                        # Else they are those of a threshold, or of a mask, that is not used any more.
                        if self.level(run_id) == level and self._mark(sample.id) == mark:
                            self._project.blobs.store(connection, run_id, sample.id, blobs)

    def forget(self, predictions: Iterable[tuple[int, int]]) -> None:
        """Drop the figures of some predictions, each named by run id and sample id, whose files are gone."""
        gone = list(predictions)
        with self._project.transaction("predictions") as connection:
            connection.executemany("DELETE FROM prediction WHERE run_id = ? AND sample_id = ?", gone)
            self._project.blobs.forget(connection, gone)
            self._project.histograms.forget(connection, gone)

    def forget_run(self, run_id: int) -> int:
        """Delete all predictions of a run, whose weights are others by now; returns how many there were."""
        shutil.rmtree(self._project.folder / "predictions" / f"{run_id:04}", ignore_errors=True)
        rows = self._project.database.rows("SELECT sample_id FROM prediction WHERE run_id = ?", (run_id,))
        gone = [(run_id, sample_id) for (sample_id,) in rows]
        if gone:
            self.forget(gone)
        return len(gone)

    def _predicted(self, run_id: int) -> list[Sample]:
        ids = self._project.database.rows("SELECT sample_id FROM prediction WHERE run_id = ?", (run_id,))
        return list(self._project.samples.all(sample_id for (sample_id,) in ids))

    def _measured(self, sample: Sample) -> list[int]:
        rows = self._project.database.rows(
            "SELECT run_id FROM prediction WHERE sample_id = ? AND tp IS NOT NULL", (sample.id,)
        )
        return [run_id for (run_id,) in rows]

    def _before(self, run_id: int) -> int | None:
        """The run to compare with: the current one, or the one before when `run_id` is current itself."""
        current = self.current()
        return self.previous() if current == run_id else current

    def _score(self, run_id: int, before: int | None, sample: Sample) -> Score | None:
        probability = self.load(run_id, sample)
        if probability is None:
            return None
        sample = self._project.samples.get(sample.id)  # it may have got a mask since somebody asked
        level = self.level(run_id)
        predicted = predicted_at(probability, level)
        is_alike = before is not None and self.manner(before, sample.id) == self.manner(run_id, sample.id)
        earlier = self.load(before, sample) if is_alike and before is not None else None
        # `before` is not None where there is an earlier prediction
        change = None if earlier is None else share_of(predicted != predicted_at(earlier, self.level(before or 0)))
        mask = self._project.masks.load(sample) if sample.has_mask else None
        ignored, mark = self._project.ignored.between(run_id, sample), self._mark(sample.id)
        histogram = Histogram.of(probability, mask, ignored)
        blobs = None
        if mask is not None:
            blobs = self._project.blobs.found(run_id, sample, mask, without_errors(predicted, mask, ignored))
        return Score(
            sample.id,
            uncertainty_of(probability),
            histogram.share(level),
            change,
            histogram.counts(level),
            blobs,
            histogram,
            level,
            mark=mark,
        )

    def _mark(self, sample_id: int) -> tuple[object, ...]:
        """Another one for each mask, and each ignored region, that a sample has had."""
        sample = self._project.samples.get(sample_id)
        row = self._project.database.row("SELECT revision, mask_sha256 FROM sample WHERE id = ?", (sample_id,))
        try:
            ignored = self._project.ignored.path(sample).stat()
        except OSError:
            return (*row, None)
        return (*row, ignored.st_mtime_ns, ignored.st_size)

    def _store(self, run_id: int, scores: Sequence[Score], *, is_new: bool = False) -> list[int]:
        """Write scores to the index; the uncertainty, and how it was made, only of new predictions: their maker knows.

        Returns:
            The samples that were left out, as their mask has become another since it was compared.
        """
        if not scores:
            return []
        maker = "excluded" if is_new else "prediction"
        with self._project.transaction("predictions") as connection:
            if is_new:
                connection.executemany(
                    "UPDATE sample SET lint_run = NULL WHERE id = ? AND lint_run = ?",
                    [(score.sample_id, run_id) for score in scores],
                )
            marks = {one.sample_id: self._mark(one.sample_id) for one in scores if one.mark is not None}
            changed = [one.sample_id for one in scores if one.mark is not None and one.mark != marks[one.sample_id]]
            scores = [one for one in scores if one.sample_id not in changed]
            level = self.level(run_id)  # somebody may have chosen another threshold since they were made
            scores = [score.at(level) for score in scores]
            connection.executemany(
                "INSERT INTO prediction (run_id, sample_id, uncertainty, uncertainty_kind, way, foreground, change, "
                'tp, fp, fn, tn, iou, dice, "precision", recall) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) '
                f"ON CONFLICT DO UPDATE SET uncertainty = {maker}.uncertainty, "
                f"uncertainty_kind = {maker}.uncertainty_kind, way = {maker}.way, foreground = excluded.foreground, "
                "change = excluded.change, tp = excluded.tp, fp = excluded.fp, fn = excluded.fn, tn = excluded.tn, "
                'iou = excluded.iou, dice = excluded.dice, "precision" = excluded."precision", '
                "recall = excluded.recall",
                [
                    (run_id, score.sample_id, score.uncertainty, score.kind, score.way, score.foreground, score.change,
                     *figures(score.counts))
                    for score in scores
                ],
            )  # fmt: skip
            for score in scores:
                if score.blobs is not None:
                    self._project.blobs.store(connection, run_id, score.sample_id, score.blobs)
                else:
                    self._project.blobs.forget(connection, [(run_id, score.sample_id)])
                if score.histogram is not None:
                    self._project.histograms.store(connection, run_id, score.sample_id, score.histogram)
                else:
                    self._project.histograms.forget(connection, [(run_id, score.sample_id)])
        return changed


def _noted(result: "Future[Score | None]", sample: Sample, report: Reporter | None) -> Score | None:
    """The score, or None and a note when a file could not be read."""
    try:
        return result.result()
    except (UserError, OSError) as error:
        if report:
            report.note(sample.image, str(error))
        return None
