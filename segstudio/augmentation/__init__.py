"""Augmentation: recipes, the catalogue of Albumentations transforms, and their safety check."""
