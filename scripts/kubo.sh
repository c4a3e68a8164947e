#!/usr/bin/env bash
# Runs the storage tests and the demo against a real Kubo, the reference implementation of IPFS, and says what it did.
#
# Takes the program `ipfs` that DECENTRALML_IPFS names or that is on the PATH; where there is none, it builds Kubo 0.42 with Go
# (1.26 or later; two minutes, about 1 GB of downloads and caches) and keeps the program beside the build folder. That Kubo
# runs in a temporary repository on free ports of this machine, without peers. It is stopped and removed at the end,
# whatever happens.
#
# Usage: scripts/kubo.sh            the storage tests, then the demo
#        scripts/kubo.sh --tests    the storage tests only
#        scripts/kubo.sh --demo     the demo only; its report is in out/kubo
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

VERSION=v0.42.0
TESTS=1 DEMO=1
DIR= PID=

die() {
    echo "kubo: $*" >&2
    exit 1
}

case ${1:-} in
    "") ;;
    --tests) DEMO= ;;
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

# The program: one that is there, or one that is built now.
find_kubo() {
    local built
    built="$(dirname "$CARGO_TARGET_DIR")/kubo-$VERSION/ipfs"
    KUBO=${DECENTRALML_IPFS:-$(command -v ipfs || true)}
    [[ ! $KUBO && -x $built ]] && KUBO=$built
    [[ ! $KUBO ]] || return 0
    local go
    go=$(command -v go || echo /usr/local/go/bin/go)
    [[ -x $go ]] || die "there is neither \`ipfs\` nor Go to build it with. Install Kubo (https://docs.ipfs.tech/install) or Go \
(https://go.dev/doc/install), or name the program with DECENTRALML_IPFS"
    echo "Building Kubo $VERSION into $(dirname "$built") …"
    mkdir -p "$(dirname "$built")"
    # `go install` does not take a module of this kind; a module that requires it builds it as any other.
    printf 'module kubo\n\ngo 1.26.4\n\nrequire github.com/ipfs/kubo %s\n' "$VERSION" >"$(dirname "$built")/go.mod"
    (cd "$(dirname "$built")" && "$go" build -mod=mod -o ipfs.new github.com/ipfs/kubo/cmd/ipfs && mv ipfs.new ipfs)
    KUBO=$built
}

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
[[ ! $TESTS ]] || cargo test --release --workspace --locked --test kubo --no-run
[[ ! $DEMO ]] || cargo build --release --workspace --locked
SECONDS=0
start_kubo
if [[ $TESTS ]]; then
    DECENTRALML_KUBO=$URL DECENTRALML_IPFS=$KUBO cargo test --release --workspace --locked --test kubo -- --ignored
fi
if [[ $DEMO ]]; then
    "$BIN/decentralml" demo --node "$BIN/decentralml-node" --out out/kubo --ipfs "$URL"
    cid=$(sed -n 's/.*"model_cid": "\(.*\)".*/\1/p' out/kubo/report.json)
    # Kubo's own program, which shares no code with ours, gives the released model byte for byte.
    "$KUBO" cat "$cid" | cmp - out/kubo/model.safetensors || die "Kubo gives other bytes for $cid than the demo kept"
    echo "Kubo itself gives the released model $cid, byte for byte; it holds $("$KUBO" pin ls --type=recursive -q | wc -l) pinned files"
fi
echo "done in $SECONDS s; Kubo is stopped and its repository removed"
