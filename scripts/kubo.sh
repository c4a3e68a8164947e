#!/usr/bin/env bash
# Runs the storage tests and the demo against a real Kubo, the reference implementation of IPFS, and says what it did.
#
# Takes the program `ipfs` that DECENTRALML_IPFS names or that is on the PATH; where there is none, it builds Kubo 0.42 with Go
# (1.26 or later; two minutes, about 1 GB of downloads and caches) and keeps the program beside the build folder. That Kubo
# runs in a temporary repository on free ports of this machine, without peers but for a second one that a test starts. It is stopped and
# removed at the end, whatever happens.
#
# Usage: scripts/kubo.sh            the storage tests, then the demo
#        scripts/kubo.sh --tests [NAME...]
#                                   the storage tests only, or those that are named
#        scripts/kubo.sh --demo     the demo only, there and then on the embedded store, where its models must have the same CIDs; the
#                                   reports are in out/kubo and out/kubo-embedded
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
. scripts/kubo-program.sh

TESTS=1 DEMO=1 ONLY=()
DIR= PID=

die() {
    echo "kubo: $*" >&2
    exit 1
}

case ${1:-} in
    "") ;;
    --tests)
        DEMO=
        shift
        [[ $# -eq 0 ]] || ONLY=(--exact "$@")
        ;;
    --demo) TESTS= ;;
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) die "unknown argument $1; see --help" ;;
esac

stop() {
    local status=$? deadline=$((SECONDS + 10))
    trap '' INT TERM
    if [[ $PID ]]; then
        kill "$PID" 2>/dev/null || true
        while kill -0 "$PID" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.1; done
        kill -9 "$PID" 2>/dev/null || true
        wait "$PID" 2>/dev/null || true
    fi
    if [[ $DIR ]]; then
        ((status == 0)) || tail -n 20 "$DIR/kubo.log" 2>/dev/null >&2 || true
        rm -rf "$DIR"
    fi
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start_kubo() {
    DIR=$(mktemp -d)
    export IPFS_PATH="$DIR/repo" IPFS_TELEMETRY=off
    # Free ports of this machine only, no bootstrap nodes, no search for neighbors.
    "$KUBO" init --profile=test >/dev/null
    : >"$DIR/kubo.log"
    "$KUBO" daemon >"$DIR/kubo.log" 2>&1 &
    PID=$!
    until grep -q 'Daemon is ready' "$DIR/kubo.log"; do
        kill -0 "$PID" 2>/dev/null || die "Kubo has stopped; this is what it said:"
        ((SECONDS < 600)) || die "Kubo is not ready; this is what it said:"
        sleep 0.2
    done
    # /ip4/127.0.0.1/tcp/PORT
    URL="http://127.0.0.1:$(sed 's:.*/::' "$IPFS_PATH/api")"
    echo "Kubo $("$KUBO" version --number) answers at $URL, in a temporary repository, without peers"
}

find_kubo
echo "Building tests and programs …"
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
[[ ! $TESTS ]] || cargo test --release --workspace --locked --test kubo --test contract --no-run
[[ ! $DEMO ]] || cargo build --release --workspace --locked
SECONDS=0
start_kubo
if [[ $TESTS ]]; then
    DECENTRALML_KUBO=$URL DECENTRALML_IPFS=$KUBO cargo test --release --workspace --locked --test kubo --test contract --no-fail-fast -- --ignored --show-output "${ONLY[@]}"
fi
if [[ $DEMO ]]; then
    demo() { "$BIN/decentralml" demo --node "$BIN/decentralml-node" "$@"; }
    demo --out out/kubo --ipfs "$URL"
    cid=$(sed -n 's/.*"model_cid": "\(.*\)".*/\1/p' out/kubo/report.json)
    # Kubo's own program, which shares no code with ours, gives the released model byte for byte.
    "$KUBO" cat "$cid" | cmp - out/kubo/model.safetensors || die "Kubo gives other bytes for $cid than the demo kept"
    # Which bytes are a model must not hang on who keeps them: the same seed and the same chain give the same models on both stores.
    echo "The same demo on the embedded store …"
    demo --out out/kubo-embedded
    models() { sed -n 's/.*"cid": "\(.*\)".*/\1/p' "$1/rounds.json"; }
    models out/kubo >"$DIR/kubo.models"
    models out/kubo-embedded >"$DIR/embedded.models"
    [[ -s $DIR/kubo.models ]] || die "out/kubo/rounds.json names no model"
    diff "$DIR/kubo.models" "$DIR/embedded.models" >&2 ||
        die "the models of out/kubo (<) and out/kubo-embedded (>) differ. Their rounds.json and logs say where: a worker that was too \
late for a round, as on a busy machine, changes the model"
    cmp out/kubo/model.safetensors out/kubo-embedded/model.safetensors || die "the released models differ"
    echo "All $(wc -l <"$DIR/kubo.models") models of the demo have the same CIDs on Kubo and on the embedded store"
    echo "Kubo itself gives the released model $cid, byte for byte; it holds $("$KUBO" pin ls --type=recursive -q | wc -l) pinned files"
fi
echo "done in $SECONDS s; Kubo is stopped and its repository removed"
