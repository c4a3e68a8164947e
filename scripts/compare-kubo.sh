#!/usr/bin/env bash
# Compares the embedded store with a real Kubo, the reference implementation of IPFS: the CIDs of some fifty files and directories
# of up to 2 GiB, the speed of each at the same work, the peak of their memory, and how soon they are there.
#
# Takes the Kubo that scripts/kubo.sh takes, or builds it as that does. Both run on free ports of this machine, in a folder beside the
# build folder that is removed at the end; it takes up to 8 GB. Prints a table in Markdown and writes out/compare-kubo.json.
# Fails when a CID differs; a goal that is missed is named as such. Speeds are worth something only on a machine that does nothing else.
#
# Usage: scripts/compare-kubo.sh [--quick]
#        --quick   smaller files and fewer rounds, in about a minute
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
. scripts/kubo-program.sh

QUICK=
case ${1:-} in
	'') ;;
	--quick) QUICK=1 ;;
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	*) echo "compare-kubo: unknown argument $1; see --help" >&2; exit 2 ;;
esac

DIR=
PID=
stop() {
	trap '' INT TERM
	# A process group: the comparison and the programs that it has started.
	[[ ! $PID ]] || kill -- "-$PID" 2>/dev/null || true
	wait
	[[ ! $DIR ]] || rm -rf "$DIR"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

find_kubo
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --release --workspace --locked
cargo build --release --workspace --locked --example compare_kubo
DIR=$(mktemp -d "$(dirname "$CARGO_TARGET_DIR")/compare.XXXXXX")
set -m
"$BIN/examples/compare_kubo" --ours "$BIN/decentralml" --kubo "$KUBO" --folder "$DIR" --out out/compare-kubo.json \
	--date "$(date -u +%F)" ${QUICK:+--quick} &
PID=$!
set +m
status=0
wait "$PID" || status=$?
PID=
exit "$status"
