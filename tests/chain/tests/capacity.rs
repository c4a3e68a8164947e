//! What grows and what does not: the work of a call with the number of enrolled accounts, the state with the number of rounds.
#![allow(clippy::unwrap_used)]

use decentralml_chain::capacity::{calls, permanent};

/// Bytes that a round may leave for good, once it is claimed, or void.
const PERMANENT: i64 = 300;

#[test]
fn a_call_of_a_round_touches_the_same_with_ten_and_with_a_thousand_enrolled() {
    let (few, many) = (calls(10, 0).unwrap(), calls(1_000, 0).unwrap());
    assert!(few.len() >= 24, "{few:?}");
    assert_eq!(few.len(), many.len());
    for (few, many) in few.iter().zip(&many) {
        assert_eq!(few.call, many.call);
        assert!(few.trace.reads > 0 && few.trace.writes > 0, "{few:?}");
        assert_eq!(few.trace.reads, many.trace.reads, "keys that {} reads", few.call);
        assert_eq!(few.trace.writes, many.trace.writes, "keys that {} writes", few.call);
        assert_eq!(few.trace.weight, many.trace.weight, "what {} weighs", few.call);
    }
}

#[test]
fn a_round_leaves_at_most_300_bytes_for_good() {
    for remains in permanent().unwrap() {
        let bytes = remains.bytes();
        assert!(bytes > 0, "a round leaves its record: {remains:?}");
        assert!(bytes <= PERMANENT, "{bytes} bytes: {remains:?}");
    }
}
