#!/usr/bin/env bash
# Measures how fast updates in files are aggregated (mean, median, trimmed mean, multi-Krum), beside how fast the same program
# reads the same files. Writes out/aggregation.json and prints a table.
#
# Usage: scripts/aggregation.sh [updates [weights [samples]]]
#        by default 100 updates of 1,663,370 weights, 5 samples
# The files, 1.1 GB at a time by default, lie in the folder for temporary files ($TMPDIR) and have to fit into the disk cache.
# Times are worth something only on a machine that does nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

case ${1:-} in
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
mkdir -p out
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --quiet --release --workspace --locked --example aggregation
"$BIN/examples/aggregation" "${1:-100}" "${2:-1663370}" "${3:-5}" out/aggregation.json
