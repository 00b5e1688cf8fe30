"""What each pixel of one sample would count in the next training, by the rules of `training_samples`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segstudio.core.labels import Labels, Weighing, labelled
from segstudio.core.mask import Mask
from segstudio.core.sample import REVIEWED, USABLE, ReviewState, Sample, Split
from segstudio.jobs.presets import TrainOptions
from segstudio.jobs.training_samples import last_run, learnt_revision
from segstudio.project.project import Project


@dataclass(frozen=True)
class PixelWeights:
    """What pixels count.

    Attributes:
        labels: uint8 (H, W), see core.labels.
        weighing: What a corrected pixel counts, and one that nobody has reviewed.
        is_reviewed: Whether somebody has reviewed the sample.
        against: What the mask is held against to see what was corrected: "run 0003", "the dataset"; empty when against
            nothing.
        left_out: Why the sample is not learnt from at all; empty when it is.
    """

    labels: Labels
    weighing: Weighing
    is_reviewed: bool
    against: str
    left_out: str

    @property
    def usual(self) -> float:
        """What a pixel counts that is neither corrected nor ignored."""
        return 1.0 if self.is_reviewed else self.weighing.unreviewed

    def share(self, bit: int) -> float:
        """The share of the area that has a mark, CORRECTED or IGNORED."""
        return float(((self.labels & bit) > 0).mean())


def pixel_weights(
    project: Project, sample: Sample, mask: Mask, ignored: Mask | None, values: Mapping[str, Any]
) -> PixelWeights:
    """Look at a sample as the next training would.

    Args:
        project: Whose sample.
        sample: Which.
        mask: As it is now, saved or not.
        ignored: Where it is ignored; nowhere when None.
        values: Options of that training; those that are missing have their defaults.

    Raises:
        BadImage: When the earlier mask cannot be read.
        UserError: When the run that it starts from is not there.
    """
    fields = TrainOptions.model_fields
    correction, unreviewed, start = (
        values.get(name, fields[name].default) for name in ("correction_weight", "unreviewed_weight", "start")
    )
    run = last_run(project, str(start)) if correction != 1 else None
    before = learnt_revision(project, run, sample) if correction != 1 else None
    earlier = None if before is None else project.masks.load_revision(sample, before)
    against = "" if earlier is None else "the dataset" if run is None or not before else f"run {run.name}"
    return PixelWeights(
        labelled(mask, ignored=ignored, before=earlier),
        Weighing(float(correction), float(unreviewed)),
        sample.state is not ReviewState.TODO,
        against,
        _left_out(sample, str(values.get("samples", "all"))),
    )


def _left_out(sample: Sample, samples: str) -> str:
    if sample.split is not Split.TRAIN:
        return f"not learnt from: {sample.split} split"
    if sample.state not in USABLE or not sample.has_mask:
        return f"not learnt from: {sample.state}" if sample.has_mask else "not learnt from: no mask"
    return "not learnt from: not reviewed" if samples == "reviewed" and sample.state not in REVIEWED else ""
