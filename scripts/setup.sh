#!/usr/bin/env bash
# Creates .venv with exactly the locked requirements, and the project itself in place.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$(command -v python3.11 || command -v python3 || true)
if [ -z "$python" ]; then
  echo "Python 3.11 or newer is missing: install it (Debian: apt-get install python3.11 python3.11-venv)." >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Python 3.11 or newer is needed; $python is $("$python" --version)." >&2
  exit 1
fi
if [ ! -x .venv/bin/python ]; then
  # Debian keeps the part of venv that brings pip in a package of its own, named after the version.
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    run=()
    [ "$(id -u)" -eq 0 ] || run=(sudo)
    if ! command -v apt-get >/dev/null; then
      echo "Python's venv module is missing (Debian: apt-get install $package)." >&2
      exit 1
    fi
    echo "Installing $package ..."
    "${run[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "$package" >/dev/null
  fi
  "$python" -m venv .venv
fi
# uv installs the locked set in seconds; its version is the one in the lock.
uv_version=$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements/dev.txt)
if ! .venv/bin/uv --version 2>/dev/null | grep -q " $uv_version"; then
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
fi
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
touch .venv/.synced
