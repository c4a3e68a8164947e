#!/usr/bin/env bash
# Compares the simulator with Flower's, and aggregation with that of Flower's strategies, on the processor of this machine: rounds per
# second and accuracy of one federation, 100 clients of 1,000 rows, 10 of them in a round, five epochs in batches of ten; then the mean
# and multi-Krum of the same 100 arrays of 1,663,370 numbers.
#
# The rows are MNIST in $DECENTRALML_DATA, or else the digits that the repository carries. PyTorch and Flower with Ray are installed into
# folders beside the build folder, 1.4 GB and 530 MB. Prints tables in Markdown and writes out/compare-flower.json, anew after each part:
# the models, the aggregates, and at last multi-Krum by Flower's earlier interface. Takes about ten minutes on two cores, and 4 GB of
# memory. Speeds are worth something only on a machine that does nothing else.
#
# Usage: scripts/compare-flower.sh [--quick] [--models LIST] [--rounds N] [--samples N]
#        --quick      2nn alone, 20 clients of 100 rows, 4 of them in each of two rounds; 20 arrays of 100,000 numbers
#        --models     of 2nn,mcmahan-cnn; both if not given
#        --rounds     rounds that count; 5 of 2nn and 2 of mcmahan-cnn if not given
#        --samples    how often the arrays are aggregated; 3 if not given, fewer by Flower after two minutes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
. scripts/python-programs.sh

FLOWER=1.41.0
# The one that this Flower asks for.
RAY=2.55.1
OPTIONS=()
while (($#)); do
	case $1 in
		--quick) OPTIONS+=(--models 2nn --clients 20 --cohort 4 --rows 100 --rounds 2 --updates 20 --weights 100000) ;;
		--models | --rounds | --samples) OPTIONS+=("$1" "${2:?}"); shift ;;
		-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
		*) echo "compare-flower: unknown argument $1; see --help" >&2; exit 2 ;;
	esac
	shift
done

find_beside_pytorch "flower-$FLOWER" '530 MB' "flwr[simulation]==$FLOWER" "ray==$RAY"
export PYTHONDONTWRITEBYTECODE=1 FLWR_TELEMETRY_ENABLED=0 RAY_USAGE_STATS_ENABLED=0 RAY_DEDUP_LOGS=0
# Ray gives its workers the least priority but a few; ours have the usual one.
export RAY_worker_niceness=0

# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --release --workspace --locked --bin decentralml --example aggregate_arrays
DATA=${DECENTRALML_DATA:-../shared/data}
[[ -e $DATA/mnist/train-images-idx3-ubyte.gz ]] && OPTIONS+=(--data "$(realpath "$DATA")")
exec "$PYTHON" scripts/compare-flower.py --ours "$BIN/decentralml" --aggregate "$BIN/examples/aggregate_arrays" \
	--digits "$PWD/client/learning/data/digits.csv.gz" --out out/compare-flower.json --date "$(date -u +%F)" "${OPTIONS[@]}"
