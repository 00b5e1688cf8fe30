"""SegStudio: review, correct and retrain binary image segmentation."""

__version__ = "0.2.0"
