"""SegStudio: review, correct and retrain binary image segmentation."""

__version__ = "0.1.0"
