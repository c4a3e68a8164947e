# Sourced by the scripts that compare with programs in Python, after env.sh: installs them, each into a folder beside the build folder.

TORCH=2.15.0
PROGRAMS=$(dirname "$CARGO_TARGET_DIR")

# PyTorch's package for Linux is linked with CUDA libraries of several GB that a program on the processor never calls. The small
# one that is called at the start is installed, the others are stood in for by empty ones.
install_pytorch() {
	local folder=$1 libraries name
	command -v cc >/dev/null || { echo "A C compiler is needed to install PyTorch: cc" >&2; return 1; }
	echo "Installing PyTorch $TORCH into $folder (1.4 GB) …" >&2
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

# Sets PYTHON to one that has PyTorch, which is installed first where it is not there.
find_pytorch() {
	local folder=$PROGRAMS/pytorch-$TORCH
	[[ -x $folder/bin/python3 ]] || install_pytorch "$folder"
	PYTHON=$folder/bin/python3
	export LD_LIBRARY_PATH="$folder/cuda${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}

# Sets PYTHON to one that has the packages $3 and on, and PyTorch; they are installed first into the folder $1, which takes $2, where
# they are not there.
find_beside_pytorch() {
	local folder=$PROGRAMS/$1 size=$2 libraries
	shift 2
	find_pytorch
	libraries=$(echo "${PYTHON%/bin/*}"/lib/python3*/site-packages)
	if [[ ! -x $folder/bin/python3 ]]; then
		echo "Installing ${folder##*/} into $folder ($size) …" >&2
		rm -rf "$folder.new"
		python3 -m venv "$folder.new"
		"$folder.new/bin/pip" install --quiet "$@" 'numpy==2.4.6' ||
			{ echo "${folder##*/} could not be installed; the reason is above" >&2; return 1; }
		# Absolute paths of the environment's programs would point to the name it had; Python itself does not mind.
		mv "$folder.new" "$folder"
	fi
	PYTHON=$folder/bin/python3
	export PYTHONPATH="$libraries${PYTHONPATH:+:$PYTHONPATH}"
}
