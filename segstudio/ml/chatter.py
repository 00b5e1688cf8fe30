"""TensorFlow's start-up chatter: what C++ writes to standard error before anybody can ask it not to.

It has no switch: those lines are written before the log level is read, and the failure to find a GPU's driver is an
error to TensorFlow on every machine without one. To a person at a terminal they look as if something were wrong.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator

CHATTER = re.compile(
    rb"""
    ^WARNING:\ All\ log\ messages\ before\ absl::InitializeLog
    | ^[IWE]\d{4}\ .*\b(port|cudart_stub|cuda_platform|cuda_executor|cuda_diagnostics|cpu_feature_guard
        |computation_placer|cuda_dnn|cuda_fft|cuda_blas|gpu_device)\.cc:
    | ^To\ enable\ the\ following\ instructions
    """,
    re.VERBOSE,
)
"""Lines that say nothing to a person; `segstudio doctor` and the run's device say what was found instead."""


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Within it, what is written to the descriptor of standard error comes out at the end, without the chatter.

    For a moment in which TensorFlow starts, not for long work: other threads' words are held back too. When it ends
    with an error, everything comes out.
    """
    try:
        kept = os.dup(2)
    except OSError:  # a program without a console has none
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        is_well = False
        try:
            yield
            is_well = True
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not (is_well and CHATTER.match(line)):
                    os.write(2, line)
