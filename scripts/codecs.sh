#!/usr/bin/env bash
# What each encoding of updates costs: the bytes of one of 1,663,000 weights and the time to write and to read it, and what becomes of
# a model whose trainers use it (client/simulator/examples/codecs.toml: three seeds each, half a minute). Prints two tables; the
# second is in out/codecs too, with a report for each run.
#
# Usage: scripts/codecs.sh
# Times are worth something only on a machine that does nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

case ${1:-} in
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --quiet --release --workspace --locked --bin decentralml --example codecs
"$BIN/examples/codecs"
echo
exec "$BIN/decentralml" simulate client/simulator/examples/codecs.toml --out out/codecs
