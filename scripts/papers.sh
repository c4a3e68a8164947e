#!/usr/bin/env bash
# Repeats tables of published papers with the simulator, and prints them in Markdown beside the published figures: means and standard
# deviations over seeds. What it has found so far is in out/papers.json.
#
# Rows are MNIST and tinyshakespeare in $DECENTRALML_DATA (default ../shared/data). Before it begins it measures how fast the models
# train here and says how long each table takes. It may be stopped at any time: runs that have ended are not run again, and the one
# that was stopped goes on. Runs lie in out/papers.
#
# Usage: scripts/papers.sh [--small] [--tables LIST] [--seeds N] [--minutes N] [--list]
#        --small      fewer rows, rounds and cells: about an hour on two idle cores in place of days; the tables say so
#        --tables     of mcmahan,niid,byzantine,communication,shakespeare,central; all if not given
#        --seeds      seeds of each cell; 3 if not given
#        --minutes    stop after so many; tables then say which cells lack seeds, and how long the rest takes
#        --list       only say what there is, what is done and how long the rest takes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

case ${1:-} in
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
DATA=${DECENTRALML_DATA:-../shared/data}
if [[ ! -e $DATA/mnist/train-images-idx3-ubyte.gz ]]; then
	echo "papers: no MNIST in $DATA; set DECENTRALML_DATA to a folder with mnist/train-images-idx3-ubyte.gz and its companions" >&2
	exit 1
fi
# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --release --workspace --locked --bin decentralml
exec python3 scripts/papers.py --program "$BIN/decentralml" --data "$(realpath "$DATA")" --out out/papers "$@"
