"""Transforms of our own, written as those of Albumentations are: one file, one transform, found by its class's name.

Each file is imported by `library.transform_class` alone, because Albumentations takes more than a second to load.
"""
