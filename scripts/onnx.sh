#!/usr/bin/env bash
# Exports every ready model and every kind of layer as ONNX, and has two other runtimes evaluate them: ONNX Runtime in Python, after
# the checker of ONNX, and tract in Rust. Each output must be within 1e-4 of ours. Prints a table and writes out/onnx.json.
#
# ONNX Runtime is installed into a folder beside the build folder, 130 MB; to take another, give a Python that has onnx, onnxruntime
# and numpy in $DECENTRALML_ONNX. tract is built in tests/onnx, outside the workspace.
#
# Usage: scripts/onnx.sh [--rust]
#        --rust   tract only, without Python
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

ONNX=1.23.2
RUST_ONLY=
case ${1-} in
	'') ;;
	--rust) RUST_ONLY=1 ;;
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	*) echo "onnx: unknown argument $1; see --help" >&2; exit 2 ;;
esac

install_onnx() {
	local folder=$1
	echo "onnx: installing ONNX Runtime into $folder (130 MB)" >&2
	rm -rf "$folder.new"
	python3 -m venv "$folder.new"
	"$folder.new/bin/pip" install --quiet --no-deps 'onnxruntime==1.31.1' "onnx==$ONNX" 'numpy==2.4.6' 'protobuf==7.36.2' \
		'flatbuffers==25.12.19' 'ml_dtypes==0.6.0' 'packaging==26.3' 'typing-extensions==4.16.0'
	rm -rf "$folder"
	mv "$folder.new" "$folder"
}

# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --release --workspace --locked --example onnx_cases
cargo build --release --locked --manifest-path tests/onnx/Cargo.toml

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$BIN/examples/onnx_cases" "$folder/cases"
status=0
"$BIN/decentralml-onnx-check" "$folder/cases" >"$folder/tract.json" || status=$?
if [[ $RUST_ONLY ]]; then
	cat "$folder/tract.json"
	exit "$status"
fi

PYTHON=${DECENTRALML_ONNX:-}
if [[ ! $PYTHON ]]; then
	INSTALLED="$(dirname "$CARGO_TARGET_DIR")/onnx-$ONNX"
	[[ -x $INSTALLED/bin/python3 ]] || install_onnx "$INSTALLED"
	PYTHON=$INSTALLED/bin/python3
fi
"$PYTHON" scripts/compare-onnx.py "$folder/cases" --tract "$folder/tract.json" --out out/onnx.json --date "$(date -u +%F)" || status=$?
exit "$status"
