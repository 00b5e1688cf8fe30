"""What has changed in a project since a run learnt from it: without reading a picture, by the numbers of revisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segstudio.core.manifest import ManifestRow
from segstudio.core.sample import REVIEWED, USABLE, Sample, Split

if TYPE_CHECKING:
    from segstudio.project.project import Project


@dataclass(frozen=True)
class Since:
    """Samples by what became of them since a run began.

    Attributes:
        corrected: Their mask is another revision than the run used.
        left_out: The run used them, and they were flagged or rejected, or cannot be used any more.
        reviewed: The run did not use them, and a person vouches for their mask: a retraining would.
        unused: The run did not use them either, though their mask is usable; nobody has looked at it.
        gone: Images that the run used and the project has no longer.
    """

    corrected: Sequence[Sample]
    left_out: Sequence[Sample]
    reviewed: Sequence[Sample]
    unused: Sequence[Sample]
    gone: Sequence[str]

    def words(self) -> str:
        """The change in a sentence."""
        parts = (
            (self.corrected, "changed mask", "changed masks"),
            (self.reviewed, "reviewed mask it did not use", "reviewed masks it did not use"),
            (self.left_out, "image flagged or rejected", "images flagged or rejected"),
            (self.gone, "image gone", "images gone"),
        )
        said = [f"{len(some)} {one if len(some) == 1 else many}" for some, one, many in parts if some]
        return f"Since this run: {', '.join(said)}." if said else "Nothing that it learnt from has changed since."


def changes_since(project: "Project", rows: Sequence[ManifestRow]) -> Since:
    """What is another now than a manifest says.

    Args:
        project: Whose.
        rows: Of the run; augmented copies follow the masks they were made of and are passed over.
    """
    used = {row.image: row for row in rows if not row.recipe}
    samples = {one.image: one for one in project.samples.all()}
    corrected, left_out, reviewed, unused = (list[Sample]() for _ in range(4))
    for image, one in samples.items():
        is_usable = one.has_mask and one.state in USABLE and not one.problem
        if image in used:
            if not is_usable:
                left_out.append(one)
            elif one.revision != used[image].revision:
                corrected.append(one)
        elif is_usable and one.split is not Split.TEST:
            (reviewed if one.state in REVIEWED else unused).append(one)
    return Since(corrected, left_out, reviewed, unused, [image for image in used if image not in samples])
