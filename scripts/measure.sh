#!/usr/bin/env bash
# Measures what docs/benchmarks.md shows: sizes of the programs, memory of a node after its start, and how long it takes from
# a change in one pallet to its tests' results. Writes out/measure.json and prints a table.
#
# Usage: scripts/measure.sh            on the build that is there (made first where it is not)
#        scripts/measure.sh --cold     also builds everything, tests included, from nothing, and tells how long it took and how
#                                      much memory: where nothing is built yet, in the usual folder, otherwise in an empty one
#                                      beside it (some 10 GB, deleted afterwards)
# Times are worth something only on a machine that does nothing else; the table says how busy it was at the start.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

COLD=
case ${1:-} in
	'') ;;
	--cold) COLD=1 ;;
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	*) echo "measure: unknown argument $1; see --help" >&2; exit 2 ;;
esac
scripts/setup.sh

mkdir -p "$(dirname "$CARGO_TARGET_DIR")"
DIR=$(mktemp -d "$(dirname "$CARGO_TARGET_DIR")/measure.XXXXXX")
NODE_PID=
BUILD_PID=
# The file that is changed, in its time stamp alone.
CHANGED=pallets/tasks/src/lib.rs
stop() {
	trap '' INT TERM
	# The build is a process group: Cargo, and the compilers that it has started.
	[[ ! $BUILD_PID ]] || kill -- "-$BUILD_PID" 2>/dev/null || true
	[[ ! $NODE_PID ]] || kill "$NODE_PID" 2>/dev/null || true
	wait
	[[ ! -e $DIR/stamp ]] || touch -r "$DIR/stamp" "$CHANGED"
	rm -rf "$DIR"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

load=$(cut -d ' ' -f 1 /proc/loadavg)
cold=null
cold_peak=null

# MB in the memory of all processes of group $1 together. Pages that they share count for each.
group_memory() {
	# Fields 5 and 24 of proc_pid_stat(5); the name before them may contain spaces.
	cat /proc/[0-9]*/stat 2>/dev/null \
		| awk -v group="$1" -v page="$(getconf PAGESIZE)" \
			'{ sub(/^.*\) /, ""); if ($3 == group) pages += $22 } END { print int(pages * page / 1000000) }' || true
}

if [[ $COLD ]]; then
	# What is downloaded once is not part of a build.
	cargo fetch --locked
	target="$CARGO_TARGET_DIR"
	[[ ! -e $target/release ]] || target="$DIR/target"
	set -m
	(
		export CARGO_TARGET_DIR="$target"
		cargo build --release --workspace --locked && cargo test --release --workspace --locked --no-run
	) &
	BUILD_PID=$!
	set +m
	SECONDS=0
	cold_peak=0
	while kill -0 "$BUILD_PID" 2>/dev/null; do
		now=$(group_memory "$BUILD_PID")
		((now <= cold_peak)) || cold_peak=$now
		sleep 1
	done
	wait "$BUILD_PID"
	cold=$SECONDS
	BUILD_PID=
	rm -rf "$DIR/target"
fi

cargo build --release --workspace --locked

"$BIN/decentralml-node" --dev --base-path "$DIR/chain" --rpc-port 0 --listen-addr /ip4/127.0.0.1/tcp/0 \
	--no-mdns --no-prometheus --no-telemetry >"$DIR/node.log" 2>&1 &
NODE_PID=$!
SECONDS=0
until grep -q 'Imported #10 ' "$DIR/node.log"; do
	kill -0 "$NODE_PID" 2>/dev/null && ((SECONDS < 120)) || {
		echo "measure: the node has not made ten blocks; this is what it said last:" >&2
		tail "$DIR/node.log" >&2
		exit 1
	}
	sleep 0.5
done
memory=$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$NODE_PID/status")
peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$NODE_PID/status")
kill "$NODE_PID"
wait "$NODE_PID" || true
NODE_PID=

# The change: a pallet's time stamp, which makes Cargo compile it again, and the tests that its author runs. The stamp is put back
# at the end: otherwise the next build would compile the runtime and the node again.
cargo test --release --locked -p pallet-tasks --no-run
touch -r "$CHANGED" "$DIR/stamp"
touch "$CHANGED"
SECONDS=0
cargo test --release --locked -p pallet-tasks --quiet >/dev/null
pallet=$SECONDS

megabytes() { echo $(($(stat -c %s "$1") / 1000000)); }
node=$(megabytes "$BIN/decentralml-node")
client=$(megabytes "$BIN/decentralml")
runtime=$(($(stat -c %s "$BIN/wbuild/decentralml-runtime/decentralml_runtime.compact.compressed.wasm") / 1000))
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)

mkdir -p out
cat >out/measure.json <<END_JSON
{
  "date": "$(date -u +%F)",
  "cpu": "$cpu",
  "cores": $(nproc),
  "load_before": $load,
  "cold_build_seconds": $cold,
  "cold_build_memory_peak_mb": $cold_peak,
  "pallet_change_to_test_seconds": $pallet,
  "node_binary_mb": $node,
  "client_binary_mb": $client,
  "runtime_kb": $runtime,
  "node_memory_mb": $memory,
  "node_memory_peak_mb": $peak
}
END_JSON

row() { printf '| %-58s | %-10s | %-8s |\n' "$@"; }
row "What" "Measured" "Limit"
row "---" "---" "---"
if [[ $COLD ]]; then
	row "cold build of programs and tests" "$(((cold + 59) / 60)) min" "55 min"
	row "its memory at most, all compilers together" "$cold_peak MB" ""
fi
row "a change in one pallet to its tests' results" "$pallet s" "180 s"
row "decentralml-node, stripped" "$node MB" "70 MB"
row "decentralml, stripped" "$client MB" ""
row "runtime, compressed" "$runtime kB" ""
row "memory of a development node after 10 blocks" "$memory MB" "150 MB"
row "its peak, while the runtime is compiled" "$peak MB" ""
row "load of the machine's $(nproc) cores at the start" "$load" ""
echo "Written to out/measure.json."
