#!/usr/bin/env bash
# Formatting, lints and all tests, end to end included. Ends with the line "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh
scripts/setup.sh python3:python3 || exit 1

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0
failed=0

# Runs a command as one test.
check() {
	local name=$1
	shift
	echo "== $name"
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $name"
	fi
}

# Runs a command that prints cargo's test results, and counts them one by one.
count() {
	local name=$1
	shift
	echo "== $name"
	"$@" 2>&1 | tee "$log"
	local status=${PIPESTATUS[0]} ok bad
	ok=$(awk '/^test result:/ { sum += $4 } END { print sum + 0 }' "$log")
	bad=$(awk '/^test result:/ { sum += $6 } END { print sum + 0 }' "$log")
	passed=$((passed + ok))
	failed=$((failed + bad))
	# A build that broke, or a test program that crashed, has no result line of its own.
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		failed=$((failed + 1))
		echo "FAILED: $name"
	fi
}

# Runs the demo as the README says, and holds its report against what it promises.
demo() {
	scripts/demo.sh && python3 - out/demo/report.json <<-'END'
		import json, sys
		report = json.load(open(sys.argv[1]))
		promises = {
		    "at least 95 % accuracy": report["accuracy"][-1] >= 0.95,
		    "at most 15 rounds": len(report["accuracy"]) <= 15,
		    "trainers alone stay below": max(report["alone_accuracy"]) < report["accuracy"][-1],
		    "two are rejected": len(report["rejected"]) == 2,
		    "the balances add up": report["balances_add_up"] is True,
		    "a version is released": report["released_version"] >= 1,
		}
		broken = [promise for promise, kept in promises.items() if not kept]
		sys.exit(f"the demo's report breaks: {', '.join(broken)}" if broken else 0)
	END
}

check "formatting" cargo fmt --all --check
check "build" cargo build --release --workspace --locked
check "lints" cargo clippy --release --workspace --all-targets --locked -- -D warnings
count "tests" cargo test --release --workspace --locked --no-fail-fast
check "polkadot-js" scripts/polkadot-js.sh
check "demo" demo

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
