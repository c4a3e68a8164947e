//! Endpoints that are no chain, another chain, or gone; and accounts that cannot pay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use decentralml_sdk::{AccountId, Chain, ConnectError, Signer, SubmitError, Wait, call};
use jsonrpsee::RpcModule;
use std::time::{Duration, Instant};
use support::{METADATA, Pretense, node, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Our metadata with the name of one constant changed, wherever it is.
fn other_metadata() -> Vec<u8> {
    let (name, other) = (b"DepositPerRow", b"DepositPerCow");
    let mut bytes = METADATA.to_vec();
    for at in 0..bytes.len() - name.len() {
        if bytes[at..].starts_with(name) {
            bytes[at..at + name.len()].copy_from_slice(other);
        }
    }
    assert_ne!(bytes, METADATA);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_this_programs_metadata_is_taken() {
    let (url, _node) = node(Pretense { free: 7, ..Pretense::default() }).await;
    let chain = Chain::connect(&url).await.unwrap();
    assert_eq!(chain.name(), "Pretense");
    let constants = chain.constants().await.unwrap();
    assert!(constants.deposit_base > 0 && constants.deposit_per_row > 0);
    let account = AccountId::from([1; 32]);
    assert_eq!(chain.best().await.unwrap().balance(&account).await.unwrap().free, 7);
    // Another account than any that somebody owns.
    let treasury = chain.best().await.unwrap().treasury().await.unwrap();
    assert_eq!(treasury.0[..12], *b"modldml/trsy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_with_other_metadata_is_refused_with_what_differs_and_what_to_do() {
    let (url, _node) = node(Pretense { metadata: other_metadata(), ..Pretense::default() }).await;
    let error = Chain::connect(&url).await.unwrap_err();
    assert!(matches!(error, ConnectError::MetadataMismatch { found: 77, .. }), "{error:?}");
    let text = error.to_string();
    for part in [
        url.as_str(),
        "version 77",
        "Tasks.DepositPerRow",
        "release",
        "another node",
        "metadata.sh",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chain_is_named() {
    let (url, _node) = node(Pretense { name: "westend", ..Pretense::default() }).await;
    let error = Chain::connect(&url).await.unwrap_err();
    assert!(matches!(&error, ConnectError::OtherChain { found, .. } if found == "westend"));
    assert!(error.to_string().contains("not a DecentralML chain"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_are_none_are_an_error() {
    let metadata = b"meta\x10 and so on".to_vec();
    let (url, _node) = node(Pretense { metadata, ..Pretense::default() }).await;
    let error = Chain::connect(&url).await.unwrap_err();
    assert!(matches!(error, ConnectError::Read { .. }), "{error:?}");
    assert!(error.to_string().contains(&url), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_no_node_is_told_so() {
    let (url, _server) = serve(RpcModule::new(())).await;
    let error = Chain::connect(&url).await.unwrap_err();
    assert!(matches!(error, ConnectError::Read { .. }), "{error:?}");
    assert!(error.to_string().contains("does not answer as a node should"), "{error}");
}

/// Answers whatever comes with `answer`, and hangs up.
async fn hangs_up(answer: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 4_096]).await;
            let _ = socket.write_all(answer).await;
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn where_something_else_answers_the_error_says_so_at_once() {
    let began = Instant::now();
    for answer in [b"".as_slice(), b"HTTP/1.1 404 Not Found\r\n\r\n", b"220 mail.example.org\r\n"] {
        let url = hangs_up(answer).await;
        let error = Chain::connect(&url).await.unwrap_err();
        assert!(matches!(error, ConnectError::NoChain { .. }), "{error:?}");
        assert!(error.to_string().contains(&url), "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_gone_is_an_error_within_the_time_limit() {
    let (url, server) = node(Pretense::default()).await;
    let chain = Chain::connect(&url).await.unwrap();
    server.stop().unwrap();
    server.stopped().await;
    let answer = tokio::time::timeout(Duration::from_secs(40), chain.best()).await;
    let error = answer.expect("the question ends by itself").unwrap_err();
    assert!(error.is_transient(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_pay_is_told_what_it_needs_and_has() {
    let (url, _node) = node(Pretense { free: 41, fee: 1_234, ..Pretense::default() }).await;
    let chain = Chain::connect(&url).await.unwrap();
    let signer = Signer::from_uri("//Poor").unwrap();
    let transfer = call::transfer(&AccountId::from([2; 32]), 5);
    let error = chain.submit(&signer, &transfer, Wait::InBlock).await.unwrap_err();
    let SubmitError::CannotPay(shortage) = &error else { panic!("{error:?}") };
    assert_eq!((shortage.free, shortage.needed), (41, Some(1_234)));
    let deposit = chain.constants().await.unwrap().existential_deposit;
    let deposit = chain.properties().tokens(deposit);
    let text = error.to_string();
    for part in [
        signer.account().to_string().as_str(),
        "it has 0.000000000041 DML",
        "needs 0.000000001234 DML",
        &format!("the existential deposit of {deposit}, which has to stay"),
        "send it funds",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// `DispatchError::Token` and the number of the error, as SCALE encodes them.
fn token_error(number: u8) -> Option<Vec<u8>> {
    Some(vec![7, number])
}

/// `DispatchError::Arithmetic` and the number of the error, as SCALE encodes them.
fn arithmetic_error(number: u8) -> Option<Vec<u8>> {
    Some(vec![8, number])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_out_of_range_is_not_money_that_is_missing_where_none_is() {
    let failure = arithmetic_error(0);
    let (url, _node) = node(Pretense { free: 1 << 100, failure, ..Pretense::default() }).await;
    let chain = Chain::connect(&url).await.unwrap();
    let signer = Signer::from_uri("//Rich").unwrap();
    // The one is there, the other moves nothing.
    for call in [call::transfer(&AccountId::from([2; 32]), 50_000), call::pause(7)] {
        let error = chain.submit(&signer, &call, Wait::InBlock).await.unwrap_err();
        assert!(matches!(error, SubmitError::Dispatch(_)), "{error:?}");
    }
    // Not even that is enough.
    let error =
        chain.submit(&signer, &call::fund(7, u128::MAX, 0, true), Wait::InBlock).await.unwrap_err();
    assert!(matches!(error, SubmitError::NoFunds { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_what_a_call_takes_is_told_what_it_needs_and_has() {
    // `FundsUnavailable`, and `NotExpendable`: what the account would have left is too little. `Underflow` and `Overflow`: nobody
    // has so much.
    for failure in [token_error(0), token_error(8), arithmetic_error(0), arithmetic_error(1)] {
        let (url, _node) = node(Pretense { free: 41, failure, ..Pretense::default() }).await;
        let chain = Chain::connect(&url).await.unwrap();
        let signer = Signer::from_uri("//Poor").unwrap();
        let transfer = call::transfer(&AccountId::from([2; 32]), 50_000);
        let error = chain.submit(&signer, &transfer, Wait::InBlock).await.unwrap_err();
        let SubmitError::NoFunds { shortage, .. } = &error else { panic!("{error:?}") };
        assert_eq!((shortage.free, shortage.needed), (41, Some(50_000)));
        let text = error.to_string();
        for part in [
            signer.account().to_string().as_str(),
            "Balances::transfer_keep_alive",
            "0.000000000041 DML",
            "0.00000005 DML",
            "send it funds",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!error.is_transient(), "trying again does not help");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_does_not_exist_has_nothing() {
    let (url, _node) = node(Pretense { failure: token_error(0), ..Pretense::default() }).await;
    let chain = Chain::connect(&url).await.unwrap();
    let signer = Signer::from_uri("//Nobody").unwrap();
    // What it takes depends on the task, which only the chain knows.
    let cancel = call::cancel(7);
    let error = chain.submit(&signer, &cancel, Wait::InBlock).await.unwrap_err();
    assert!(matches!(error, SubmitError::NoFunds { .. }), "{error:?}");
    assert!(error.to_string().contains("it has 0 DML and needs more"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_cannot_arrive_is_not_money_that_is_missing() {
    // `BelowMinimum`: the receiver would not come into being.
    let (url, _node) =
        node(Pretense { free: 41, failure: token_error(2), ..Pretense::default() }).await;
    let chain = Chain::connect(&url).await.unwrap();
    let signer = Signer::from_uri("//Poor").unwrap();
    let transfer = call::transfer(&AccountId::from([2; 32]), 5);
    let error = chain.submit(&signer, &transfer, Wait::InBlock).await.unwrap_err();
    assert!(matches!(error, SubmitError::BelowMinimum { .. }), "{error:?}");
    let deposit = chain.constants().await.unwrap().existential_deposit;
    let text = error.to_string();
    assert!(text.contains(&chain.properties().tokens(deposit)), "{text}");
    assert!(text.contains("transfer") && text.contains("at least that much"), "{text}");
    // A call that moves nothing of the signer's is not told to send more.
    let error = chain.submit(&signer, &call::pause(7), Wait::InBlock).await.unwrap_err();
    assert!(matches!(error, SubmitError::Dispatch(_)), "{error:?}");
}
