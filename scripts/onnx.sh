#!/usr/bin/env bash
# Exports every ready model and every kind of layer as ONNX, and has two other runtimes evaluate them: ONNX Runtime in Python, after
# the checker of ONNX, and tract in Rust. Each output must be within 1e-4 of ours. Prints a table and writes out/onnx.json.
#
# ONNX Runtime is installed into a folder beside the build folder, 200 MB; to take another, give a Python that has onnx, onnxruntime
# and numpy in $DECENTRALML_ONNX. tract is built in tests/onnx, outside the workspace.
#
# Usage: scripts/onnx.sh [--rust | --python | --install]
#        --rust      tract only, without Python
#        --python    ONNX Runtime only, without building tract
#        --install   install ONNX Runtime where it is not, and no more
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

ONNX=1.23.2
MODE=all
case ${1-} in
	'') ;;
	--rust) MODE=rust ;;
	--python) MODE=python ;;
	--install) MODE=install ;;
	-h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	*) echo "onnx: unknown argument $1; see --help" >&2; exit 2 ;;
esac

install_onnx() {
	local folder=$1
	echo "onnx: installing ONNX Runtime into $folder (200 MB)" >&2
	rm -rf "$folder.new"
	python3 -m venv "$folder.new"
	"$folder.new/bin/pip" install --quiet --disable-pip-version-check --no-deps 'onnxruntime==1.31.1' "onnx==$ONNX" \
		'numpy==2.4.6' 'protobuf==7.36.2' 'flatbuffers==25.12.19' 'ml_dtypes==0.6.0' 'packaging==26.3' 'typing-extensions==4.16.0'
	rm -rf "$folder"
	mv "$folder.new" "$folder"
}

PYTHON=${DECENTRALML_ONNX:-}
if [[ $MODE != rust && ! $PYTHON ]]; then
	FOLDER="$(dirname "$CARGO_TARGET_DIR")/onnx-$ONNX"
	[[ -x $FOLDER/bin/python3 ]] || install_onnx "$FOLDER"
	PYTHON=$FOLDER/bin/python3
fi
[[ $MODE != install ]] || exit 0

# The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
cargo build --release --workspace --locked --example onnx_cases
[[ $MODE == python ]] || cargo build --release --locked --manifest-path tests/onnx/Cargo.toml

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$BIN/examples/onnx_cases" "$folder/cases"
status=0
TRACT=()
if [[ $MODE != python ]]; then
	"$BIN/decentralml-onnx-check" "$folder/cases" >"$folder/tract.json" || status=$?
	TRACT=(--tract "$folder/tract.json")
fi
if [[ $MODE == rust ]]; then
	cat "$folder/tract.json"
	exit "$status"
fi

"$PYTHON" scripts/compare-onnx.py "$folder/cases" "${TRACT[@]}" --out out/onnx.json --date "$(date -u +%F)" || status=$?
exit "$status"
