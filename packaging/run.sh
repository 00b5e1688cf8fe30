#!/bin/sh
# Install what is missing and run SegStudio: the window on a sample project or, without a display, the same loop
# headless, ending with screenshots and a report. Arguments are passed on: `sh packaging/run.sh open MY_PROJECT`.
set -eu
. "$(dirname -- "$0")/setup.sh"
set_up --no-dev --inexact  # what a developer has installed beside it stays
if [ $# -gt 0 ]; then
    cd "$here"  # the caller's paths
    exec "$python" -m segstudio "$@"
elif [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname -s)" = Darwin ]; then
    exec "$python" -m segstudio demo
else
    # Only the folder of our own is made anew; one that was named must be new or empty.
    to="${SEGSTUDIO_DEMO:-}"
    if [ -z "$to" ]; then to="$root/build/demo"; rm -rf "$to"; else cd "$here"; fi
    say "no display: making, training and showing a sample project in $to"
    exec "$python" -m segstudio demo --no-window --to "$to"
fi
