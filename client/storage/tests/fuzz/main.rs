//! Every decoder of what comes from outside, on inputs that are nearly right: no panic, no more out than there is in, and an
//! end after a number of steps that the input bounds.
//!
//! Each test is one decoder. It makes `DECENTRALML_FUZZ` inputs (2,000 where that is not set, a million in `scripts/fuzz.sh`)
//! out of valid ones. An input follows from the decoder's name, `DECENTRALML_FUZZ_SEED` and its number; what a failure prints
//! makes the same input again. `DECENTRALML_FUZZ_DECODERS` chooses some of them.
//!
//! Another decoder is one more test here: `run(NAME, &valid inputs, &words, check)`, where `check` says whether an input was taken and
//! asserts what has to hold of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cars;
mod encode;
mod files;
mod http;
mod mutate;
mod runner;
mod sealed;
#[path = "../support/mod.rs"]
mod support;
mod texts;
mod uploads;

use runner::run;

#[test]
fn nodes_of_dag_pb_are_decoded_or_refused() {
    run("dag-pb", &files::nodes(), &[], files::check_node);
}

#[test]
fn unixfs_messages_are_decoded_or_refused() {
    run("unixfs", &files::messages(), &[], files::check_message);
}

#[test]
fn walks_through_files_end_where_their_sizes_say() {
    run("walk", &files::plans(), &[], files::check_walk);
}

#[test]
fn headers_of_cars_are_decoded_or_refused() {
    run(
        "car-header",
        &cars::headers(),
        &[b"roots", b"version", b"\xd8\x2a\x58"],
        cars::check_header,
    );
}

#[test]
fn cars_are_read_or_refused() {
    run("car", &cars::whole(), &[], cars::check_whole);
}

#[test]
fn what_is_written_into_a_car_is_read_out_of_it() {
    run("car-blocks", &files::nodes(), &[], cars::check_blocks);
}

#[test]
fn texts_are_cids_or_refused() {
    run("cid-text", &texts::cids(), texts::WORDS, texts::check_cid);
}

#[test]
fn bytes_are_cids_or_refused() {
    run("cid-bytes", &texts::binary_cids(), &[], texts::check_binary_cid);
}

#[test]
fn texts_are_paths_or_refused() {
    run("path", &texts::paths(), texts::WORDS, texts::check_path);
}

#[test]
fn targets_of_the_gateway_are_answered_or_refused() {
    let mut gateway = http::Gateway::start();
    run("gateway-target", &gateway.targets(), http::WORDS, |input| gateway.check_target(input));
}

#[test]
fn ranges_give_the_bytes_that_they_name() {
    let mut gateway = http::Gateway::start();
    run("range", &http::ranges(), http::WORDS, |input| gateway.check_range(input));
}

#[test]
fn uploads_of_many_parts_are_taken_or_refused() {
    let mut server = http::Rpc::start();
    run("multipart", &http::uploads(), http::WORDS, |input| server.check_upload(input));
}

#[test]
fn sealed_files_are_opened_or_refused() {
    run("age", &sealed::files(), sealed::WORDS, sealed::check);
}

#[test]
fn headers_of_uploads_are_statements_or_refused() {
    run("authorization", &uploads::headers(), uploads::WORDS_OF_HEADERS, uploads::check_header);
}

#[test]
fn only_the_token_of_a_store_opens_it() {
    let mut server = http::Rpc::start_with_token();
    run("token", &http::tokens(), uploads::WORDS_OF_HEADERS, |input| server.check_token(input));
}

#[test]
fn uploads_to_a_host_are_the_dag_that_it_waits_for_or_refused() {
    run("sections", &uploads::cars(), &[], uploads::check_upload);
}

#[test]
fn texts_are_urls_of_sources_or_refused() {
    run("source-url", &uploads::urls(), uploads::WORDS_OF_URLS, uploads::check_url);
}
