#!/usr/bin/env bash
# Measures what the calls weigh and writes runtime/src/weights/: to be run on the machine whose speed shall count, after a
# change of a call, of its benchmark or of the database's costs. Nothing else on that machine should be busy meanwhile.
#
# Usage: scripts/weights.sh [--steps N] [--repeat N] [PALLET …]
#
#   PALLET    which to measure (default: all whose weights are kept). Any other pallet of runtime/src/benchmarks.rs is measured
#             too, and what was found only printed.
#   --steps   values of a varying size (default 50)
#   --repeat  runs at each of them (default 20)
#
# The runtime is built with the feature runtime-benchmarks in a folder of its own (WEIGHTS_TARGET_DIR), so that the ordinary
# build stays what it is. It must compile before it can be measured: a new call first gets a function by hand.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

KEPT=(pallet_participants pallet_tasks pallet_assignments pallet_results pallet_validation pallet_models
	pallet_data pallet_disputes pallet_challenges pallet_parameters pallet_babe pallet_grandpa)
BENCHER_VERSION=0.28.0
BENCHER_ROOT="${CARGO_TARGET_DIR%/*}/bencher"
WEIGHTS="$ROOT/runtime/src/weights"

usage() {
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
	exit "$1"
}

number() { [[ ${1:-} =~ ^[1-9][0-9]*$ ]] || usage 2 >&2; }

steps=50
repeat=20
pallets=()
while (($#)); do
	case $1 in
		--steps) number "${2:-}"; steps=$2; shift 2 ;;
		--repeat) number "${2:-}"; repeat=$2; shift 2 ;;
		-h | --help) usage 0 ;;
		-*) usage 2 >&2 ;;
		*) pallets+=("${1//-/_}"); shift ;;
	esac
done
((${#pallets[@]})) || pallets=("${KEPT[@]}")

is_kept() { [[ " ${KEPT[*]} " == *" $1 "* ]]; }

# The bencher brings RocksDB, whose bindings are made with libclang: half an hour, once.
install_bencher() {
	PATH="$BENCHER_ROOT/bin:$PATH"
	if command -v frame-omni-bencher >/dev/null; then
		scripts/setup.sh
		return
	fi
	if compgen -G '/usr/lib/llvm-*/lib/libclang.so' >/dev/null; then
		scripts/setup.sh
	else
		scripts/setup.sh libclang:libclang-dev
	fi
	echo "Installing frame-omni-bencher $BENCHER_VERSION into $BENCHER_ROOT (takes half an hour, once)"
	# Without a target folder Cargo builds in a temporary one.
	env -u CARGO_TARGET_DIR cargo install --locked --root "$BENCHER_ROOT" \
		"frame-omni-bencher@$BENCHER_VERSION"
}

install_bencher

export CARGO_TARGET_DIR="${WEIGHTS_TARGET_DIR:-$CARGO_TARGET_DIR-weights}"
echo "Building the runtime with its benchmarks in $CARGO_TARGET_DIR"
cargo build --release --locked -p decentralml-runtime --features runtime-benchmarks
runtime="$CARGO_TARGET_DIR/release/wbuild/decentralml-runtime/decentralml_runtime.wasm"

for pallet in "${pallets[@]}"; do
	echo "== $pallet"
	output=()
	if is_kept "$pallet"; then
		output=(--template scripts/weights.hbs --output "$WEIGHTS/$pallet.rs")
	fi
	frame-omni-bencher v1 benchmark pallet --runtime "$runtime" \
		--genesis-builder runtime --genesis-builder-preset development \
		--pallet "$pallet" --extrinsic '*' --steps "$steps" --repeat "$repeat" \
		--no-storage-info "${output[@]}"
	if is_kept "$pallet"; then
		rustfmt --edition 2024 "$WEIGHTS/$pallet.rs"
	fi
done
