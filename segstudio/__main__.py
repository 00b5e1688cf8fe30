"""`python -m segstudio`: the same program as the `segstudio` command."""

from segstudio.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
