#!/usr/bin/env bash
# Moves one large file through the store and tells how much memory that took: adds it (which pins it), exports it as a CAR, fetches
# it, each block checked, into another file, and compares. Every step is a program of its own, as in real use.
#
# Prints the peak of the memory (VmHWM) of the daemon and of each client, and writes out/large.json. Fails when bytes differ, or when
# one of ours took more than 64 MB. Everything lies in a folder beside the build folder that is removed at the end; it takes three times
# the size.
#
# Usage: scripts/large.sh [SIZE]
#        SIZE   such as 512M or 4G, in powers of 1,024 [default: 4G]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh

# What one of our programs may take, in KiB.
LIMIT=62500
DIR='' PID=''

die() {
    echo "large: $*" >&2
    exit 1
}

case ${1:-} in
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    -*) die "unknown argument $1; see --help" ;;
esac
SIZE=$(numfmt --from=iec "${1:-4G}" 2>/dev/null) || die "$1 is no size; write it as 512M or 4G"
((SIZE > 0)) || die "the size is at least one byte"

stop() {
    local status=$?
    trap '' INT TERM
    if [[ $PID ]]; then
        kill "$PID" 2>/dev/null || true
        wait "$PID" 2>/dev/null || true
    fi
    ((status == 0)) || [[ ! $DIR ]] || tail -n 20 "$DIR/log" 2>/dev/null >&2 || true
    [[ ! $DIR ]] || rm -rf "$DIR"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[[ -e /proc/self/status ]] || die "the peak of the memory is read from /proc, which only Linux has"
command -v curl >/dev/null || die "curl is needed, to read the CAR"
parent=$(dirname "$CARGO_TARGET_DIR")
mkdir -p "$parent"
free=$(($(df --output=avail -B1 "$parent" | tail -n 1)))
# A tenth more, for the frames around the blocks and for others.
needed=$((SIZE * 33 / 10))
((free > needed)) ||
    die "$((needed >> 20)) MiB are needed in $parent and $((free >> 20)) are free; free some, or choose a size of up to $((free * 10 / 33 >> 20))M"
if [[ ! -x $BIN/decentralml ]]; then
    cargo build --release --workspace --locked
fi
DIR=$(mktemp -d "$parent/large.XXXXXX")

# The peak of a process's memory in KiB; nothing when it is gone.
peak() { sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/status" 2>/dev/null || true; }

# Runs a command, its output to $DIR/out, and sets SECONDS_TAKEN and PEAK, which is looked at twenty times a second.
measure() {
    local pid now start
    start=$(date +%s%N)
    PEAK=0
    "$@" >"$DIR/out" 2>>"$DIR/log" &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        now=$(peak "$pid")
        ((${now:-0} <= PEAK)) || PEAK=$now
        sleep 0.05
    done
    wait "$pid" || die "$* failed"
    SECONDS_TAKEN=$(awk -v ns="$(($(date +%s%N) - start))" 'BEGIN { printf "%.3f", ns / 1e9 }')
}

JSON=()
# Tells what was measured of step $1; a client that is not ours has no peak.
tell() {
    local megabytes='-' kib=null
    ((PEAK == 0)) || { megabytes="$((PEAK * 1024 / 1000000)) MB"; kib=$PEAK; }
    printf '%-16s %9s s %8s MB/s %11s\n' "$1" "$SECONDS_TAKEN" \
        "$(awk -v b="$SIZE" -v s="$SECONDS_TAKEN" 'BEGIN { printf "%.0f", b / s / 1e6 }')" "$megabytes"
    JSON+=("    { \"step\": \"$1\", \"seconds\": $SECONDS_TAKEN, \"client_peak_kib\": $kib }")
}

export_car() { curl -sS --fail -X POST "$URL/api/v0/dag/export?arg=$CID&progress=false" | wc -c; }

echo "Making a file of $((SIZE >> 20)) MiB …"
head -c "$SIZE" /dev/urandom >"$DIR/file"
: >"$DIR/log"
"$BIN/decentralml" ipfs daemon --listen 127.0.0.1:0 --folder "$DIR/store" >"$DIR/listening" 2>>"$DIR/log" &
PID=$!
for _ in {1..300}; do
    URL=$(sed -n 's/.*listening on \(http:[^ ,]*\).*/\1/p' "$DIR/listening")
    [[ ! $URL ]] || break
    kill -0 "$PID" 2>/dev/null || die "the store has stopped"
    sleep 0.1
done
[[ $URL ]] || die "the store does not listen"

echo "step                 seconds        rate  client's peak"
measure "$BIN/decentralml" --store "$URL" --json ipfs add "$DIR/file"
CID=$(grep -o 'baf[a-z0-9]*' "$DIR/out" | head -n 1)
[[ $CID ]] || die "add names no CID"
tell add
measure export_car
car=$(<"$DIR/out")
((car > SIZE)) || die "a CAR of $car bytes for a file of $SIZE"
PEAK=0 tell "CAR out"
measure "$BIN/decentralml" --store "$URL" ipfs cat "$CID" --max-bytes "$SIZE" --out "$DIR/copy"
tell fetch
fetch=$PEAK
cmp "$DIR/file" "$DIR/copy" || die "the file has come back with other bytes"
daemon=$(peak "$PID")
[[ $daemon ]] || die "the store has stopped"
echo "the daemon's peak: $((daemon * 1024 / 1000000)) MB"

mkdir -p out
{
    printf '{\n  "date": "%s",\n  "bytes": %d,\n  "cores": %d,\n  "daemon_peak_kib": %d,\n  "steps": [\n' \
        "$(date -u +%F)" "$SIZE" "$(nproc)" "$daemon"
    (IFS=$'\n'; echo "${JSON[*]}" | sed '$!s/$/,/')
    printf '  ]\n}\n'
} >out/large.json
((daemon <= LIMIT)) || die "the daemon took more than 64 MB"
((fetch <= LIMIT)) || die "the client took more than 64 MB to fetch it"
