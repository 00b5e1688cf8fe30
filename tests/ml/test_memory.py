"""Which errors mean that memory does not suffice."""

import pytest
import tensorflow as tf

from segstudio.ml.memory import is_exhausted

# As it came from a training of 1024 px in a process that may take 3.6 GB.
ONEDNN = (
    "Graph execution error:\n\nDetected at node FusedBatchNormV3\nOperation received an exception:Status: 1, message: "
    "could not create a primitive, in file tensorflow/core/kernels/mkl/mkl_fused_batch_norm_op.cc:1188"
)


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"), True),
        (tf.errors.AbortedError(None, None, ONEDNN), True),
        (tf.errors.AbortedError(None, None, "stopped"), False),
        (tf.errors.InvalidArgumentError(None, None, "shapes differ"), False),
        (ValueError("could not create a primitive"), False),
    ],
)
def test_what_means_that_memory_does_not_suffice(error, is_memory):
    assert is_exhausted(error) is is_memory
