#!/usr/bin/env bash
# Plays attacks on the whole runtime, in one process: hostile trainers and seats among honest ones, with real training. The pallets decide
# who is drawn, accepted, paid and slashed. Prints a table in Markdown with a row for each cell and what it misses of the goals, and writes
# out/attacks/attacks.json and out/attacks/index.html, a page with pictures. Fails where an honest participant is slashed, or anything
# happens that never should.
#
# Rows are MNIST in $DECENTRALML_DATA (default ../shared/data) at half its resolution, or else the digits that the repository carries. The
# table says which, and which model. It may be stopped at any time: cells that have ended lie in out/attacks/cells and are not run again
# with the same settings and rows.
#
# Usage: scripts/attacks.sh [--small] [--only LIST] [--partition LIST] [--share LIST] [--minutes N] [--list] [--rules] [--restart] [--seed N] [--threads N]
#        --small      one small cell of each attack, of the digits, in seconds each; results go to out/attacks/small
#        --only       of sign-flip,scaled-sign-flip,label-flip,gaussian,alie,inner-product,min-max,backdoor,zero-update,replay,copy,theft,
#                     sleeper,sacrifice,idle,mixed,seats-random,seats-inverted,seats-copy,seats-collude,seats-absent, beside the clean runs; all if not
#                     given
#        --partition  of iid,dirichlet-0.5,dirichlet-0.1; all if not given
#        --share      of 10,20,40: percent of hostile trainers; all if not given
#        --minutes    stop after so many; the table then says which cells have not been run
#        --list       only say which cells there are, and which have been run
#        --rules      only play other rules of verdicts on the scores of what has been run
#        --restart    forget what has been run
#        --seed       what everything that is drawn follows from [default: 1]
#        --threads    cells at a time [default: one for each core]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

case ${1:-} in
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
DATA=${DECENTRALML_DATA:-../shared/data}
rows=()
[[ ! -e $DATA/mnist/train-images-idx3-ubyte.gz ]] || rows=(--data "$(realpath "$DATA")")
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --quiet --release --workspace --locked --bin attacks
exec "$BIN/attacks" "${rows[@]}" "$@"
