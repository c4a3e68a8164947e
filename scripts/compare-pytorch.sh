#!/usr/bin/env bash
# Compares training with PyTorch's, on the processor of this machine: rows per second and accuracy of the same models on the same
# rows with the same settings. Both train in turns of a few seconds, so that what else the machine does hits both; each in the
# better of two arrangements, a model per core with one thread or one model with a thread per core.
#
# The rows are MNIST and tinyshakespeare in $DECENTRALML_DATA, or else the digits that the repository carries, without `gru-char`.
# PyTorch is installed into a folder beside the build folder, 1.4 GB, without the CUDA libraries that its package asks for; to take
# another, give a Python that has it in $DECENTRALML_PYTORCH. Prints a table in Markdown and writes out/compare-pytorch.json.
# Speeds are worth something only on a machine that does nothing else.
#
# Usage: scripts/compare-pytorch.sh [--quick] [--models LIST] [--batches LIST] [--device cuda]
#        --quick      shorter turns and fewer, in about two minutes
#        --models     of 2nn,mcmahan-cnn,gru-char; all if not given
#        --batches    rows per step; 10,64 if not given
#        --device     where both train; other than cpu it takes a PyTorch in $DECENTRALML_PYTORCH that can use it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
. scripts/python-programs.sh

OPTIONS=()
FEATURES=()
while (($#)); do
	case $1 in
		--quick) OPTIONS+=(--turns 3 --scale 0.3) ;;
		--models | --batches) OPTIONS+=("$1" "${2:?}"); shift ;;
		--device) OPTIONS+=("$1" "${2:?}"); FEATURES=(--features "decentralml-learning/${2%%:*}"); shift ;;
		-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
		*) echo "compare-pytorch: unknown argument $1; see --help" >&2; exit 2 ;;
	esac
	shift
done
case "${FEATURES[*]-}" in *learning/cpu) FEATURES=() ;; esac

PYTHON=${DECENTRALML_PYTORCH:-}
[[ $PYTHON ]] || find_pytorch

# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --release --workspace --locked "${FEATURES[@]}" --example train_on_request
DATA=${DECENTRALML_DATA:-../shared/data}
[[ -e $DATA/mnist/train-images-idx3-ubyte.gz ]] && OPTIONS+=(--data "$DATA")
exec "$PYTHON" scripts/compare-pytorch.py --ours "$BIN/examples/train_on_request" --digits client/learning/data/digits.csv.gz \
	--out out/compare-pytorch.json --date "$(date -u +%F)" "${OPTIONS[@]}"
