"""TensorFlow lives here and nowhere else: data, fit, predict, device. It knows networks and arrays, not projects."""

import os

# Both must be said before the first import of TensorFlow: its start-up chatter is not a user's business.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

from segstudio.ml.chatter import without_chatter

with without_chatter():
    import tensorflow as tf  # noqa: F401 - whatever is imported of this package needs it
