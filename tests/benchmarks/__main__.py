"""All benchmarks, one after the other, each in a process of its own: `python -m tests.benchmarks [NAME ...]`."""

import subprocess
import sys
from pathlib import Path

PREFIX = "bench_"


def main(wanted: list[str]) -> int:
    """Run the named benchmarks, or all; returns how many failed."""
    names = sorted(path.stem for path in Path(__file__).parent.glob(f"{PREFIX}*.py"))
    chosen = [name for name in names if not wanted or name.removeprefix(PREFIX) in wanted]
    failed = 0
    for name in chosen:
        print(f"\n=== {name.removeprefix(PREFIX)}", flush=True)
        failed += subprocess.call([sys.executable, "-m", f"tests.benchmarks.{name}"]) != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
