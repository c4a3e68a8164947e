#!/usr/bin/env bash
# Renews client/sdk/metadata.scale, from which the SDK's types are generated, after a change of the runtime.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh
cargo build --release --locked -p decentralml-runtime --example metadata
"$BIN/examples/metadata" >client/sdk/metadata.scale.tmp
mv client/sdk/metadata.scale.tmp client/sdk/metadata.scale
echo "client/sdk/metadata.scale: $(wc -c <client/sdk/metadata.scale) bytes"
