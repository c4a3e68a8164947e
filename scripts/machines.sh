#!/usr/bin/env bash
# Runs a task among three machines that share nothing but a bad network, to its last claim. The machines are network namespaces:
#
#   machine 1 (203.0.113.1)  the node, the sponsor with a store, and an evaluator that is a host
#   machine 2 (203.0.113.2)  a router with NAT; behind it, where nobody can connect to, three trainers
#   machine 3 (203.0.113.3)  two evaluators that are hosts
#
# What one sends another passes through a program that delays it and loses some of it, and that cuts machine 2 off while its trainers
# hand their updates over. The test machines::… of tests/tests/end_to_end/machines.rs does the rest.
#
# Needs a kernel that lets this user make namespaces (most do, containers often do not), with VXLAN and nftables. All of it is
# within namespaces of this script's own: they end with it, whatever happens, and nothing outside of them is changed.
#
# Usage: scripts/machines.sh [--delay MS] [--loss PERCENT] [--cut SECONDS]
#        scripts/machines.sh --try    only makes the machines, and says why where that is not possible
#        --delay MS       how long everything is on its way, each way [default: 40]
#        --loss PERCENT   of all packets [default: 1]
#        --cut SECONDS    for how long machine 2 is cut off [default: 10]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/env.sh
# Where not everybody's shell looks for programs.
PATH="$PATH:/usr/sbin:/sbin"

DELAY=40 LOSS=1 CUT=10
TRY= DIR= PID=

die() {
    echo "machines: $*" >&2
    exit 1
}

# Runs a command on machine $1.
on() { nsenter --net="$DIR/$1" "${@:2}"; }

# Makes a machine that has nothing but itself.
machine() {
    : >"$DIR/$1"
    unshare --net="$DIR/$1" true
    on "$1" ip link set lo up
}

# Connects machine $1 to the network: a cable, and over it the device `internet`, whose frames the kernel sends as UDP (VXLAN).
connect() {
    local other
    on network ip link add "cable$1" mtu 1600 type veth peer name cable mtu 1600 netns "$DIR/machine$1"
    on network ip address add "10.0.$1.1/24" dev "cable$1"
    on network ip link set "cable$1" up
    # Through a bridge, as that computes the checksums within the UDP packets; a cable of this kind leaves them open.
    on "machine$1" ip link add plug mtu 1600 type bridge
    on "machine$1" ip link set cable master plug up
    on "machine$1" ip address add "10.0.$1.2/24" dev plug
    on "machine$1" ip link set plug up
    on "machine$1" ip link add internet address "02:00:00:00:00:0$1" mtu 1500 \
        type vxlan id 1 remote "10.0.$1.1" dstport 4789 nolearning
    on "machine$1" ip address add "203.0.113.$1/24" dev internet
    on "machine$1" ip link set internet up
    for other in 1 2 3; do
        ((other == $1)) || on "machine$1" ip neighbor add "203.0.113.$other" lladdr "02:00:00:00:00:0$other" dev internet
    done
}

# Puts a machine behind machine 2, which gives what it sends its own address.
hide_home() {
    on machine2 ip link add lan type veth peer name lan netns "$DIR/home"
    on machine2 ip address add 192.168.1.1/24 dev lan
    on machine2 ip link set lan up
    on home ip address add 192.168.1.2/24 dev lan
    on home ip link set lan up
    on home ip route add default via 192.168.1.1
    on machine2 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    on machine2 nft 'table ip nat {
        chain outgoing {
            type nat hook postrouting priority srcnat
            oifname internet masquerade
        }
    }'
}

# What runs in this script's own namespaces: see the end.
inside() {
    local name
    DIR=$1
    shift
    # All files, too, go with the namespaces.
    mount -t tmpfs machines "$DIR"
    for name in network machine1 machine2 home machine3; do machine "$name"; done
    for name in 1 2 3; do connect "$name"; done
    hide_home
    (($#)) || return 0
    mkdir "$DIR/tmp"
    # What is downloaded was downloaded before: from here nobody reaches a registry.
    TMPDIR="$DIR/tmp" DECENTRALML_MACHINES="$DIR" DECENTRALML_NETWORK="$*" CARGO_NET_OFFLINE=true on machine1 \
        cargo test --release --workspace --locked --test end_to_end -- --ignored --nocapture machines::
}

number() { [[ ${2:-} =~ ^[0-9]{1,4}$ ]] && echo "$2" || die "$1 wants a number; see --help"; }

while (($#)); do
    case $1 in
        --inside) inside "${@:2}"; exit ;;
        --try) TRY=1; shift; continue ;;
        --delay) DELAY=$(number "$@") ;;
        --loss) LOSS=$(number "$@") ;;
        --cut) CUT=$(number "$@") ;;
        -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) die "unknown argument $1; see --help" ;;
    esac
    shift 2
done

# All that runs in the namespaces ends with the process that was their first, and with them what is mounted there.
stop() {
    trap '' INT TERM
    [[ ! $PID ]] || kill -9 "$PID" 2>/dev/null || true
    wait 2>/dev/null || true
    [[ ! $DIR ]] || rm -rf "$DIR"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

scripts/setup.sh ip:iproute2 nft:nftables
if [[ ! $TRY ]]; then
    cargo build --release --workspace --locked
    # The whole workspace, as everywhere: for a package alone Cargo chooses other features, and builds a hundred crates again.
    cargo test --release --workspace --locked --test end_to_end --no-run
fi
DIR=$(mktemp -d)
# Root needs no namespace of users to make the others.
own=(--mount --net --pid --fork --kill-child --mount-proc)
((EUID == 0)) || own=(--user --map-root-user "${own[@]}")
conditions=("$DELAY" "$LOSS" "$CUT")
[[ ! $TRY ]] || conditions=()
SECONDS=0
unshare "${own[@]}" -- scripts/machines.sh --inside "$DIR" "${conditions[@]}" &
PID=$!
status=0
wait "$PID" || status=$?
PID=
((status == 0)) || [[ ! $TRY ]] || die "this machine does not let us make the namespaces, or not what is to be in them"
[[ $TRY ]] || echo "machines: ended after $SECONDS s; their namespaces are gone"
exit "$status"
