# Sourced by run.sh and test.sh: brings everything that SegStudio needs to a fresh machine, and does nothing where it is
# there already. Needs Python 3.11+, pip and git; root or sudo only for Qt's system libraries on a bare Debian or Ubuntu.

here=$PWD
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root" || exit 1

say() { printf '%s\n' "segstudio: $*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else return 1
    fi
}

# uv makes the environment from uv.lock. Where it is missing, it goes into an environment of its own, so that neither the
# system's Python nor the user's is touched.
find_uv() {
    tools="${XDG_CACHE_HOME:-$HOME/.cache}/segstudio/tools"
    if command -v uv >/dev/null 2>&1; then uv=uv
    elif [ -x "$tools/bin/uv" ]; then uv="$tools/bin/uv"
    else
        say "installing uv into $tools"
        python=$(command -v python3 || command -v python) || { say "Python 3.11 or later is needed"; exit 1; }
        if "$python" -m venv "$tools" >/dev/null 2>&1; then
            "$tools/bin/python" -m pip install --quiet --disable-pip-version-check "uv>=0.8" || no_uv
        else
            # Debian without python3-venv: pip alone can still install into a folder.
            PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --quiet --disable-pip-version-check \
                --target "$tools/lib" "uv>=0.8" || no_uv
            mkdir -p "$tools/bin"
            ln -sf "$tools/lib/bin/uv" "$tools/bin/uv"
        fi
        uv="$tools/bin/uv"
    fi
}

no_uv() {
    rm -rf "$tools"  # half of it would be taken for all of it the next time
    say "could not install uv"
    say "hint: it needs the network, and pip (Debian and Ubuntu: apt-get install python3-pip); or install uv itself"
    exit 1
}

# Behind a company's proxy only the system knows which certificates to trust; a bare system has none, uv has its own.
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
fi

# Qt's own libraries come with PySide6; these are the ones it expects from the system.
qt_packages="libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
    libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libdbus-1-3 libfontconfig1 fonts-dejavu-core"

# Whether windows can be drawn; with the argument `shown`, whether they can also be shown on an X display.
qt_can_be() {
    [ "$(uname -s)" = Linux ] || return 0
    QT_QPA_PLATFORM=offscreen "$python" -W error - "$1" >/dev/null 2>&1 <<'PY' || return 1
from PySide6.QtWidgets import QApplication
from PySide6.QtGui import QFontDatabase
import ctypes, sys
app = QApplication([])
assert QFontDatabase.families()
of_x = ("libxcb-cursor.so.0", "libxcb-icccm.so.4", "libxcb-image.so.0", "libxcb-keysyms.so.1", "libxcb-render-util.so.0",
        "libxkbcommon-x11.so.0")
for library in of_x if sys.argv[1] == "shown" else ():
    ctypes.CDLL(library)
PY
}

install_qt_libraries() {
    qt_can_be shown && return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        say "Qt misses system libraries; install what your system calls: $qt_packages"
        return 0
    fi
    say "installing Qt's system libraries"
    # shellcheck disable=SC2086  # a list of words
    { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $qt_packages; } >/dev/null || {
        say "could not install: $qt_packages"
        qt_can_be drawn && return 0  # enough for everything without a display
        say "hint: install them by hand (as root), then start again"
        exit 1
    }
}

set_up() {
    find_uv
    say "preparing the environment"
    # uv's default cache and environment; the lock decides every version.
    # What was installed once, or lies in uv's cache, needs no network again.
    "$uv" sync --quiet --locked "$@" || { say "trying without the network"; "$uv" sync --quiet --locked --offline "$@"; } || exit 1
    python="$root/.venv/bin/python"
    install_qt_libraries
}
