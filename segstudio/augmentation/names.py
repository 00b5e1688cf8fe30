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
    PASTE = "From other images"
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
    Group.WEATHER: "LensSmudge RandomFog RandomGravel RandomRain RandomSnow RandomSunFlare Spatter",
    Group.DROPOUT: "CoarseDropout ConstrainedCoarseDropout Erasing GridDropout MaskDropout PixelDropout XYMasking",
    Group.PASTE: "PasteForeground",
}

GROUPS: dict[str, Group] = {name: group for group, names in _TRANSFORMS.items() for name in names.split()}
"""Every transform that is offered, and its group."""

OWN: dict[str, str] = {
    "LensSmudge": "segstudio.augmentation.own.lens_smudge",
    "PasteForeground": "segstudio.augmentation.own.paste_foreground",
}
"""Transforms that are not Albumentations', and the module of each."""

MARKING = frozenset({"LensSmudge", "PasteForeground"})
"""Transforms that put something into the picture and mark it as foreground: the mask grows where there was nothing."""

TAKING = frozenset({"PasteForeground"})
"""Transforms that take from other pictures: they are given donors, see augmentation.donors."""

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
    "PlanckianJitter": {"temperature_limit": [4000, 12000]},
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
    "mask_indices": [1],  # the object
    "ignore_values": None,
    "ignore_channels": None,
    "max_size_hw": None,
    "mask": None,
    "mask_params": [],
}
"""Parameters that are not offered: they always have this value, also in a recipe that comes from elsewhere."""

IN_COLOUR = frozenset(
    {
        "AutoContrast",
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
"""Transforms that take three channels only, or do nothing to one: a grey image is RGB for them and grey again after."""

MOST_PIXELS = 16_384
"""The longest side a step may ask for: more would take all memory."""

LIMITS: dict[str, tuple[float, float]] = {
    "limit": (-180, 180),
    "rotate": (-180, 180),
    "shear": (-80, 80),
    "Affine.scale": (0.01, 10),
    "translate_percent": (-1, 1),
    "brightness_limit": (-1, 1),
    "contrast_limit": (-1, 3),
    "distort_limit": (-1, 1),
    "hue_shift_limit": (-180, 180),
    "sat_shift_limit": (-255, 255),
    "val_shift_limit": (-255, 255),
    "r_shift_limit": (-255, 255),
    "g_shift_limit": (-255, 255),
    "b_shift_limit": (-255, 255),
    "gamma_limit": (1, 1000),
    "percent": (-0.9, 2),
    "scale_limit": (-0.95, 5),
    "num_bits": (1, 8),
    "blur_limit": (0, 501),
    "primary_distortion_limit": (-1, 1),
    "secondary_distortion_limit": (-1, 1),
    "temperature_limit": (3000, 15000),
}
"""What a form allows where Albumentations says nothing, for all transforms or as Transform.parameter for one."""

SLOW: dict[str, int] = {
    "PiecewiseAffine": 1300,
    "Superpixels": 150,
    "RandomFog": 40,
    "ThinPlateSpline": 30,
    "HEStain": 20,
    "GlassBlur": 20,
    "ShotNoise": 17,
    "GridElasticDeform": 14,
    "ElasticTransform": 9,
    "FancyPCA": 9,
    "Defocus": 8,
}
"""How many times as long as a rotation (half a millisecond) the slow ones take, measured at 224 px in colour.

A table and no measurement: what a check says shall not depend on what else the machine does."""
