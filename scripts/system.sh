#!/usr/bin/env bash
# Installs the Debian packages that tests and benchmarks use, where they are missing.
set -euo pipefail

declare -A packages=(
  [/usr/sbin/nginx]=nginx-light
  [/usr/bin/redis-server]=redis-server
  [/usr/lib/postgresql]=postgresql
  [/usr/bin/curl]=curl
  [/usr/bin/wrk]=wrk
)
missing=()
for path in "${!packages[@]}"; do
  [ -e "$path" ] || missing+=("${packages[$path]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "These programs are missing and there is no apt-get to install them: ${missing[*]}" >&2
  exit 1
fi
run=()
[ "$(id -u)" -eq 0 ] || run=(sudo)
echo "Installing ${missing[*]} ..."
# Services are started by the tests on free ports, so none is started here.
printf '#!/bin/sh\nexit 101\n' >"${TMPDIR:-/tmp}/trunkline-policy"
policy=/usr/sbin/policy-rc.d
placed=
if [ ! -e "$policy" ]; then
  "${run[@]}" install -m 755 "${TMPDIR:-/tmp}/trunkline-policy" "$policy" && placed=1
fi
trap '[ -z "$placed" ] || "${run[@]}" rm -f "$policy"' EXIT
"${run[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
