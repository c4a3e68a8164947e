#!/usr/bin/env bash
# Runs a network of four validators on this machine: Alice, Bob, Charlie and Dave on the chain `local`, each a process
# with its own keys, database and ports. Prints where to connect once all of them finalize blocks; Ctrl-C stops them.
#
# Usage: scripts/localnet.sh [--base-port PORT] [--dir DIR] [--timeout SECONDS] [--check]
#   --base-port  RPC listens on PORT to PORT+3, the network on PORT+10 to PORT+13 (default 61100)
#   --dir        databases and logs (default out/localnet; those of the last run are deleted)
#   --timeout    how long to wait for finality (default 120)
#   --check      stop as soon as all four finalize blocks; the exit code tells whether they did
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

NAMES=(alice bob charlie dave)
BASE_PORT=61100
DIR="$ROOT/out/localnet"
TIMEOUT=120
CHECK=
NODE="$BIN/decentralml-node"
PIDS=()

die() {
    echo "localnet: $*" >&2
    exit 1
}

while (($#)); do
    case $1 in
        --base-port) BASE_PORT=${2:?--base-port needs a port}; shift 2 ;;
        --dir) DIR=${2:?--dir needs a folder}; shift 2 ;;
        --timeout) TIMEOUT=${2:?--timeout needs seconds}; shift 2 ;;
        --check) CHECK=1; shift ;;
        -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) die "unknown argument $1; see --help" ;;
    esac
done

stop_all() {
    local pid deadline=$((SECONDS + 10))
    trap '' INT TERM
    ((${#PIDS[@]})) || return 0
    kill "${PIDS[@]}" 2>/dev/null || true
    for pid in "${PIDS[@]}"; do
        while kill -0 "$pid" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.1; done
        kill -9 "$pid" 2>/dev/null || true
    done
    wait "${PIDS[@]}" 2>/dev/null || true
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

rpc_port() { echo $((BASE_PORT + $1)); }
p2p_port() { echo $((BASE_PORT + 10 + $1)); }

# The secret network key of validator $1. Known to everybody, as the accounts of this network are.
node_key() { printf '%063d%d' 0 $(($1 + 1)); }

# The result of RPC method $2 with parameters $3 from validator $1, as JSON; nothing while it does not answer.
rpc() {
    curl -s --max-time 2 -H 'Content-Type: application/json' \
        -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$2\",\"params\":[${3:-}]}" \
        "http://127.0.0.1:$(rpc_port "$1")" || true
}

# The height of the latest final block that validator $1 knows, 0 while it does not answer.
finalized() {
    local hash number
    hash=$(rpc "$1" chain_getFinalizedHead | sed -n 's/.*"result":\("0x[0-9a-f]*"\).*/\1/p')
    [[ $hash ]] || { echo 0; return; }
    number=$(rpc "$1" chain_getHeader "$hash" | sed -n 's/.*"number":"\(0x[0-9a-f]*\)".*/\1/p')
    echo $((${number:-0}))
}

port_is_free() { ! (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

[[ -x $NODE ]] || die "$NODE is not built. Run: . scripts/env.sh && cargo build --release --workspace"
for i in "${!NAMES[@]}"; do
    for port in "$(rpc_port "$i")" "$(p2p_port "$i")"; do
        port_is_free "$port" || die "port $port is in use; choose others with --base-port"
    done
done

mkdir -p "$DIR"
for name in "${NAMES[@]}"; do rm -rf "${DIR:?}/$name" "$DIR/$name.log"; done

BOOTNODES=()
for i in "${!NAMES[@]}"; do
    peer=$(node_key "$i" | "$NODE" key inspect-node-key)
    BOOTNODES+=("/ip4/127.0.0.1/tcp/$(p2p_port "$i")/p2p/$peer")
done

for i in "${!NAMES[@]}"; do
    name=${NAMES[i]}
    others=()
    for j in "${!NAMES[@]}"; do ((i == j)) || others+=("${BOOTNODES[j]}"); done
    "$NODE" --chain local "--$name" --base-path "$DIR/$name" --node-key "$(node_key "$i")" \
        --listen-addr "/ip4/127.0.0.1/tcp/$(p2p_port "$i")" --rpc-port "$(rpc_port "$i")" \
        --bootnodes "${others[@]}" --no-mdns --no-prometheus --no-telemetry \
        >"$DIR/$name.log" 2>&1 &
    PIDS+=($!)
done

# Fails when a validator has ended, with the last that it said.
all_alive() {
    local i
    for i in "${!NAMES[@]}"; do
        kill -0 "${PIDS[i]}" 2>/dev/null || {
            tail -n 5 "$DIR/${NAMES[i]}.log" >&2
            die "${NAMES[i]} has stopped; its log is $DIR/${NAMES[i]}.log"
        }
    done
}

echo "Four validators are starting; waiting for finality …"
for i in "${!NAMES[@]}"; do
    until height=$(finalized "$i"); ((height > 0)); do
        all_alive
        ((SECONDS < TIMEOUT)) || die "${NAMES[i]} has finalized nothing in $TIMEOUT s; its log is $DIR/${NAMES[i]}.log"
        sleep 0.5
    done
    echo "${NAMES[i]}: ws://127.0.0.1:$(rpc_port "$i"), finalized #$height, log $DIR/${NAMES[i]}.log"
done
[[ ! $CHECK ]] || exit 0

echo "Running. Ctrl-C stops the network."
# One validator may go down, that is what four are for; the network is over when the last has.
declare -A DOWN=()
while ((${#DOWN[@]} < ${#NAMES[@]})); do
    sleep 1
    for i in "${!NAMES[@]}"; do
        [[ ! ${DOWN[$i]:-} ]] && ! kill -0 "${PIDS[i]}" 2>/dev/null || continue
        DOWN[$i]=1
        echo "${NAMES[i]} has stopped; its log is $DIR/${NAMES[i]}.log"
    done
done
die "all validators have stopped"
