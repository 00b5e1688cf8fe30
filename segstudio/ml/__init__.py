"""TensorFlow lives here and nowhere else: data, fit, predict, device. It knows networks and arrays, not projects."""

import os

# Both must be said before the first import of TensorFlow: its start-up chatter is not a user's business.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
