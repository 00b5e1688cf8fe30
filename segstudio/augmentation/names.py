"""What the catalogue says about Albumentations' transforms that they do not say themselves.

Groups, titles, sensible values to begin with, words and units for parameters, and what is not offered, with the reason.
A transform of a later Albumentations that is in neither GROUPS nor EXCLUDED makes a test fail, not the program.
"""

from enum import StrEnum
from typing import Any


class Group(StrEnum):
    """Where the catalogue shows a transform; the value is the title of the group."""

    GEOMETRY = "Geometry"
    CROP = "Crop, pad and resize"
    LIGHT = "Light and contrast"
    COLOUR = "Colour"
    NOISE = "Noise"
    BLUR = "Blur and sharpness"
    COMPRESSION = "Compression and resolution"
    WEATHER = "Weather and lens dirt"
    DROPOUT = "Dropout"
    COMBINATION = "Combination"


_TRANSFORMS = {
    Group.GEOMETRY: "Affine D4 ElasticTransform GridDistortion GridElasticDeform HorizontalFlip Morphological "
    "OpticalDistortion Perspective PiecewiseAffine RandomGridShuffle RandomRotate90 Rotate SafeRotate ThinPlateSpline "
    "Transpose VerticalFlip",
    Group.CROP: "CenterCrop Crop CropAndPad CropNonEmptyMaskIfExists LongestMaxSize Pad PadIfNeeded RandomCrop "
    "RandomCropFromBorders RandomResizedCrop RandomScale Resize SmallestMaxSize",
    Group.LIGHT: "AutoContrast CLAHE Equalize Illumination InvertImg PlasmaBrightnessContrast PlasmaShadow Posterize "
    "RandomBrightnessContrast RandomGamma RandomShadow RandomToneCurve Solarize",
    Group.COLOUR: "ChannelDropout ChannelShuffle ChromaticAberration ColorJitter FancyPCA HEStain HueSaturationValue "
    "PlanckianJitter RGBShift ToGray ToSepia",
    Group.NOISE: "AdditiveNoise GaussNoise ISONoise MultiplicativeNoise SaltAndPepper ShotNoise",
    Group.BLUR: "AdvancedBlur Blur Defocus Emboss GaussianBlur GlassBlur MedianBlur MotionBlur RingingOvershoot "
    "Sharpen UnsharpMask ZoomBlur",
    Group.COMPRESSION: "Downscale ImageCompression Superpixels",
    Group.WEATHER: "RandomFog RandomGravel RandomRain RandomSnow RandomSunFlare Spatter",
    Group.DROPOUT: "CoarseDropout ConstrainedCoarseDropout Erasing GridDropout MaskDropout PixelDropout XYMasking",
}

GROUPS: dict[str, Group] = {name: group for group, names in _TRANSFORMS.items() for name in names.split()}
"""Every transform that is offered, and its group."""

COMBINATIONS = ("OneOf", "SomeOf", "RandomOrder", "Sequential")
"""Steps that hold other steps."""

_BOXES = "needs bounding boxes"
_REFERENCE = "needs other images to take from"
_FLOAT = "gives numbers that are no picture any more; networks here scale images themselves"
_ALIAS = "another name for"

EXCLUDED: dict[str, str] = {
    "AtLeastOneBBoxRandomCrop": _BOXES,
    "BBoxSafeRandomCrop": _BOXES,
    "RandomCropNearBBox": _BOXES,
    "RandomSizedBBoxSafeCrop": _BOXES,
    "FDA": _REFERENCE,
    "HistogramMatching": _REFERENCE,
    "PixelDistributionAdaptation": _REFERENCE,
    "Mosaic": _REFERENCE,
    "OverlayElements": _REFERENCE,
    "TextImage": "needs a font and a text for every image",
    "Normalize": _FLOAT,
    "ToFloat": _FLOAT,
    "FromFloat": _FLOAT,
    "ToRGB": "changes the number of channels",
    "Lambda": "is a function of a program and cannot be saved",
    "NoOp": "does nothing",
    "ShiftScaleRotate": f"{_ALIAS} Affine",
    "SquareSymmetry": f"{_ALIAS} D4",
    "TimeReverse": f"{_ALIAS} HorizontalFlip",
    "TimeMasking": f"{_ALIAS} XYMasking",
    "FrequencyMasking": f"{_ALIAS} XYMasking",
    "RandomSizedCrop": "fails on images smaller than its sizes in pixels; RandomResizedCrop does the same in shares",
    "CenterCrop3D": "is for volumes",
    "CoarseDropout3D": "is for volumes",
    "CubicSymmetry": "is for volumes",
    "Pad3D": "is for volumes",
    "PadIfNeeded3D": "is for volumes",
    "RandomCrop3D": "is for volumes",
}
"""Transforms of Albumentations that are not offered, and why."""

ALIASES: dict[str, str] = {
    name: reason.removeprefix(f"{_ALIAS} ") for name, reason in EXCLUDED.items() if reason.startswith(_ALIAS)
}
"""What to take in place of an excluded transform."""

STARTS: dict[str, dict[str, Any]] = {
    "Affine": {"scale": [0.9, 1.1], "translate_percent": [-0.05, 0.05], "rotate": [-10, 10]},
    "CenterCrop": {"height": 192, "width": 192, "pad_if_needed": True},
    "Crop": {"x_max": 192, "y_max": 192, "pad_if_needed": True},
    "CropAndPad": {"percent": [-0.1, 0.1]},
    "CropNonEmptyMaskIfExists": {"height": 192, "width": 192},
    "Downscale": {"scale_range": [0.4, 0.8]},
    "ElasticTransform": {"alpha": 40, "sigma": 6},
    "GaussNoise": {"std_range": [0.01, 0.05]},
    "GridElasticDeform": {"num_grid_xy": [4, 4], "magnitude": 8},
    "ImageCompression": {"quality_range": [50, 95]},
    "LongestMaxSize": {"max_size": 256},
    "Pad": {"padding": 16},
    "PadIfNeeded": {"min_height": 256, "min_width": 256},
    "Posterize": {"num_bits": [4, 6]},
    "RandomCrop": {"height": 192, "width": 192, "pad_if_needed": True},
    "RandomResizedCrop": {"size": [224, 224], "scale": [0.7, 1.0]},
    "RandomSunFlare": {"src_radius": 100},
    "Resize": {"height": 224, "width": 224},
    "Rotate": {"limit": [-15, 15]},
    "SafeRotate": {"limit": [-15, 15]},
    "SmallestMaxSize": {"max_size": 256},
    "XYMasking": {
        "num_masks_x": [1, 3], "num_masks_y": [1, 3], "mask_x_length": [4, 16], "mask_y_length": [4, 16],
    },
}  # fmt: skip
"""Values to begin with where Albumentations has none, or ones that do nothing or too much to usual images."""

FIXED: dict[str, Any] = {
    "mask_interpolation": 0,  # nearest: a mask is never interpolated
    "keypoint_remapping_method": "mask",
    "rotate_method": "largest_box",  # of bounding boxes
    "num_output_channels": 3,
    "bbox_labels": None,
    "ignore_values": None,
    "ignore_channels": None,
    "max_size_hw": None,
}
"""Parameters that are not offered: they always have this value, also in a recipe that comes from elsewhere."""

IN_COLOUR = frozenset(
    {
        "ChannelDropout",
        "ChromaticAberration",
        "HEStain",
        "HueSaturationValue",
        "ISONoise",
        "PlanckianJitter",
        "RandomFog",
        "RandomGravel",
        "RandomRain",
        "RandomSnow",
        "RandomSunFlare",
        "Spatter",
        "ToGray",
    }
)
"""Transforms that take three channels only: a grey image is given to them as RGB and made grey again after."""

LABELS: dict[str, str] = {
    "p_replace": "Share replaced",
    "limit": "Angle",
    "fill": "Fill with",
    "fill_mask": "Mask there",
    "mask_drop_value": "Mask there",
    "area_for_downscale": "Average when shrinking",
    "translate_percent": "Shift",
    "translate_px": "Shift in pixels",
    "rotate": "Angle",
    "border_mode": "Beyond the border",
    "std_range": "Strength",
    "n": "How many",
    "replace": "One more than once",
}
"""Names of parameters in a form, where Albumentations' own would not be understood."""

UNITS: dict[str, str] = {
    "limit": "°",
    "rotate": "°",
    "shear": "°",
    "angle_range": "°",
    "rotate_limit": "°",
    "slant_range": "°",
    "height": "px",
    "width": "px",
    "size": "px",
    "max_size": "px",
    "padding": "px",
    "min_height": "px",
    "min_width": "px",
    "blur_limit": "px",
    "translate_percent": "share",
    "fog_coef_range": "share",
    "std_range": "share",
    "amount": "share",
    "dropout_prob": "share",
    "percent": "share",
    "quality_range": "%",
    "mask_x_length": "px",
    "mask_y_length": "px",
    "x_min": "px", "x_max": "px", "y_min": "px", "y_max": "px",
}  # fmt: skip
"""Units of parameters, where they have one."""

TITLES: dict[str, str] = {
    "CLAHE": "CLAHE",
    "D4": "D4 symmetry",
    "RandomBrightnessContrast": "Random brightness and contrast",
}

SUMMARIES: dict[str, str] = {
    "OneOf": "Applies one of the steps inside; their p are weights.",
    "SomeOf": "Applies some of the steps inside, in their order.",
    "RandomOrder": "Applies some of the steps inside, in any order.",
    "Sequential": "Applies the steps inside together, in their order.",
}

WARNINGS: dict[str, str] = {}
