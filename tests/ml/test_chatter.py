"""What TensorFlow says when it starts reaches nobody, and everything else does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from segstudio.ml.chatter import without_chatter

CHATTER = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795841401.9 15920 port.cc:153] oneDNN custom operations are on.\n"
    b"E0000 00:00:1795841401.9 15920 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\n"
)
WORDS = "E0000 00:00:1795841401.9 15920 allocator.cc:7] out of memory, спасите\n".encode()


def test_chatter_is_dropped_and_other_words_come_out(capfd: pytest.CaptureFixture[str]) -> None:
    with without_chatter():
        os.write(2, CHATTER + WORDS + b"a line without an end")
    assert capfd.readouterr().err == WORDS.decode() + "a line without an end"
    os.write(2, CHATTER)
    assert capfd.readouterr().err == CHATTER.decode()


def test_all_is_told_when_the_start_fails(capfd: pytest.CaptureFixture[str]) -> None:
    def start() -> None:
        with without_chatter():
            os.write(2, CHATTER + WORDS)
            raise ImportError("libcuda")

    with pytest.raises(ImportError):
        start()
    assert capfd.readouterr().err == (CHATTER + WORDS).decode()


@pytest.mark.skipif(sys.platform == "win32", reason="descriptor 2 cannot be closed so there")
def test_a_program_without_standard_error_starts_too() -> None:
    program = (
        "import os; os.close(2)\nfrom segstudio.ml.chatter import without_chatter\nwith without_chatter(): print('ok')"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=120, check=True)
    assert done.stdout.split() == [b"ok"]


def test_a_person_at_a_terminal_hears_only_the_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "segstudio", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, timeout=300, check=True)
    assert b".cc:" not in done.stderr, done.stderr.decode()
