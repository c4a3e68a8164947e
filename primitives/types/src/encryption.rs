//! Keys that bytes are encrypted to.

/// An X25519 public key: the u-coordinate of a point of Curve25519, little-endian (RFC 7748).
pub type PublicKey = [u8; 32];

/// The u-coordinates of the points whose order divides 8. Whatever secret meets one of them, the result is 0, so everybody could
/// read what was encrypted to it. From D. J. Bernstein, <https://cr.yp.to/ecdh.html#validate>; his list's further entries are
/// these points in encodings that [`is_usable`] refuses by themselves.
const SMALL_ORDER: [PublicKey; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    // p - 1
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    // 325606250916557431795983626356110631294008115727848805560023387167927233504
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    // 39382357235489614581723060781553021112529911719440698176882885853963445705823
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
];

/// Whether bytes can be encrypted to a key so that not everybody can read them: the one encoding that its point has, and no
/// point of small order.
///
/// A point of another encoding would be the same key to X25519 but other bytes to `age`, which hashes them: its owner could not
/// read what honest programs encrypt to it. That somebody knows the secret of a usable key, nobody can see from the key.
pub fn is_usable(key: &PublicKey) -> bool {
    is_canonical(key) && !SMALL_ORDER.contains(key)
}

/// Whether the number is below p = 2^255 - 19.
fn is_canonical(key: &PublicKey) -> bool {
    let [lowest, middle @ .., highest] = key;
    let at_least_p = *highest == 0x7f && middle.iter().all(|byte| *byte == 0xff) && *lowest >= 0xed;
    *highest < 0x80 && !at_least_p
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};

    /// p + `offset`, for 0 to 18.
    fn at_or_above_p(offset: u8) -> PublicKey {
        let mut key = [0xff; 32];
        key[0] = 0xed + offset;
        key[31] = 0x7f;
        key
    }

    fn with_top_bit(mut key: PublicKey) -> PublicKey {
        key[31] |= 0x80;
        key
    }

    #[test]
    fn no_secret_is_safe_with_a_point_of_small_order() {
        let others = [at_or_above_p(0), at_or_above_p(1)];
        for point in SMALL_ORDER.into_iter().chain(others) {
            for point in [point, with_top_bit(point)] {
                for secret in [[1; 32], [0x5a; 32], [0xff; 32]] {
                    assert_eq!(x25519(secret, point), [0; 32]);
                }
                assert!(!is_usable(&point), "{point:02x?}");
            }
        }
    }

    #[test]
    fn a_point_has_one_encoding() {
        for offset in 0..=18 {
            assert!(!is_usable(&at_or_above_p(offset)), "p + {offset}");
        }
        assert!(!is_usable(&with_top_bit(X25519_BASEPOINT_BYTES)));
        let mut largest = at_or_above_p(0);
        // p - 2
        largest[0] = 0xeb;
        assert!(is_usable(&largest));
        assert!(is_usable(&X25519_BASEPOINT_BYTES));
    }

    proptest! {
        #[test]
        fn the_key_of_every_secret_is_usable(secret: [u8; 32]) {
            prop_assert!(is_usable(&x25519(secret, X25519_BASEPOINT_BYTES)));
        }

        #[test]
        fn a_usable_key_agrees_on_something(key: [u8; 32], secret: [u8; 32]) {
            prop_assert_eq!(is_usable(&key), key[31] < 0x80);
            prop_assert_ne!(x25519(secret, key), [0; 32]);
        }
    }
}
