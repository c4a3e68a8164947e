# Sourced by the scripts that measure a store of their own, after env.sh: its size, its folder and its process.

# Bytes of a file, the folder of everything, and the store's process and URL.
SIZE='' DIR='' PID='' URL=''

die() {
    echo "$(basename "$0" .sh): $*" >&2
    exit 1
}

# Sets SIZE to what $1 means in powers of 1,000 ($2 is si) or 1,024 (iec).
read_size() {
    SIZE=$(numfmt --from="$2" "$1" 2>/dev/null) || die "$1 is no size; write it as 256M or 3.2G"
}

stop() {
    local status=$?
    trap '' INT TERM
    # The store, and clients that are still at work.
    # shellcheck disable=SC2046  # one word for each process
    kill $(jobs -p) 2>/dev/null || true
    wait
    ((status == 0)) || [[ ! $DIR ]] || tail -n 20 "$DIR/log" 2>/dev/null >&2 || true
    [[ ! $DIR ]] || rm -rf "$DIR"
}

# Makes DIR beside the build folder, with room for $1 files of SIZE. It is removed at the end.
make_folder() {
    local parent free files=$1
    [[ -e /proc/self/status ]] || die "the peak of the memory is read from /proc, which only Linux has"
    parent=$(dirname "$CARGO_TARGET_DIR")
    mkdir -p "$parent"
    free=$(($(df --output=avail -B1 "$parent" | tail -n 1)))
    # A tenth more, for the frames around the blocks and for others.
    ((free > SIZE * files * 11 / 10)) ||
        die "$((SIZE * files * 11 / 10000000)) MB are needed in $parent and $((free / 1000000)) are free; free some, or choose a size \
of up to $((free * 10 / 11 / files >> 20))M"
    trap stop EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    DIR=$(mktemp -d "$parent/$(basename "$0" .sh).XXXXXX")
    : >"$DIR/log"
}

# Starts a store in DIR, and sets PID and URL.
start_store() {
    "$BIN/decentralml" ipfs daemon --listen 127.0.0.1:0 --folder "$DIR/store" >"$DIR/listening" 2>>"$DIR/log" &
    PID=$!
    for _ in {1..300}; do
        URL=$(sed -n 's/.*listening on \(http:[^ ,]*\).*/\1/p' "$DIR/listening")
        [[ ! $URL ]] || return 0
        kill -0 "$PID" 2>/dev/null || die "the store has stopped"
        sleep 0.1
    done
    die "the store does not listen"
}

# The peak of a process's memory in KiB; nothing when it is gone.
peak() { sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/status" 2>/dev/null || true; }
