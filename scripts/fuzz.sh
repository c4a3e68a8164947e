#!/usr/bin/env bash
# Gives every decoder of what comes from outside a million damaged inputs, and ends with the first that one of them does not bear.
#
# Inputs follow from the seed and their number alone: a failure prints the command that makes its input again. The same runs with two
# thousand inputs for each in scripts/test.sh.
#
# Usage: scripts/fuzz.sh [--inputs N] [--seed N] [--only N] [DECODER…]
#        --inputs N   inputs for each decoder [default: 1000000]
#        --seed N     others than those of seed 0, which are the default
#        --only N     the input of that number alone
#        DECODER      as failures name it, such as car, cid-text, calls or runtime-api [default: all]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

export DECENTRALML_FUZZ=1000000
decoders=
while (($#)); do
	case $1 in
		--inputs) DECENTRALML_FUZZ=${2:?--inputs wants a number} ;;
		--seed) export DECENTRALML_FUZZ_SEED=${2:?--seed wants a number} ;;
		--only) export DECENTRALML_FUZZ_ONLY=${2:?--only wants a number} ;;
		-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
		-*) echo "fuzz: unknown argument $1; see --help" >&2; exit 2 ;;
		*) decoders+="${decoders:+,}$1"; shift; continue ;;
	esac
	shift 2
done
export DECENTRALML_FUZZ_DECODERS=$decoders

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo test --release --workspace --locked --test fuzz -- --nocapture 2>&1 | tee "$log"
for decoder in ${decoders//,/ }; do
	grep -q "^$decoder: .* inputs" "$log" || { echo "fuzz: there is no decoder $decoder" >&2; exit 2; }
done
