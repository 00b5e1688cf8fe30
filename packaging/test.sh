#!/bin/sh
# Install what is missing and pass every check and test. Arguments go to pytest.
set -eu
. "$(dirname -- "$0")/setup.sh"
set_up
if [ -z "${SEGSTUDIO_TEST_DATA:-}" ] && [ -d "$root/../shared/data" ]; then
    SEGSTUDIO_TEST_DATA=$(CDPATH= cd -- "$root/../shared/data" && pwd)
fi
export SEGSTUDIO_TEST_DATA="${SEGSTUDIO_TEST_DATA:-}"
export QT_QPA_PLATFORM=offscreen NO_ALBUMENTATIONS_UPDATE=1
if [ $# -eq 0 ]; then
    say "style, types and layers"
    "$python" -m ruff check .
    "$python" -m ruff format --check .
    "$python" -m mypy
    "$root/.venv/bin/lint-imports"
fi
say "tests"
if [ $# -eq 0 ]; then
    # A file is the smallest piece: what its tests share (trained runs, mostly) is made once; the long ones come first,
    # see tests/conftest.py. More than four processes with TensorFlow in each only stand in each other's way.
    set -- -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
fi
exec "$python" -m pytest "$@"
