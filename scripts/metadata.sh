#!/usr/bin/env bash
# Renews client/sdk/metadata.scale, from which the SDK's types are generated, after a change of the runtime.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh
# The features of the whole workspace, as every other build: other ones would build many dependencies again.
cargo build --release --locked --workspace --example metadata
"$BIN/examples/metadata" >client/sdk/metadata.scale.tmp
mv client/sdk/metadata.scale.tmp client/sdk/metadata.scale
echo "client/sdk/metadata.scale: $(wc -c <client/sdk/metadata.scale) bytes"
