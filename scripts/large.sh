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
. scripts/own-store.sh

# What one of our programs may take, in KiB.
LIMIT=62500

case ${1:-} in
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    -*) die "unknown argument $1; see --help" ;;
esac
read_size "${1:-4G}" iec
((SIZE > 0)) || die "the size is at least one byte"

command -v curl >/dev/null || die "curl is needed, to read the CAR"
make_folder 3
[[ -x $BIN/decentralml ]] || cargo build --release --workspace --locked

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
start_store

echo "step                 seconds        rate  client's peak"
measure "$BIN/decentralml" --store "$URL" --json ipfs add "$DIR/file"
CID=$(grep -o 'baf[a-z0-9]*' "$DIR/out" | head -n 1)
[[ $CID ]] || die "add names no CID"
tell add
add=$PEAK
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
((add <= LIMIT)) || die "the client took more than 64 MB to add the file"
((fetch <= LIMIT)) || die "the client took more than 64 MB to fetch it"
