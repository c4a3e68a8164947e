#!/usr/bin/env bash
# Installs what a build needs and this machine lacks: system packages on Debian and Ubuntu, and the Rust toolchain that
# rust-toolchain.toml names. Asks nothing, says what it does, and is silent when nothing is missing.
#
# Usage: scripts/setup.sh [PROGRAM:PACKAGE …]    what a caller needs beside that: a program, and Debian's package for it
#
# Beside what is named here and in the scripts that call it, they use only what every Debian and Ubuntu has: bash, coreutils,
# util-linux, sed, grep, awk.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# A program, not a builtin of this shell: tests start programs.
has() { type -P "$1" >/dev/null; }

# The packages, in Debian's names, whose programs or libraries are not here. Arguments are further pairs.
missing_packages() {
    local pair
    for pair in cc:build-essential make:build-essential clang:clang mold:mold cmake:cmake \
        protoc:protobuf-compiler pkg-config:pkg-config curl:curl "$@"; do
        has "${pair%%:*}" || echo "${pair#*:}"
    done
    # OpenSSL is built from source, and its build wants all of Perl, not the small one that Debian always has.
    perl -MFindBin -MIPC::Cmd -e 1 2>/dev/null || echo perl
}

install_packages() {
    local packages sudo=()
    mapfile -t packages < <(missing_packages "$@" | sort -u)
    ((${#packages[@]})) || return 0
    if ! has apt-get; then
        echo "This system has no apt-get. Please install what Debian calls: ${packages[*]}" >&2
        return 1
    fi
    if ((EUID)); then
        if ! has sudo; then
            echo "Please run as root: apt-get install ${packages[*]}" >&2
            return 1
        fi
        sudo=(sudo)
    fi
    echo "Installing system packages: ${packages[*]}"
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${packages[@]}" >/dev/null
}

# Where Node.js is asked for: whether its test runner can do what ours asks of it. Distributions before Debian 12 and Ubuntu
# 24.04 have an older one.
check_node() {
    local version
    [[ " $* " == *" node:"* ]] || return 0
    version=$(node --version)
    [[ ${version#v} =~ ^([0-9]+)\.([0-9]+) ]] \
        && ((BASH_REMATCH[1] * 100 + BASH_REMATCH[2] < 1819)) || return 0
    echo "Node.js $version is too old for the Polkadot-JS tests. Please install 18.19 or later from https://nodejs.org, so that" >&2
    echo "\`node --version\` tells it, and run this again." >&2
    return 1
}

# A value of rust-toolchain.toml: a string, or a list as words.
toolchain() {
    sed -n "s/^$1 *= *//p" "$ROOT/rust-toolchain.toml" | tr -d '[]",'
}

# Whether the toolchain in folder $1 has all that the project names.
toolchain_is_complete() {
    local part
    for part in $(toolchain targets); do
        [[ -d $1/lib/rustlib/$part/lib ]] || return 1
    done
    for part in $(toolchain components); do
        case $part in
            rust-src) [[ -f $1/lib/rustlib/src/rust/library/Cargo.lock ]] || return 1 ;;
            clippy) [[ -x $1/bin/cargo-clippy ]] || return 1 ;;
            *) [[ -x $1/bin/$part ]] || return 1 ;;
        esac
    done
}

install_toolchain() {
    local channel rustc targets components
    channel=$(toolchain channel)
    if ! has rustup; then
        if has rustc && [[ $(rustc --version) == "rustc $channel "* ]] \
            && toolchain_is_complete "$(rustc --print sysroot)"; then
            return 0
        fi
        echo "Rust's installer is missing. Please install rustup from https://rustup.rs and run this again." >&2
        return 1
    fi
    if rustc=$(rustup which --toolchain "$channel" rustc 2>/dev/null) \
        && toolchain_is_complete "${rustc%/bin/rustc}"; then
        return 0
    fi
    targets=$(toolchain targets)
    components=$(toolchain components)
    echo "Installing Rust $channel with $components and the target $targets"
    rustup toolchain install "$channel" --profile minimal --no-self-update \
        --target "${targets// /,}" --component "${components// /,}"
}

install_packages "$@"
check_node "$@"
install_toolchain
