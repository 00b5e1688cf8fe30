"""Which errors of TensorFlow's say that memory does not suffice."""

import tensorflow as tf

OF_ONEDNN = ("could not create a primitive", "could not create a memory object")
"""How the library that computes convolutions on a CPU says that it got no memory: TensorFlow calls that aborted."""


def is_exhausted(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory."""
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return True
    return isinstance(error, tf.errors.OpError) and any(words in str(error) for words in OF_ONEDNN)
