# Sourced by the other scripts: where the checkout is and where it is built.
#
# One build serves every checkout on the machine, because Cargo finds the dependencies of one in the folder of another.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export ROOT
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/decentralml/target}"
export BIN="$CARGO_TARGET_DIR/release"

# rustup's own folder, which a shell that has just installed it does not search yet.
command -v cargo >/dev/null 2>&1 || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
