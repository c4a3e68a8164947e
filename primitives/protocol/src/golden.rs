//! Golden vectors: the same inputs through the real rules, natively and in WebAssembly, must give the same bytes.

use crate::{draw, payout, verdict};
use alloc::vec::Vec;
use decentralml_types::{Opinion, Score};
use sp_crypto_hashing::blake2_256;

/// What [`digest`] returns on every machine.
pub const EXPECTED: [u8; 32] = [
    101, 242, 195, 231, 232, 62, 62, 69, 40, 139, 234, 85, 214, 30, 66, 88, 176, 177, 65, 165, 98,
    172, 216, 159, 208, 156, 189, 175, 16, 69, 144, 167,
];

/// A digest over draws, findings, running scores and payouts of fixed inputs.
pub fn digest() -> [u8; 32] {
    let mut bytes = Vec::new();
    for population in [1u32, 2, 3, 10, 257, 100_000, u32::MAX] {
        let key = draw::key(&[9; 32], &population.to_le_bytes());
        for slot in [0, population / 2, population - 1] {
            let place = draw::place_of(&key, slot, population);
            bytes.extend_from_slice(&place.to_le_bytes());
            bytes.extend_from_slice(&draw::slot_at(&key, slot, population).to_le_bytes());
        }
    }
    let mut score: Score = 1;
    let mut running: Score = 0;
    let mut trend = None;
    for seats in 1..=31 {
        let mut opinions: Vec<Opinion> = (0..seats)
            .map(|seat| {
                score = score
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                match seat % 7 {
                    5 => Opinion::Unavailable,
                    6 => Opinion::Malformed,
                    4 => Opinion::Copied,
                    _ => Opinion::Score(score >> 20),
                }
            })
            .collect();
        if let Some(verdict::Finding::Score(median)) = verdict::finding(&mut opinions) {
            let average = verdict::trend(trend, verdict::worth(median));
            trend = Some(average);
            running = verdict::running(running, median, average);
            bytes.extend_from_slice(&median.to_le_bytes());
            bytes.extend_from_slice(&running.to_le_bytes());
            let paid = payout::share(1 << 70, running.unsigned_abs(), 1 << 62);
            bytes.extend_from_slice(&paid.to_le_bytes());
        }
    }
    blake2_256(&bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn native_code_gives_the_golden_digest() {
        assert_eq!(super::digest(), super::EXPECTED);
    }
}
