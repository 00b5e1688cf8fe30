"""A dry run in words: what is asked of one, what it finds, and which size and batch are chosen from that.

Apart from the dry run itself (ml/dry_run.py), so that who asks for one, or knows it already, need not load TensorFlow.
"""

from dataclasses import dataclass, fields
from typing import Any

SPARE = 0.85
"""Share of the free memory that a training may take."""

USUAL_BATCH, USUAL_BATCH_OF_GPU = 8, 16

STEPS_OF_AN_EPOCH = 4
"""A chosen batch leaves at least so many steps an epoch, or it would learn in leaps."""

LARGEST_SIZE, LARGEST_SIZE_OF_GPU, SMALLEST_SIZE = 256, 512, 64

SIZES_OF = 32
"""A chosen size is a multiple of what encoders reduce images by."""


@dataclass(frozen=True)
class Request:
    """What to try.

    Attributes:
        model: Name of the network.
        network: Its options; `size` 0 lets one be chosen.
        channels: Of its input.
        is_pretrained: Whether the encoder's normalization stays as it was, which saves memory and time.
        batch: Images per step; 0 lets one be chosen.
        images: How many images there are to learn from.
        side: Median of the shorter sides of the images, in pixels.
        loss: Name of what is made small.
        clipping: See `Plan`.
        device: See `choose_device`.
        precision: What to compute in; auto as the device does best.
        budget: Bytes of memory that are free.
    """

    model: str
    network: dict[str, Any]
    channels: int
    is_pretrained: bool
    batch: int
    images: int
    side: int
    loss: str
    clipping: float
    device: str
    precision: str
    budget: int


@dataclass(frozen=True)
class DryRun:
    """What was found.

    Attributes:
        device: What it computes on.
        precision: What it computes in.
        precision_reason: Why, when that was left to the program; else empty.
        cores: Of the processor.
        is_gpu: Whether it computes on a GPU.
        size: Side of the network's input in pixels.
        size_reason: Why, when it was chosen; else empty.
        batch: Images per step that were asked for, or chosen.
        batch_reason: Why, when it was chosen; else empty.
        fitting_batch: The largest power of two up to `batch` that fits into memory, or `batch`; 0 when none does.
        parameters: How many numbers the network learns.
        bytes: Of memory that a training of `batch` needs; a GPU's own where there is one.
        budget: Bytes of memory that were free; of the GPU where there is one and it says so, else 0 there.
        seconds_to_begin: From the beginning of the process until the first step is done.
        seconds_per_step: For `batch` images.
        seconds_per_save: To write the network with its optimizer to the disk once.
        is_estimated: Whether bytes and seconds are told from smaller batches.
    """

    device: str
    precision: str
    precision_reason: str
    cores: int
    is_gpu: bool
    size: int
    size_reason: str
    batch: int
    batch_reason: str
    fitting_batch: int
    parameters: int
    bytes: int
    budget: int
    seconds_to_begin: float
    seconds_per_step: float
    seconds_per_save: float
    is_estimated: bool

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "DryRun":
        """From `asdict`; TypeError when it is of another version of the program."""
        return cls(**{one.name: values[one.name] for one in fields(cls) if one.name in values})


def chosen_size(side: int, *, is_gpu: bool) -> tuple[int, str]:
    """The network's size for images with this shorter side, and why."""
    largest = LARGEST_SIZE_OF_GPU if is_gpu else LARGEST_SIZE
    size = max(SMALLEST_SIZE, min(largest, side // SIZES_OF * SIZES_OF))
    if side > largest:
        return size, f"images have {side} px across, and more than {largest} px takes too long on a {_kind(is_gpu)}"
    return size, f"images have {side} px across, and larger than they are they would say no more"


def chosen_batch(images: int, *, is_gpu: bool) -> tuple[int, str]:
    """Images per step when memory is no question, and why."""
    usual = USUAL_BATCH_OF_GPU if is_gpu else USUAL_BATCH
    batch = usual
    while batch > 1 and batch * STEPS_OF_AN_EPOCH > images:
        batch //= 2
    if batch < usual:
        return batch, f"{images} images to learn from make {-(-images // batch)} steps an epoch with it"
    slow = "more would leave it waiting for images" if is_gpu else "larger ones are no faster"
    return batch, f"usual on a {_kind(is_gpu)}, where {slow}"


def _kind(is_gpu: bool) -> str:
    return "GPU" if is_gpu else "CPU"


def precision_reason(precision: str, *, is_gpu: bool) -> str:
    """Why a device computes best in this precision, in words."""
    if precision == "mixed_bfloat16":
        return "this processor has bfloat16, which is faster, and weights stay float32"
    if precision == "mixed_float16":
        return "this GPU has tensor cores, which float16 is fastest on, and weights stay float32"
    return f"this {_kind(is_gpu)} gains nothing from less exact numbers"
