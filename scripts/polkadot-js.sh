#!/usr/bin/env bash
# Starts a development node on free ports, lets the Polkadot-JS program under tests/polkadot-js test it, and stops the node.
# Fails where a test does, and then shows the end of the node's log. Leaves no process and no database behind.
#
# Usage: scripts/polkadot-js.sh            with a node of its own
#        DECENTRALML_WS=ws://… npm test    in tests/polkadot-js: with a development node that runs already
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
"$ROOT/scripts/setup.sh" node:nodejs npm:npm

NODE="$BIN/decentralml-node"
DIR=$(mktemp -d)
PID=

die() {
    echo "polkadot-js: $*" >&2
    exit 1
}

stop() {
    local status=$? deadline=$((SECONDS + 10))
    trap '' INT TERM
    if [[ $PID ]]; then
        kill "$PID" 2>/dev/null || true
        while kill -0 "$PID" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.1; done
        kill -9 "$PID" 2>/dev/null || true
        wait "$PID" 2>/dev/null || true
    fi
    ((status == 0)) || tail -n 20 "$DIR/node.log" 2>/dev/null >&2 || true
    rm -rf "$DIR"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[[ -x $NODE ]] || die "$NODE is not built. Run: . scripts/env.sh && cargo build --release --workspace"

cd "$ROOT/tests/polkadot-js"
# What npm installed last is described by this file: it is newer than the lock file where nothing has changed since.
[[ node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --silent

: >"$DIR/node.log"
# Port 0 lets the system choose; the log tells which port it was.
"$NODE" --dev --base-path "$DIR/chain" --rpc-port 0 --listen-addr /ip4/127.0.0.1/tcp/0 \
    --no-mdns --no-prometheus --no-telemetry >"$DIR/node.log" 2>&1 &
PID=$!
# Of the node alone: what is installed before may take long.
SECONDS=0

port() { sed -n 's/.*JSON-RPC server: addr=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$DIR/node.log" | head -n 1; }

until [[ $(port) ]]; do
    kill -0 "$PID" 2>/dev/null || die "the node has stopped; this is what it said:"
    ((SECONDS < 60)) || die "the node offers no RPC after 60 s; this is what it said:"
    sleep 0.2
done

DECENTRALML_WS="ws://127.0.0.1:$(port)" npm test --silent
