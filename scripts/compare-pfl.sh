#!/usr/bin/env bash
# Compares the simulator with that of pfl-research, on the processor of this machine: rounds per second and accuracy of one federation
# of `2nn`, 100 clients of 1,000 rows, 10 of them in a round, five epochs in batches of ten.
#
# pfl-research runs twice, with one worker per core and with one worker that has a thread per core; the faster counts. The rows are MNIST
# in $DECENTRALML_DATA, or else the digits that the repository carries. PyTorch and pfl-research are installed into folders beside the
# build folder, 1.4 GB and 260 MB. Prints a table in Markdown and writes out/compare-pfl.json. Takes about three minutes on two cores.
# Speeds are worth something only on a machine that does nothing else.
#
# Usage: scripts/compare-pfl.sh [--quick] [--rounds N]
#        --quick      20 clients of 100 rows, 4 of them in each of two rounds
#        --rounds     rounds that count; 10 if not given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
. scripts/python-programs.sh

PFL=0.6.0
OPTIONS=()
while (($#)); do
	case $1 in
		--quick) OPTIONS+=(--clients 20 --cohort 4 --rows 100 --rounds 2) ;;
		--rounds) OPTIONS+=("$1" "${2:?}"); shift ;;
		-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
		*) echo "compare-pfl: unknown argument $1; see --help" >&2; exit 2 ;;
	esac
	shift
done

find_beside_pytorch "pfl-$PFL" '260 MB' "pfl==$PFL"
export PYTHONDONTWRITEBYTECODE=1

# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --release --workspace --locked --bin decentralml
DATA=${DECENTRALML_DATA:-../shared/data}
[[ -e $DATA/mnist/train-images-idx3-ubyte.gz ]] && OPTIONS+=(--data "$(realpath "$DATA")")
exec "$PYTHON" scripts/compare-pfl.py --ours "$BIN/decentralml" --digits "$PWD/client/learning/data/digits.csv.gz" \
	--out out/compare-pfl.json --date "$(date -u +%F)" "${OPTIONS[@]}"
