#!/usr/bin/env bash
# The exchange of one round and nothing else: several clients at once fetch a model from a store, each checks it, and each hands in
# an update of the same size, which the store has synced to its disk when it says so. Every client is a program of its own, as in
# real use; nobody trains.
#
# Prints the seconds of both ways, the rate of all bytes together and the store's peak of memory, and what a round of 6 clients and
# 3.2 GB would take at that rate; writes out/exchange.json. Everything lies in a folder beside the build folder that is removed at the
# end; it takes the size three times for each client.
#
# Usage: scripts/exchange.sh [SIZE [CLIENTS]]
#        SIZE      of the model and of each update, such as 256M or 3.2G, in powers of 1,000 [default: 512M]
#        CLIENTS   at once [default: 6]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
. scripts/own-store.sh

# The round that NVFlare's documentation gives: clients, bytes and seconds.
NVFLARE_CLIENTS=6 NVFLARE_BYTES=3200000000 NVFLARE_SECONDS=154

case ${1:-} in
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    -*) die "unknown argument $1; see --help" ;;
esac
read_size "${1:-512M}" si
((SIZE >= 1000000)) || die "the size is at least 1M"
CLIENTS=${2:-6}
[[ $CLIENTS =~ ^[1-9][0-9]?$ ]] || die "$CLIENTS is no number of clients from 1 to 99"

make_folder $((3 * CLIENTS + 2))
cargo build --release --workspace --locked --bin decentralml

echo "Making a model and $CLIENTS updates of $((SIZE / 1000000)) MB …"
head -c "$SIZE" /dev/urandom >"$DIR/model"
for ((i = 1; i <= CLIENTS; i++)); do
    # The same bytes behind a first line of another length for each, so that no two blocks are equal.
    { printf 'update %0*d\n' "$((8 * i))" "$i"; head -c "$((SIZE - 8 * i - 8))" "$DIR/model"; } >"$DIR/update-$i"
done
start_store
# For background processes, which are then the program itself: what stops this script stops them.
client() { exec "$BIN/decentralml" --store "$URL" ipfs "$@" >/dev/null 2>>"$DIR/log"; }
CID=$("$BIN/decentralml" --store "$URL" --json ipfs add "$DIR/model" 2>>"$DIR/log" | grep -o 'baf[a-z0-9]*' | head -n 1)
[[ $CID ]] || die "add names no CID"

# Runs "$@ I" for each client I at once, and sets SECONDS_TAKEN.
together() {
    local pids=() pid start i
    start=$(date +%s%N)
    for ((i = 1; i <= CLIENTS; i++)); do
        "$@" "$i" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || die "a client has failed"; done
    SECONDS_TAKEN=$(awk -v ns="$(($(date +%s%N) - start))" 'BEGIN { printf "%.2f", ns / 1e9 }')
}

fetch() { client cat "$CID" --max-bytes "$SIZE" --out "$DIR/fetched-$1"; }
hand_in() { client add "$DIR/update-$1"; }
together fetch
fetched=$SECONDS_TAKEN
for ((i = 1; i <= CLIENTS; i++)); do
    cmp "$DIR/model" "$DIR/fetched-$i" || die "the model has come to client $i with other bytes"
done
together hand_in
handed=$SECONDS_TAKEN
store=$(peak "$PID")
[[ $store ]] || die "the store has stopped"

figures=$(awk -v s="$SIZE" -v n="$CLIENTS" -v a="$fetched" -v b="$handed" -v m="$NVFLARE_CLIENTS" -v t="$NVFLARE_BYTES" \
    'BEGIN { rate = 2 * n * s / (a + b); printf "%.0f %.1f", rate / 1e6, 2 * m * t / rate }')
read -r rate projected <<<"$figures"
row() { printf '| %-58s | %-12s |\n' "$@"; }
row "$CLIENTS clients, $((SIZE / 1000000)) MB each way, $(nproc) cores" "Measured"
row "---" "---"
row "all have fetched the model and checked it" "$fetched s"
row "all have handed in an update, synced in the store" "$handed s"
row "both, all bytes together" "$rate MB/s"
row "memory of the store, at most" "$((store * 1024 / 1000000)) MB"
row "6 clients and 3.2 GB at this rate (NVFlare: $NVFLARE_SECONDS s, 32 cores)" "$projected s"

mkdir -p out
cat >out/exchange.json <<END_JSON
{
  "date": "$(date -u +%F)",
  "cores": $(nproc),
  "clients": $CLIENTS,
  "bytes": $SIZE,
  "fetch_seconds": $fetched,
  "hand_in_seconds": $handed,
  "megabytes_per_second": $rate,
  "store_peak_kib": $store,
  "seconds_of_6_clients_with_3_2_gb_at_this_rate": $projected,
  "nvflare_seconds": $NVFLARE_SECONDS
}
END_JSON
