#!/usr/bin/env bash
# Measures what the calls weigh and writes runtime/src/weights/: to be run on the machine whose speed shall count, after a
# change of a call, of its benchmark or of the database's costs. Nothing else on that machine should be busy meanwhile.
#
# Usage: scripts/weights.sh [--steps N] [--repeat N] [--seconds N] [PALLET …]
#        scripts/weights.sh --check [PALLET …]
#
#   PALLET    which to measure (default: all whose weights are kept, which are those that have a file). Any other pallet of
#             runtime/src/benchmarks.rs is measured too, and what was found only printed.
#   --steps   values of a varying size (default 50)
#   --repeat  runs at each of them (default 20)
#   --seconds how long each benchmark is repeated, at least (default 10)
#   --check   takes no times and writes nothing: counts the rows that each call reads and writes in its worst case, compares
#             them and how long each row can be with the files, names each difference, and ends with status 1 where there is
#             one. It runs every benchmark, and what that claims of the state afterwards. Any machine will do, and a busy one.
#
# The runtime is built with the feature runtime-benchmarks in a folder of its own (WEIGHTS_TARGET_DIR), as WebAssembly only, so
# that the ordinary build stays what it is. It must compile before it can be measured: a new call first gets a function by
# hand, and a new pallet a file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

WEIGHTS="$ROOT/runtime/src/weights"

usage() {
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
	exit "$1"
}

number() { [[ ${1:-} =~ ^[1-9][0-9]*$ ]] || usage 2 >&2; }

command=measure
steps=()
effort=()
pallets=()
while (($#)); do
	case $1 in
		--check) command=check; shift ;;
		--steps) number "${2:-}"; steps=("$1" "$2"); shift 2 ;;
		--repeat | --seconds) number "${2:-}"; effort+=("$1" "$2"); shift 2 ;;
		-h | --help) usage 0 ;;
		-*) usage 2 >&2 ;;
		*) pallets+=("${1//-/_}"); shift ;;
	esac
done
# A check counts as measuring does.
[[ $command == measure ]] || ((${#steps[@]} + ${#effort[@]} == 0)) || usage 2 >&2

scripts/setup.sh

# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --quiet --release --workspace --locked --bin decentralml-weights

# As substrate-wasm-builder builds it for validators, which would build all pallets natively as well.
folder="${WEIGHTS_TARGET_DIR:-$CARGO_TARGET_DIR-weights}"
echo "Building the runtime with its benchmarks in $folder (some minutes the first time)"
env -u CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR="$folder" RUSTFLAGS="--cfg substrate_runtime" \
	CARGO_PROFILE_RELEASE_PANIC=abort CARGO_PROFILE_RELEASE_LTO=thin \
	cargo rustc --quiet --release --locked -p decentralml-runtime --lib --crate-type cdylib --target wasm32v1-none \
	--no-default-features --features runtime-benchmarks -- \
	-C link-arg=--export-table -C link-arg=--export=__heap_base -C link-arg=--import-memory

weights() {
	"$BIN/decentralml-weights" --runtime "$folder/wasm32v1-none/release/decentralml_runtime.wasm" --weights "$WEIGHTS" \
		"${steps[@]}" "$@" "${pallets[@]}"
}

if [[ $command == check ]]; then
	weights check
else
	processor=$(sed -n '/^model name/{s/.*: //p;q}' /proc/cpuinfo)
	status=0
	weights measure "${effort[@]}" --place "$(date -u +%F), ${processor:-an unknown processor}" || status=$?
	# What was written before something failed has its form, too.
	rustfmt --edition 2024 "$WEIGHTS"/*.rs
	exit "$status"
fi
