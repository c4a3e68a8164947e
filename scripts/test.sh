#!/usr/bin/env bash
# Formatting, lints, licenses and all tests, end to end included. Ends with the time of each part, which it also writes to
# out/test.json, a line for each thing that could not be looked at here, and the line "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh
# shellcheck source=scripts/kubo-program.sh
. scripts/kubo-program.sh
# shellcheck source=scripts/age-program.sh
. scripts/age-program.sh
scripts/setup.sh node:nodejs npm:npm kill:procps || exit 1

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0
failed=0
# What was not looked at here, each with its reason: whole parts, and tests that said so.
skipped=()
# Tests that failed at first and passed when they were run again.
unsteady=()
# The parts that have ended, and the seconds that each took.
parts=()
seconds=()

# Notes that a part that began at second $2 has ended.
took() {
	parts+=("$1")
	seconds+=($((SECONDS - $2)))
}

# Runs a command as one test.
check() {
	local name=$1 start=$SECONDS
	shift
	echo "== $name"
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $name"
	fi
	took "$name" "$start"
}

# Runs a command that prints cargo's test results, and counts them one by one. Where up to three tests have failed, and all programs
# told their results, the command gets the names of these tests and runs them again. What passes then did not stand other tests beside
# it: it is counted, and named at the end.
count() {
	local name=$1 start=$SECONDS names
	shift
	echo "== $name"
	tally "$@"
	mapfile -t names < <(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log")
	if [ "$bad" -ge 1 ] && [ "$bad" -le 3 ] && [ "${#names[@]}" -eq "$bad" ] && [ "$told" -eq "$begun" ]; then
		echo "== $name: once more: ${names[*]}"
		local first=$ok wrong=$bad
		tally "$@" "${names[@]}"
		if [ "$status" -eq 0 ] && [ "$ok" -ge "$wrong" ]; then
			unsteady+=("${names[@]}")
			ok=$((first + wrong))
		else
			ok=$first bad=$wrong status=1
		fi
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
	# A build that broke, or a test program that crashed, has no result line of its own.
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		failed=$((failed + 1))
		echo "FAILED: $name"
	fi
	took "$name" "$start"
}

# Notes that a part was left out, and why.
skip() {
	echo "SKIPPED: $2"
	skipped+=("$1: $2")
}

# Runs a command and leaves in `ok`, `bad` and `status` how many tests passed, how many failed and how it ended; in `begun` and `told`
# how many programs began their tests and how many told the results: one that crashes does not. A test that passed and printed a line
# SKIPPED: with the reason has proved less than its name says, which is noted.
tally() {
	"$@" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	local line
	while IFS= read -r line; do
		[[ " ${skipped[*]} " == *"$line"* ]] || skipped+=("$line")
	done < <(awk '
		/^---- .* stdout ----$/ { test = $0; sub(/^---- /, "", test); sub(/ stdout ----$/, "", test) }
		/^test result:/ { test = "" }
		/^SKIPPED: / { sub(/^SKIPPED: /, ""); print (test == "" ? "" : test ": ") $0 }
	' "$log")
	ok=$(awk '/^test result:/ { sum += $4 } END { print sum + 0 }' "$log")
	bad=$(awk '/^test result:/ { sum += $6 } END { print sum + 0 }' "$log")
	begun=$(grep -c '^running [0-9]* tests\?$' "$log")
	told=$(grep -c '^test result:' "$log")
}

# All tests, or those that are named. What they print is shown of those that pass as well: it says what they left out.
tests() {
	local only=()
	[ "$#" -eq 0 ] || only=(--exact "$@")
	cargo test --release --workspace --locked --no-fail-fast -- --show-output "${only[@]}"
}

# Holds the licenses of all dependencies against deny.toml. The tool is built in minutes, so nobody is made to have it.
licenses() {
	if cargo deny --version >/dev/null 2>&1; then
		check "licenses" deny
	else
		echo "== licenses"
		skip "licenses" "cargo-deny is not installed (cargo install --locked cargo-deny)"
	fi
}

# The workspace's dependencies, and those of the crates that lie outside it.
deny() {
	local crate
	for crate in . tests/golden tests/onnx; do
		cargo deny --log-level error --locked --manifest-path "$crate/Cargo.toml" check licenses bans sources || return
	done
}

# Runs the storage tests against a real Kubo, where there is one or Go to build it with, once. That a Kubo cannot be built, as where
# nothing can be downloaded, says nothing about this program.
kubo() {
	local why
	if ! can_find_kubo; then
		why="there is neither a Kubo (ipfs, or DECENTRALML_IPFS) nor Go, with which scripts/kubo.sh builds one"
	elif ! timeout 900 bash -c '. scripts/env.sh; . scripts/kubo-program.sh; find_kubo'; then
		why="Kubo could not be built with Go: see above"
	else
		count "kubo" scripts/kubo.sh --tests
		return
	fi
	echo "== kubo"
	skip "kubo" "$why"
}

# Holds sealed files against the reference implementation of their format, where there is one or Go to build it with.
age() {
	local why
	if ! can_find_age; then
		why="there is neither age (or DECENTRALML_AGE) nor Go, with which scripts/age.sh builds it"
	elif ! timeout 300 bash -c '. scripts/env.sh; . scripts/age-program.sh; find_age'; then
		why="age could not be built with Go: see above"
	else
		count "age" scripts/age.sh
		return
	fi
	echo "== age"
	skip "age" "$why"
}

# Has tract evaluate exported models, and ONNX Runtime where it can be had: that it cannot, as where there is no Python, says nothing about
# this program.
onnx() {
	local why
	if [ -z "${DECENTRALML_ONNX:-}" ] && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
		why="there is neither a Python with ONNX Runtime (DECENTRALML_ONNX) nor one that makes environments (Debian's python3-venv)"
	elif ! timeout 600 scripts/onnx.sh --install; then
		why="ONNX Runtime could not be installed: see above"
	else
		check "onnx" scripts/onnx.sh
		return
	fi
	check "onnx" scripts/onnx.sh --rust
	skip "ONNX Runtime" "$why"
}

# Runs a task among three machines, where this one lets us make them: containers often do not. It has to have the machine for itself:
# where a round has failed, there is a second try, and the end of the report says so.
machines() {
	if scripts/machines.sh --try >"$log" 2>&1; then
		check "machines" machines_round
		return
	fi
	echo "== machines"
	cat "$log"
	skip "machines" "scripts/machines.sh --try says why"
}

machines_round() {
	scripts/machines.sh && return
	echo "== machines: once more"
	scripts/machines.sh && unsteady+=("scripts/machines.sh")
}

# Prints how long everything took, and writes it to out/test.json.
report() {
	local i total=$SECONDS
	echo "== seconds"
	for i in "${!parts[@]}"; do printf '%-16s %5d\n' "${parts[i]}" "${seconds[i]}"; done
	printf '%-16s %5d\n' "all together" "$total"
	mkdir -p out
	{
		printf '{\n  "date": "%s",\n  "cores": %d,\n  "passed": %d,\n  "failed": %d,\n  "skipped": %d,\n  "seconds": {\n' \
			"$(date -u +%F)" "$(nproc)" "$passed" "$failed" "${#skipped[@]}"
		for i in "${!parts[@]}"; do printf '    "%s": %d,\n' "${parts[i]}" "${seconds[i]}"; done
		printf '    "all together": %d\n  }\n}\n' "$total"
	} >out/test.json
}

# What takes long are the end-to-end tests, and most of what they do is to wait for blocks.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((2 * $(nproc)))}"

check "formatting" cargo fmt --all --check
licenses
check "build" cargo build --release --workspace --locked
check "lints" cargo clippy --release --workspace --all-targets --locked -- -D warnings
check "building tests" cargo test --release --workspace --locked --no-run
count "tests" tests
check "money" scripts/fuzz-money.sh 20000
check "weights" scripts/weights.sh --check
kubo
age
onnx
machines
check "local network" scripts/localnet.sh --check
check "polkadot-js" scripts/polkadot-js.sh

report
[ "${#skipped[@]}" -eq 0 ] || printf 'Skipped: %s\n' "${skipped[@]}"
[ "${#unsteady[@]}" -eq 0 ] || printf 'Unsteady, passed at the second try: %s\n' "${unsteady[@]}"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
