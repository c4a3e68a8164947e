# Sourced by the scripts that need age, the reference implementation of sealed files, after env.sh: finds or builds the programs.

AGE_VERSION=v1.3.2

# Whether find_age will have them: named, on the PATH, built before, or to be built with Go.
can_find_age() {
    [[ ${DECENTRALML_AGE:-} || -x "$(dirname "$CARGO_TARGET_DIR")/age-$AGE_VERSION/age-keygen" || -x /usr/local/go/bin/go ]] ||
        command -v age-keygen >/dev/null || command -v go >/dev/null
}

# Sets AGE and AGE_KEYGEN to the program that DECENTRALML_AGE names, or that is on the PATH, and to the one beside it. Where there is
# none, it builds both with Go.
find_age() {
    local built go
    built="$(dirname "$CARGO_TARGET_DIR")/age-$AGE_VERSION"
    AGE=${DECENTRALML_AGE:-$(command -v age || true)}
    if [[ ! $AGE && ! -x $built/age-keygen ]]; then
        go=$(command -v go || echo /usr/local/go/bin/go)
        if [[ ! -x $go ]]; then
            echo "There is neither \`age\` nor Go to build it with. Install age (https://age-encryption.org) or Go \
(https://go.dev/doc/install), or name the program with DECENTRALML_AGE" >&2
            return 1
        fi
        echo "Building age $AGE_VERSION into $built …" >&2
        GOBIN=$built "$go" install "filippo.io/age/cmd/age@$AGE_VERSION" "filippo.io/age/cmd/age-keygen@$AGE_VERSION" || return 1
    fi
    AGE=${AGE:-$built/age}
    AGE_KEYGEN="$(dirname "$AGE")/age-keygen"
    [[ -x $AGE && -x $AGE_KEYGEN ]] || {
        echo "$AGE and $AGE_KEYGEN are not both programs: name another age with DECENTRALML_AGE" >&2
        return 1
    }
}
