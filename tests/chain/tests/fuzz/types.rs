//! Decoders of the primitives.

use codec::{Decode, Encode};
use decentralml_protocol::spec::{check, example};
use decentralml_traits::Draw;
use decentralml_types::{
    Cid, Codec, Failure, Fault, NextModel, Opinion, Opinions, Outcome, Phase, Role, TaskSpec,
    TaskStatus, Url, Urls, encryption, host,
    spec::{Custody, InitialModel, Objective, limits::MAX_SCORE},
};
use std::fmt::Debug;

pub const WORDS: &[&[u8]] = &[
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\"\"",
    b"{}",
    b"[]",
    b"\\u0000",
    b"{\"weights\":",
];

const CID: Cid = Cid { codec: Codec::Raw, digest: [9; 32] };

/// Bytes that decode give the same bytes again: no two stand for the same thing, and none for more than it has.
pub fn round_trip<T: Decode + Encode + PartialEq + Debug>(mut input: &[u8]) -> Option<T> {
    let whole = input;
    let value = T::decode(&mut input).ok()?;
    let used = whole.len() - input.len();
    let encoded = value.encode();
    assert!(encoded.len() <= used, "{} bytes became {}", used, encoded.len());
    assert_eq!(T::decode(&mut &encoded[..]).as_ref(), Ok(&value));
    Some(value)
}

fn various() -> Vec<TaskSpec> {
    let mut other = example();
    other.initial = InitialModel::Weights(CID);
    other.objective = Objective::Regression { features: 3, quantities: 2 };
    other.custody = Custody { hosts: 2, sealed: true };
    other.target = None;
    other.training.clip_norm = Some(5);
    vec![example(), other]
}

pub fn specs() -> Vec<Vec<u8>> {
    various().iter().map(Encode::encode).collect()
}

/// Whatever a specification says, its sums are worked out without a fault; one that passes costs what can be paid.
pub fn check_spec(input: &[u8]) -> bool {
    round_trip::<TaskSpec>(input).map(|spec| reckon(&spec)).is_some()
}

fn reckon(spec: &TaskSpec) {
    let accepted = check(spec).is_ok();
    let total = spec.total_pay().zip(spec.total_charges(0));
    let (attempts, rows) = (spec.attempts(), spec.rows());
    if accepted {
        assert!(total.is_some(), "an accepted specification has a price");
        assert!(attempts >= spec.rounds && rows >= u64::from(attempts));
        assert!(spec.free_calls() > 0);
    }
}

pub fn spec_texts() -> Vec<Vec<u8>> {
    various().iter().map(|spec| serde_json::to_vec_pretty(spec).unwrap()).collect()
}

pub fn check_spec_text(input: &[u8]) -> bool {
    let Ok(spec) = serde_json::from_slice::<TaskSpec>(input) else { return false };
    reckon(&spec);
    let text = serde_json::to_vec(&spec).unwrap();
    assert_eq!(serde_json::from_slice::<TaskSpec>(&text).unwrap(), spec);
    true
}

/// One of each, behind a byte that says which.
pub fn parts() -> Vec<Vec<u8>> {
    let sheet = [Opinion::Score(-MAX_SCORE), Opinion::Unavailable, Opinion::Malformed];
    let url = Url::truncate_from(b"https://host.example".to_vec());
    let parts = [
        CID.encode(),
        NextModel { cid: CID, state: Some(CID) }.encode(),
        Opinions::truncate_from(sheet.repeat(20)).encode(),
        Urls::truncate_from(vec![url; 4]).encode(),
        (Role::Evaluator, Phase::Tallying, TaskStatus::Paused).encode(),
        (Failure::Expired, Fault::Malformed, Outcome::Accepted { weight: 7 }).encode(),
        Draw::Committee(1).encode(),
        [0xffu8; 32].encode(),
    ];
    (0u8..).zip(parts).map(|(kind, part)| [&[kind], &part[..]].concat()).collect()
}

pub fn check_part(input: &[u8]) -> bool {
    let Some((kind, input)) = input.split_first() else { return false };
    match kind {
        0 => round_trip::<Cid>(input)
            .map(|cid| assert_eq!(cid.to_string().parse().as_ref(), Ok(&cid)))
            .is_some(),
        1 => round_trip::<NextModel>(input).is_some(),
        2 => round_trip::<Opinions>(input)
            .map(|sheet| {
                let mut opinions: Vec<Opinion> = sheet.into_inner();
                decentralml_protocol::verdict::finding(&mut opinions);
            })
            .is_some(),
        3 => round_trip::<Urls>(input)
            .map(|urls| urls.iter().filter(|url| host::is_plain(url)).count())
            .is_some(),
        4 => round_trip::<(Role, Phase, TaskStatus)>(input).is_some(),
        5 => round_trip::<(Failure, Fault, Outcome)>(input).is_some(),
        6 => round_trip::<Draw>(input).is_some(),
        7 => round_trip::<[u8; 32]>(input).map(|key| encryption::is_usable(&key)).is_some(),
        _ => false,
    }
}
