#!/usr/bin/env bash
# Holds sealed files and keys against age, the reference implementation of their format: what one writes, the other reads, and what is
# damaged both refuse.
#
# Takes the program `age` that DECENTRALML_AGE names or that is on the PATH, with `age-keygen` beside it; where there is none, it builds
# both with Go (half a minute) and keeps them beside the build folder.
#
# Usage: scripts/age.sh             all of its tests
#        scripts/age.sh NAME...     those that are named
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
. scripts/age-program.sh

case ${1:-} in
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
ONLY=()
[[ $# -eq 0 ]] || ONLY=(--exact "$@")

find_age
echo "age $("$AGE" --version) is $AGE"
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
DECENTRALML_AGE=$AGE DECENTRALML_AGE_KEYGEN=$AGE_KEYGEN \
    cargo test --release --workspace --locked --test age --no-fail-fast -- --ignored --show-output "${ONLY[@]}"
