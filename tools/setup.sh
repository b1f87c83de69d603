#!/usr/bin/env bash
# Makes .venv hold exactly requirements.lock and this project. Called by the Makefile when one of them changed.
set -euo pipefail

fail() { echo "✗ $*" >&2; exit 1; }

command -v "$PYTHON" >/dev/null || fail "Python is missing: install Python 3.11 or newer (Debian: apt install python3 python3-venv)."
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$("$PYTHON" --version) is too old: install Python 3.11 or newer, or say PYTHON=/path/to/python3.11."
free_mb=$(df -Pm . | awk 'NR==2 {print $4}')
packages=$([ -x "$VENV/bin/python" ] && echo 300 || echo 2500)
[ "$free_mb" -ge "$packages" ] || fail "The disk has $free_mb MB free and the Python packages take $packages: free some space."

if ! "$VENV/bin/python" -c 'import pip' 2>/dev/null; then
  "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "Python's venv module is missing: install it (Debian: apt install python3-venv)."
  echo "Creating $VENV…"
  "$PYTHON" -m venv "$VENV" || fail "$VENV could not be created: delete it and try again."
fi
if [ "$("$VENV/bin/uv" --version 2>/dev/null | awk '{print $2}')" != "$UV_VERSION" ]; then
  echo "Installing uv $UV_VERSION…"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" ||
    fail "uv $UV_VERSION could not be installed: check the network and pip's settings, and try again."
fi
echo "Installing the Python packages…"
export VIRTUAL_ENV="$PWD/$VENV" UV_LINK_MODE="${UV_LINK_MODE:-copy}"
"$VENV/bin/uv" pip sync --require-hashes --compile-bytecode requirements.lock ||
  fail "The Python packages could not be installed: check the network and the disk, and try again."
"$VENV/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable . ||
  fail "This project could not be installed into $VENV: delete $VENV and try again."
