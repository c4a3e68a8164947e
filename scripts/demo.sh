#!/usr/bin/env bash
# Builds once, then shows everything on this machine: a chain, trainers, evaluators, a vote, a released model. What it does
# and leaves behind: decentralml demo --help. Arguments are passed on to it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
scripts/setup.sh

echo "Building (the first time takes about 35 minutes on 2 cores, after that seconds) …"
SECONDS=0
cargo build --release --workspace --locked
bin=$(cd "$BIN" && pwd)
# A folder that is named is meant from where the caller is.
cd "$OLDPWD"
exec "$bin/decentralml" demo --node "$bin/decentralml-node" --out "$ROOT/out/demo" --build-seconds "$SECONDS" "$@"
