# Sourced by the scripts that need a real Kubo, after env.sh: finds or builds the program.

KUBO_VERSION=v0.42.0

# Whether find_kubo will have one: named, on the PATH, built before, or to be built with Go.
can_find_kubo() {
    [[ ${DECENTRALML_IPFS:-} || -x "$(dirname "$CARGO_TARGET_DIR")/kubo-$KUBO_VERSION/ipfs" || -x /usr/local/go/bin/go ]] ||
        command -v ipfs >/dev/null || command -v go >/dev/null
}

# Sets KUBO to the program that DECENTRALML_IPFS names or that is on the PATH. Where there is none, it builds one with Go.
find_kubo() {
    local built go
    built="$(dirname "$CARGO_TARGET_DIR")/kubo-$KUBO_VERSION/ipfs"
    KUBO=${DECENTRALML_IPFS:-$(command -v ipfs || true)}
    [[ ! $KUBO && -x $built ]] && KUBO=$built
    [[ ! $KUBO ]] || return 0
    go=$(command -v go || echo /usr/local/go/bin/go)
    if [[ ! -x $go ]]; then
        echo "There is neither \`ipfs\` nor Go to build it with. Install Kubo (https://docs.ipfs.tech/install) or Go \
(https://go.dev/doc/install), or name the program with DECENTRALML_IPFS" >&2
        return 1
    fi
    echo "Building Kubo $KUBO_VERSION into $(dirname "$built") …" >&2
    mkdir -p "$(dirname "$built")"
    # `go install` does not take a module of this kind; a module that requires it builds it as any other.
    printf 'module kubo\n\ngo 1.26.4\n\nrequire github.com/ipfs/kubo %s\n' "$KUBO_VERSION" >"$(dirname "$built")/go.mod"
    (cd "$(dirname "$built")" && "$go" build -mod=mod -o ipfs.new github.com/ipfs/kubo/cmd/ipfs && mv ipfs.new ipfs) || return 1
    KUBO=$built
}
