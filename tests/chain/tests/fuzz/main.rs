//! Everything of ours that validators decode, on inputs that are nearly right: transactions, calls, arguments of the runtime API, and
//! what the primitives are made of. No panic, no more out than there is in, and an end.
//!
//! The runner is that of the storage library's decoders, and so are `scripts/fuzz.sh` and its options; another decoder is one more
//! test here. The valid calls are those of which `runtime/tests` reckons the fees: all that our pallets have.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../../runtime/tests/support/calls.rs"]
mod calls;
#[path = "../../../../client/storage/tests/fuzz/mutate.rs"]
mod mutate;
#[path = "../../../../client/storage/tests/fuzz/runner.rs"]
mod runner;
mod runtime;
mod types;

use runner::run;

#[test]
fn bytes_are_calls_that_end_or_are_refused() {
    let mut chains = runtime::Chains::new();
    run("calls", &runtime::calls(), &[], |input| chains.check_call(input));
}

#[test]
fn bytes_are_transactions_that_are_valid_or_are_refused() {
    let mut chains = runtime::Chains::new();
    run("transactions", &runtime::transactions(), &[], |input| chains.check_transaction(input));
}

#[test]
fn the_runtime_api_answers_whatever_it_is_asked() {
    let mut chains = runtime::Chains::new();
    run("runtime-api", &runtime::questions(), &[], |input| chains.check_question(input));
}

#[test]
fn bytes_are_task_specifications_or_are_refused() {
    run("task-spec", &types::specs(), &[], types::check_spec);
}

#[test]
fn texts_are_task_specifications_or_are_refused() {
    run("task-spec-json", &types::spec_texts(), types::WORDS, types::check_spec_text);
}

#[test]
fn bytes_are_parts_of_the_protocol_or_are_refused() {
    run("primitives", &types::parts(), &[], types::check_part);
}
