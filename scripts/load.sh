#!/usr/bin/env bash
# Floods a real node, and measures how the chain's work and state grow:
#   - commitments of trainers per second and per block, beside `balances.transfer_keep_alive` of the same accounts, with what a block has
#     room for by weight and by length, and why the author ended each block;
#   - what every call of a round reads, writes and weighs with 10, 1,000 and 100,000 trainers and as many evaluators enrolled;
#   - what a round leaves in the state for good.
# The node makes blocks alone, on a chain that begins with tasks which have drawn 256 trainers each. Prints tables and writes out/load.json.
# Fails where the node refuses or loses a transaction, where a call touches more with more enrolled, or where a round leaves more than 300
# bytes. 100,000 enrolled take some 2 GB of memory and a few minutes.
#
# Usage: scripts/load.sh [--minutes N] [--tasks N] [--block-time MS] [--connections N] [--enrolled N,N] [--transfers-only | --no-flood]
#        --minutes N        that each flood may take [default: 5]
#        --tasks N          with 256 trainers each, who send one transaction each in a flood [default: 24]
#        --block-time MS    milliseconds between blocks; a live chain has 6,000 [default: 6000]
#        --connections N    that send at a time [default: 4]
#        --enrolled N,N     how many are enrolled where calls are compared [default: 10,1000,100000]
#        --transfers-only   floods with transfers, and measures nothing else
#        --no-flood         starts no node: only calls and what rounds leave
# Times are worth something only on a machine that does nothing else; it says how busy it was at the start.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

case ${1:-} in
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
mkdir -p out
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again. The node, too:
# it has to be of the runtime that the transactions are made with.
cargo build --quiet --release --workspace --locked --bin load --bin decentralml-node
"$BIN/load" "$@"
