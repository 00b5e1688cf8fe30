"""stress: what a run loses when pictures become darker, noisier, tilted ..., each at rising strength."""

import csv
import io
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from segstudio.augmentation.augmenter import Augmenter, seed_of
from segstudio.augmentation.recipe import Recipe
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.labels import FOREGROUND, IGNORED, labelled, scaled_labels
from segstudio.core.metrics import COMPARED_CONVENTION, METRICS, Counts, compared
from segstudio.core.options import Options, option
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.sample import Sample, Split
from segstudio.core.scaling import scaled_image
from segstudio.core.wording import count_text
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.evaluate import measurable
from segstudio.jobs.stress_families import Family, chosen_families, recipe_against
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.scores import THRESHOLD
from segstudio.project.topics import Topics

FILE = "stress.json"
"""Name of the result in the run's folder."""

CHUNK = 32
"""Images in memory at once; each is decoded once and goes through every transform before the next ones come."""

DRAWS = 2000
"""Of the bootstrap."""

COLUMNS = ("transform", "title", "strength", "label", "iou", "dice", "lost", "low", "high")

Pixels = NDArray[np.uint8]
Pair = tuple[Pixels, Pixels]
"""An image and its true mask."""


class StressOptions(Options):
    """Which run, on what, and how."""

    run: str = option("best", "Run", help="best (the champion), last, or the number of a run.")
    split: Literal["test", "val", "train"] = option(
        "test", "Split", help="Which part is measured; val takes the place of a test split that is empty."
    )
    metric: Literal["iou", "dice"] = option("iou", "Metric", help="What is lost.")
    transforms: tuple[str, ...] = option((), "Transforms", help="Names from resources/stress.toml; all when empty.")
    size: Literal["network", "native"] = option(
        "network",
        "Size",
        is_advanced=True,
        help="network: pictures become worse at the size that the network sees, as in training; native: at their own.",
    )
    seed: int = option(0, "Seed", ge=0, le=2**31 - 1, is_advanced=True, help="Of noise, spots and directions.")
    device: str = option("auto", "Device", is_advanced=True, help="auto, cpu, gpu or gpu:N.")
    batch: int = option(8, "Batch", ge=1, le=1024, unit="images", is_advanced=True, help="Images per step.")
    to: str = option("", "Table", is_path=True, is_advanced=True, help="A CSV file that gets the table too.")


@dataclass(frozen=True)
class Cell:
    """One line of the table: a transform at one strength; without a family, pictures as they are."""

    family: Family | None = None
    strength: int = 0


@JOBS.register
class Stress(ProjectJob[StressOptions]):
    """Predicts every image of a split under every transform at every strength; the truth moves with the image."""

    name: ClassVar[str] = "stress"
    title: ClassVar[str] = "Stress test"
    lane: ClassVar = "compute"
    topics: ClassVar[Topics] = frozenset({"runs"})
    Options: ClassVar[type[Options]] = StressOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Measure, and keep the result in the run's folder.

        Returns:
            `run`, `split`, `metric`, `images`, `size` (of the network's input), `clean` {iou, dice}, `table`: rows of
            `transform`, `title`, `strength` (1 is the weakest), `label`, `parameters`, `iou`, `dice`, `lost` (mean of
            the metric over images, clean minus transformed), `low` and `high` (95 % paired bootstrap over groups of
            images), `hint` (empty, or what to know about the split), `empty_convention`, `seconds`, `path`.

        Raises:
            UserError: When there is no run, nothing to measure, or no such transform.
            Cancelled: When it was stopped; an earlier result stays.
        """
        project.require_writable()
        started = time.monotonic()
        chosen = chosen_families(self.options.transforms)
        run = project.runs.resolve(self.options.run)
        samples, split, hint = self._samples(project)
        cells = [Cell(), *(Cell(family, strength) for family in chosen for strength in family.strengths)]
        measured, scores, size = self._scores(project, run, samples, cells, report)
        if not measured:
            raise UserError(f"no image of the {split} split could be read", "see the Problems panel")
        result = {
            "run": run.id,
            "split": split,
            "metric": self.options.metric,
            "images": len(measured),
            "size": size,
            "clean": {name: float(scores[name][:, 0].mean()) for name in METRICS},
            "table": _table(cells, scores, self.options.metric, [one.group or one.image for one in measured]),
            "hint": hint,
            "empty_convention": COMPARED_CONVENTION,
            "options": self.options.model_dump(mode="json"),
            "seconds": time.monotonic() - started,
        }
        if split == "test":
            project.looks.record(run.name, "stress")
        path = run.folder / FILE
        write_atomically(path, json.dumps(result, ensure_ascii=False, indent=1).encode("utf-8"))
        report.artifact(path)
        if self.options.to:
            write_table(result, Path(self.options.to))
        return {**result, "path": str(path)}

    def _samples(self, project: Project) -> tuple[list[Sample], str, str]:
        """What is measured, of which split, and what to know about that."""
        split = self.options.split
        samples = measurable(project, Split(split))
        if samples:
            hint = "" if split != "train" else "The run learnt from these images: it loses less here than elsewhere."
            return samples, split, hint
        if split == "test" and (samples := measurable(project, Split.VAL)):
            return samples, "val", "There is no test split: measured on validation, by which the best epoch was chosen."
        raise UserError(
            f"no sample of the {split} split has a mask to measure by", "choose another split, or make one with a test"
        )

    def _scores(
        self, project: Project, run: Run, samples: Sequence[Sample], cells: Sequence[Cell], report: Reporter
    ) -> tuple[list[Sample], dict[str, NDArray[np.float64]], int]:
        """The samples that could be read; float (images, cells) for each metric; and the network's size in pixels."""
        from segstudio.ml.device import choose_device
        from segstudio.ml.network import load_network
        from segstudio.ml.predict import forward_of

        chosen = choose_device(self.options.device)
        report.log(
            f"run {run.name} on {chosen.title}, {chosen.precision}; {count_text(len(samples), 'image')}, "
            f"{count_text(len(cells), 'cell')}"
        )
        with chosen.scope(), ThreadPoolExecutor(os.cpu_count()) as threads:
            network = load_network(run.best_weights, chosen.precision)
            shape = network.input_shape[1:]
            forward = forward_of(network, len(samples) * len(cells))
            test = _Test(self.options, cells, shape, forward, threads, run.level, int(run.options.get("crop") or 0))
            measured: list[Sample] = []
            rows: list[NDArray[np.float64]] = []
            for start in range(0, len(samples), CHUNK):
                part = samples[start : start + CHUNK]
                phase = Phase(report, start / len(samples), len(part) / len(samples))
                readable, pairs = test.read(project, part, phase)
                if readable:
                    rows.append(test.scores(readable, pairs, phase))
                    measured += readable
        scores = np.concatenate(rows) if rows else np.zeros((0, len(cells), len(METRICS)))
        return measured, {name: scores[..., number] for number, name in enumerate(METRICS)}, int(shape[0])


class _Test:
    """What all chunks of images have in common."""

    def __init__(
        self,
        options: StressOptions,
        cells: Sequence[Cell],
        shape: tuple[int, int, int],
        forward: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
        threads: ThreadPoolExecutor,
        level: int = THRESHOLD,
        crop: int = 0,
    ) -> None:
        self._options = options
        self._crop = crop
        self._cells = cells
        self._shape = shape
        self._forward = forward
        self._level = level
        self._threads = threads
        self._augmenters = [_augmenters(cell) for cell in cells]

    def read(self, project: Project, samples: Sequence[Sample], report: Reporter) -> tuple[list[Sample], list[Pair]]:
        """The samples whose files could be read, and their pairs; the others are noted."""
        readable, pairs = [], []
        futures = [self._threads.submit(self._read, project, one) for one in samples]
        for sample, future in zip(samples, futures, strict=True):
            try:
                pairs.append(future.result())
                readable.append(sample)
            except (UserError, OSError) as error:
                report.note(sample.image, str(error))
        return readable, pairs

    def _read(self, project: Project, sample: Sample) -> Pair:
        image = project.read_image(sample)
        labels = labelled(project.masks.load(sample), ignored=project.ignored.load(sample))
        if self._crop:
            return _fullest_crop(image, labels, self._shape, self._crop)
        if self._options.size == "native":
            return image, labels
        return scaled_image(image, self._shape), scaled_labels(labels, *self._shape[:2])

    def scores(self, samples: Sequence[Sample], pairs: Sequence[Pair], report: Reporter) -> NDArray[np.float64]:
        """Float (images, cells, metrics): each image under each transform."""
        work = [(row, column) for column in range(len(self._cells)) for row in range(len(samples))]
        scores = np.empty((len(samples), len(self._cells), len(METRICS)))
        made = self._ahead((self._threads.submit(self._made, samples[row], pairs[row], column) for row, column in work))
        places = iter(work)
        done = 0
        while batch := list(islice(made, self._options.batch)):
            maps = self._forward(np.stack([fed for fed, _ in batch]))
            for (_, truth), probability in zip(batch, maps, strict=True):
                scores[next(places)] = _scored(truth, probability, self._level)
            done += len(batch)
            report.progress(done, len(work), self._words(work[done - 1][1]))
        return scores

    def _ahead(self, futures: Iterator[Future[Pair]]) -> Iterator[Pair]:
        """What the threads make, in order; two batches are made while the network computes one."""
        waiting = deque(islice(futures, 2 * self._options.batch))
        try:
            while waiting:
                waiting.extend(islice(futures, 1))
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _made(self, sample: Sample, pair: Pair, column: int) -> Pair:
        """In a thread: what the network is fed with, and the truth that belongs to it."""
        image, mask = pair
        if augmenters := self._augmenters[column]:
            cell = self._cells[column]
            assert cell.family is not None
            # The same for each strength: it is the same noise, spot or direction that grows.
            seed = seed_of(self._options.seed, cell.family.name, sample.image)
            image, mask = augmenters[seed % len(augmenters)].apply_fitted(image, mask, seed)
        return (image if image.shape == self._shape else scaled_image(image, self._shape)), mask

    def _words(self, column: int) -> str:
        family = self._cells[column].family
        return "as they are" if family is None else f"{family.title} {family.labels[self._cells[column].strength - 1]}"


def _fullest_crop(image: Pixels, labels: Pixels, shape: tuple[int, int, int], crop: int) -> Pair:
    """Of the parts that a network which has learnt from crops sees of an image, the one with the most foreground."""
    from segstudio.ml.crops import at_scale, grid

    image, labels = at_scale(image, labels, shape, crop)
    parts = grid(labels.shape[:2], shape)
    best = max(parts, key=lambda part: int(np.count_nonzero(labels[part] & FOREGROUND)))
    return np.ascontiguousarray(image[best]), np.ascontiguousarray(labels[best][..., 0])


def _augmenters(cell: Cell) -> list[Augmenter]:
    """What makes pictures worse: nothing, one, or one for each side."""
    if cell.family is None:
        return []
    signs = (1, -1) if cell.family.is_two_sided else (1,)
    return [Augmenter(Recipe("stress", "", "", (cell.family.step(cell.strength, sign),))) for sign in signs]


def _scored(labels: Pixels, probability: NDArray[np.float32], level: int) -> tuple[float, float]:
    """IoU and Dice of one prediction at the size of the labels and a threshold; see COMPARED_CONVENTION."""
    from segstudio.ml.predict import at_native_size

    predicted = at_native_size(probability, labels.shape) >= level
    counts = Counts.of(labels & np.uint8(FOREGROUND), predicted, labels & np.uint8(IGNORED))
    return compared(counts, "iou"), compared(counts, "dice")


def _table(
    cells: Sequence[Cell], scores: Mapping[str, NDArray[np.float64]], metric: str, groups: Sequence[str]
) -> list[dict[str, Any]]:
    lost = scores[metric][:, :1] - scores[metric]
    low, high = np.quantile(_resampled_means(lost, groups), (0.025, 0.975), axis=0)
    rows = []
    for column, cell in enumerate(cells):
        if cell.family is None:
            continue
        rows.append(
            {
                "transform": cell.family.name,
                "title": cell.family.title,
                "strength": cell.strength,
                "label": cell.family.labels[cell.strength - 1],
                "parameters": {"transform": cell.family.transform, **cell.family.parameters(cell.strength)},
                **{name: float(scores[name][:, column].mean()) for name in METRICS},
                "lost": float(lost[:, column].mean()),
                "low": float(low[column]),
                "high": float(high[column]),
            }
        )
    return rows


def _resampled_means(values: NDArray[np.float64], groups: Sequence[str]) -> NDArray[np.float64]:
    """Means of each column over images drawn with replacement, whole groups at a time; float (DRAWS, columns).

    The same draws for every column: what is compared is compared on the same images.
    """
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    count = int(group.max()) + 1
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    weights = drawn[:, group].astype(np.float64)
    means: NDArray[np.float64] = weights @ values / weights.sum(axis=1, keepdims=True)
    return means


def load_result(run: Run) -> dict[str, Any] | None:
    """The last stress test of a run; None when there is none, or it cannot be read."""
    try:
        result = json.loads((run.folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) and isinstance(result.get("table"), list) else None


def write_table(result: Mapping[str, Any], path: Path) -> None:
    """Write the table of a result as CSV, with one line for pictures as they are.

    Raises:
        OSError: When it cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerow({"transform": "none", "title": "As they are", "strength": 0, "lost": 0, **result["clean"]})
    writer.writerows(result["table"])
    write_atomically(path.expanduser().absolute(), text.getvalue().encode("utf-8"))


def recipe_from_stress(result: Mapping[str, Any], chosen: Mapping[str, int], name: str = "") -> Recipe:
    """A recipe to train with against what was chosen in the table.

    Args:
        result: What the job returned.
        chosen: The greatest strength of each transform that the model shall bear; 0 leaves it out.
        name: Of the recipe; made of the run's number when empty.

    Raises:
        UserError: When nothing is chosen.
    """
    run = f"{int(result['run']):04}"
    lost = {(row["transform"], row["strength"]): row["lost"] for row in result["table"]}
    words = [
        f"{family.title} up to {family.labels[chosen[family.name] - 1]} ({_change(-lost[family.name, strength])})"
        for family in chosen_families(name for name, strength in chosen.items() if strength)
        if (strength := chosen[family.name]) and (family.name, strength) in lost
    ]
    metric = {"iou": "IoU", "dice": "Dice"}[result["metric"]]
    description = f"What run {run} was tested against on the {result['split']} split, with the {metric} it lost: "
    return recipe_against(
        chosen, name or f"stress-{run}", f"Against the stress of run {run}", description + ", ".join(words)
    )


def _change(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def rows_of(table: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The rows of the table by transform, the weakest strength first."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in table:
        rows.setdefault(str(row["transform"]), []).append(row)
    return {name: sorted(one, key=lambda row: int(row["strength"])) for name, one in rows.items()}
