#!/usr/bin/env bash
# Measures what docs/benchmarks.md shows: sizes of the programs, memory of a node after its start, and how long it takes from
# a change in one pallet to its tests' results. Writes out/measure.json and prints a table.
#
# Usage: scripts/measure.sh            on the build that is there (made first where it is not)
#        scripts/measure.sh --cold     also builds everything, tests included, into an empty folder, and tells how long it took
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
scripts/setup.sh

DIR=$(mktemp -d)
NODE_PID=
stop() {
	if [[ $NODE_PID ]]; then
		kill "$NODE_PID" 2>/dev/null || true
		wait "$NODE_PID" 2>/dev/null || true
	fi
	rm -rf "$DIR"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cold=null
if [[ ${1:-} == --cold ]]; then
	SECONDS=0
	CARGO_TARGET_DIR="$DIR/target" cargo build --release --workspace --locked
	CARGO_TARGET_DIR="$DIR/target" cargo test --release --workspace --locked --no-run
	cold=$SECONDS
fi

cargo build --release --workspace --locked

"$BIN/decentralml-node" --dev --base-path "$DIR/chain" --rpc-port 0 --listen-addr /ip4/127.0.0.1/tcp/0 \
	--no-mdns --no-prometheus --no-telemetry >"$DIR/node.log" 2>&1 &
NODE_PID=$!
until grep -q 'Imported #10 ' "$DIR/node.log"; do
	kill -0 "$NODE_PID" 2>/dev/null || { tail "$DIR/node.log" >&2; exit 1; }
	sleep 0.5
done
memory=$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$NODE_PID/status")
peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$NODE_PID/status")

# The change: a pallet's time stamp, which makes Cargo compile it again, and the tests that its author runs.
cargo test --release --locked -p pallet-tasks --no-run
touch pallets/tasks/src/lib.rs
SECONDS=0
cargo test --release --locked -p pallet-tasks --quiet >/dev/null
pallet=$SECONDS

megabytes() { echo $(($(stat -c %s "$1") / 1000000)); }
node=$(megabytes "$BIN/decentralml-node")
client=$(megabytes "$BIN/decentralml")
runtime=$(($(stat -c %s "$BIN/wbuild/decentralml-runtime/decentralml_runtime.compact.compressed.wasm") / 1000))
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)

mkdir -p out
cat >out/measure.json <<END
{
  "date": "$(date -u +%F)",
  "cpu": "$cpu",
  "cores": $(nproc),
  "cold_build_seconds": $cold,
  "pallet_change_to_test_seconds": $pallet,
  "node_binary_mb": $node,
  "client_binary_mb": $client,
  "runtime_kb": $runtime,
  "node_memory_mb": $memory,
  "node_memory_peak_mb": $peak
}
END

row() { printf '| %-58s | %-10s | %-8s |\n' "$@"; }
row "What" "Measured" "Limit"
row "---" "---" "---"
[[ $cold == null ]] || row "cold build of programs and tests" "$((cold / 60)) min" "55 min"
row "a change in one pallet to its tests' results" "$pallet s" "180 s"
row "decentralml-node, stripped" "$node MB" "70 MB"
row "decentralml, stripped" "$client MB" ""
row "runtime, compressed" "$runtime kB" ""
row "memory of a development node after 10 blocks" "$memory MB" "150 MB"
row "its peak, while the runtime is compiled" "$peak MB" ""
