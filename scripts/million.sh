#!/usr/bin/env bash
# Tells how much memory a simulated run with a million virtual clients takes: the peak (VmHWM) of `decentralml simulate`, looked at
# fifty times a second, beside that of the same run with a thousand clients. What they differ by, over the number of clients that are
# more, is what an idle client takes.
#
# The run is client/simulator/examples/million.toml, 100 clients of 20 rows in a round, with `mlp` on the digits that the repository
# carries and, where MNIST is in $DECENTRALML_DATA, with `2nn` on that. Prints a table in Markdown and writes out/million.json. Fails
# when a run took more than 1 GB, or an idle client more than 64 bytes.
#
# Usage: scripts/million.sh [--rounds N]
#        --rounds   rounds of each run; 5 if not given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

FEW=1000 MANY=1000000
# What a run may take, in KiB, and an idle client, in bytes.
LIMIT=976562 IDLE=64
DIR='' PID=''

die() {
	echo "million: $*" >&2
	exit 1
}

ROUNDS=5
case ${1:-} in
	'') ;;
	--rounds) ROUNDS=${2:?} ;;
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	*) echo "million: unknown argument $1; see --help" >&2; exit 2 ;;
esac

stop() {
	trap '' INT TERM
	if [[ $PID ]]; then
		kill "$PID" 2>/dev/null || true
		wait "$PID" 2>/dev/null || true
	fi
	[[ ! $DIR ]] || rm -rf "$DIR"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[[ -e /proc/self/status ]] || die "the peak of the memory is read from /proc, which only Linux has"
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --release --workspace --locked --bin decentralml
DIR=$(mktemp -d "$(dirname "$CARGO_TARGET_DIR")/million.XXXXXX")

# Runs $1 clients with the model $2 on the rows $3, fields of a run file; sets PEAK, in KiB, and SECONDS_TAKEN.
simulate() {
	local start now
	sed -e "s/^clients = .*/clients = $1/" -e "s/^rounds = .*/rounds = $ROUNDS/" -e "s/^name = \"mlp\"/name = \"$2\"/" \
		-e "s|^file = \"digits\"|$3|" client/simulator/examples/million.toml >"$DIR/run.toml"
	start=$(date +%s%N)
	PEAK=0
	"$BIN/decentralml" --json simulate "$DIR/run.toml" --restart --out "$DIR/run" >"$DIR/log" 2>&1 &
	PID=$!
	while kill -0 "$PID" 2>/dev/null; do
		now=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$PID/status" 2>/dev/null || true)
		((${now:-0} <= PEAK)) || PEAK=$now
		sleep 0.02
	done
	wait "$PID" || die "the run has failed: $(tail -n 5 "$DIR/log")"
	PID=''
	SECONDS_TAKEN=$(awk -v ns="$(($(date +%s%N) - start))" 'BEGIN { printf "%.1f", ns / 1e9 }')
}

JSON=()
FAILED=''
# Runs few clients and many with the rows named $1, the model $2 and the fields $3.
measure() {
	local few seconds idle
	simulate "$FEW" "$2" "$3"
	few=$PEAK seconds=$SECONDS_TAKEN
	simulate "$MANY" "$2" "$3"
	idle=$(awk -v kib="$((PEAK - few))" -v more="$((MANY - FEW))" 'BEGIN { printf "%.1f", kib * 1024 / more }')
	printf '| %s | %d | %d | %s | %s |\n' "$1, \`$2\`" "$((few * 1024 / 1000000))" "$((PEAK * 1024 / 1000000))" "$idle" \
		"$seconds, $SECONDS_TAKEN"
	JSON+=("    { \"data\": \"$1\", \"model\": \"$2\", \"peak_kib_few\": $few, \"peak_kib\": $PEAK, \
\"idle_client_bytes\": $idle, \"seconds_few\": $seconds, \"seconds\": $SECONDS_TAKEN }")
	((PEAK <= LIMIT)) || FAILED="a run took more than 1 GB"
	awk -v idle="$idle" -v limit="$IDLE" 'BEGIN { exit idle > limit }' || FAILED="an idle client took more than $IDLE bytes"
}

echo "$ROUNDS rounds:"
echo
echo "| Rows, model | MB at most, a thousand clients | a million | bytes an idle client | seconds |"
echo "| --- | --- | --- | --- | --- |"
measure digits mlp 'file = "digits"'
DATA=${DECENTRALML_DATA:-../shared/data}/mnist
if [[ -e $DATA/train-images-idx3-ubyte.gz ]]; then
	DATA=$(realpath "$DATA")
	measure mnist 2nn "file = \"$DATA/train-images-idx3-ubyte.gz\"\nlabels = \"$DATA/train-labels-idx1-ubyte.gz\"\n\
test = \"$DATA/t10k-images-idx3-ubyte.gz\"\ntest_labels = \"$DATA/t10k-labels-idx1-ubyte.gz\""
fi

mkdir -p out
{
	printf '{\n  "date": "%s",\n  "cores": %d,\n  "clients_few": %d,\n  "clients": %d,\n  "rounds": %d,\n  "runs": [\n' \
		"$(date -u +%F)" "$(nproc)" "$FEW" "$MANY" "$ROUNDS"
	(IFS=$'\n'; echo "${JSON[*]}" | sed '$!s/$/,/')
	printf '  ]\n}\n'
} >out/million.json
[[ ! $FAILED ]] || die "$FAILED"
