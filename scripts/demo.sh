#!/usr/bin/env bash
# Builds once, then shows everything on this machine: a chain, trainers, evaluators, a vote, a released model. What it does
# and leaves behind: decentralml demo --help. Arguments are passed on to it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
scripts/setup.sh

echo "Building (the first time takes up to an hour, after that seconds) …"
SECONDS=0
cargo build --release --workspace --locked
exec "$BIN/decentralml" demo --node "$BIN/decentralml-node" --out out/demo --build-seconds "$SECONDS" "$@"
