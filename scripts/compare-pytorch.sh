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

TORCH=2.15.0
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

# PyTorch's package for Linux is linked with CUDA libraries of several GB that a program on the processor never calls. The small
# one that is called at the start is installed, the others are stood in for by empty ones.
install_pytorch() {
	local folder=$1 libraries name
	command -v cc >/dev/null || { echo "compare-pytorch: a C compiler is needed: cc" >&2; exit 1; }
	echo "compare-pytorch: installing PyTorch $TORCH into $folder (1.4 GB)" >&2
	rm -rf "$folder.new"
	python3 -m venv "$folder.new"
	"$folder.new/bin/pip" install --quiet --no-deps "torch==$TORCH" 'nvidia-cuda-runtime==13.2.*' 'numpy==2.4.6' 'sympy==1.14.0' \
		'mpmath==1.4.1' 'networkx==3.6.1' 'jinja2==3.1.6' 'markupsafe==3.0.4' 'filelock==4.2.11' 'typing-extensions==4.16.0' 'fsspec==2026.9.0'
	libraries=$(echo "$folder.new"/lib/python3*/site-packages)
	mkdir "$folder.new/cuda"
	cp "$libraries"/nvidia/*/lib/libcudart.so.* "$folder.new/cuda/"
	for name in $(readelf -d "$libraries"/torch/lib/*.so | sed -n 's/.*NEEDED.*\[\(lib\(cu\|nv\|nccl\).*\)\]/\1/p' | sort -u); do
		[[ -e $folder.new/cuda/$name ]] || echo | cc -x c -shared -Wl,-soname,"$name" -o "$folder.new/cuda/$name" -
	done
	# A variable, which unlike a function is looked up at the start.
	echo 'int nvshmem_selected_device_transport;' | cc -x c -shared -fPIC -Wl,-soname,libnvshmem_host.so.3 \
		-Wl,--version-script=<(echo 'NVSHMEM { global: *; };') -o "$folder.new/cuda/libnvshmem_host.so.3" -
	rm -rf "$folder"
	mv "$folder.new" "$folder"
}

PYTHON=${DECENTRALML_PYTORCH:-}
if [[ ! $PYTHON ]]; then
	FOLDER="$(dirname "$CARGO_TARGET_DIR")/pytorch-$TORCH"
	[[ -x $FOLDER/bin/python3 ]] || install_pytorch "$FOLDER"
	PYTHON=$FOLDER/bin/python3
	export LD_LIBRARY_PATH="$FOLDER/cuda${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi

# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --release --workspace --locked "${FEATURES[@]}" --example train_on_request
DATA=${DECENTRALML_DATA:-../shared/data}
[[ -e $DATA/mnist/train-images-idx3-ubyte.gz ]] && OPTIONS+=(--data "$DATA")
exec "$PYTHON" scripts/compare-pytorch.py --ours "$BIN/examples/train_on_request" --digits client/learning/data/digits.csv.gz \
	--out out/compare-pytorch.json --date "$(date -u +%F)" "${OPTIONS[@]}"
