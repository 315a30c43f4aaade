#!/bin/sh
# From a fresh Debian 12 machine to live video in a browser:
#
#     sh examples/demo.sh [what `relay demo` takes]
#
# Makes `.venv` beside the sources, because Debian's pip installs nowhere else.
set -eu
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

if ! dpkg -s python3-venv >/dev/null 2>&1; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv
fi
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check ".[demo]"
exec .venv/bin/relay demo "$@"
