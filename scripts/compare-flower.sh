#!/usr/bin/env bash
# Compares the simulator with Flower's, and aggregation with that of Flower's strategies, on the processor of this machine: rounds per
# second and accuracy of one federation, 100 clients of 1,000 rows, 10 of them in a round, five epochs in batches of ten; then the mean
# and multi-Krum of the same 100 arrays of 1,663,370 numbers.
#
# The rows are MNIST in $DECENTRALML_DATA, or else the digits that the repository carries. Flower with Ray is installed into a folder
# beside the build folder, 530 MB, next to the PyTorch that scripts/compare-pytorch.sh installs, which has to be there.
# Prints tables in Markdown and writes out/compare-flower.json. Takes about ten minutes on two cores and 4 GB of memory. Speeds are
# worth something only on a machine that does nothing else.
#
# Usage: scripts/compare-flower.sh [--quick] [--models LIST] [--rounds N] [--samples N]
#        --quick      2nn alone, 20 clients of 100 rows, 4 of them in each of two rounds; 20 arrays of 100,000 numbers
#        --models     of 2nn,mcmahan-cnn; both if not given
#        --rounds     rounds that count; 5 of 2nn and 2 of mcmahan-cnn if not given
#        --samples    how often the arrays are aggregated; 3 if not given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

FLOWER=1.41.0
# The one that this Flower asks for.
RAY=2.55.1
TORCH=2.15.0
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

CACHE=$(dirname "$CARGO_TARGET_DIR")
PYTORCH=$CACHE/pytorch-$TORCH
if [[ ! -x $PYTORCH/bin/python3 ]]; then
	echo "compare-flower: PyTorch is not in $PYTORCH; 'scripts/compare-pytorch.sh --quick' installs it" >&2
	exit 1
fi
FOLDER=$CACHE/flower-$FLOWER
if [[ ! -x $FOLDER/bin/python3 ]]; then
	echo "compare-flower: installing Flower $FLOWER into $FOLDER (530 MB)" >&2
	rm -rf "$FOLDER.new"
	python3 -m venv "$FOLDER.new"
	"$FOLDER.new/bin/pip" install --quiet "flwr[simulation]==$FLOWER" "ray==$RAY" 'numpy==2.4.6'
	# Absolute paths of the environment's programs would point to the name it had; Python itself does not mind.
	mv "$FOLDER.new" "$FOLDER"
fi
export PYTHONPATH="$(echo "$PYTORCH"/lib/python3*/site-packages)${PYTHONPATH:+:$PYTHONPATH}"
export LD_LIBRARY_PATH="$PYTORCH/cuda${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PYTHONDONTWRITEBYTECODE=1 FLWR_TELEMETRY_ENABLED=0 RAY_USAGE_STATS_ENABLED=0 RAY_DEDUP_LOGS=0
# Ray gives its workers the least priority but a few; ours have the usual one.
export RAY_worker_niceness=0

# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --release --workspace --locked --bin decentralml --example aggregate_arrays
DATA=${DECENTRALML_DATA:-../shared/data}
[[ -e $DATA/mnist/train-images-idx3-ubyte.gz ]] && OPTIONS+=(--data "$(realpath "$DATA")")
exec "$FOLDER/bin/python3" scripts/compare-flower.py --ours "$BIN/decentralml" --aggregate "$BIN/examples/aggregate_arrays" \
	--digits "$PWD/client/learning/data/digits.csv.gz" --out out/compare-flower.json --date "$(date -u +%F)" --flower-version "$FLOWER" \
	"${OPTIONS[@]}"
