#!/usr/bin/env bash
# Looks for calls that lose, make or strand money: random accounts make random calls on the whole runtime, in one process, and the council
# sets other parameters now and then. After each call every pallet proves its state, all money is counted, and every account owns what
# the events say, by the parameters that held when each task, case and challenge began; in the end everything is
# wound down, and nothing may be left. The first violation is reduced to the fewest steps that still lead to it, written to a file, and
# ends it with status 1. Prints how often each call, phase, failure and fault was reached, and writes out/fuzz-money.json.
#
# Usage: scripts/fuzz-money.sh [N] [--seed N] [--replay FILE] [--steps N] [--threads N]
#        N              operations, transactions and blocks, at least [default: 20000]
#        --seed N       the same run again; by default another one each time, whose seed is printed
#        --replay FILE  the steps of such a file again, with every call and what it came to
#        --steps N      steps on each chain [default: 120]
#        --threads N    chains at a time [default: one for each core]
# From 20,000 operations on it also fails where something was never reached, 100,000 more included.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

case ${1:-} in
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
mkdir -p out
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --quiet --release --workspace --locked --bin fuzz-money
"$BIN/fuzz-money" "$@"
