//! Valid inputs, damaged.

use rand_chacha::ChaCha8Rng;
use rand_core::RngCore;

/// Most bytes of an input; few have more than some hundred.
const LONGEST: usize = 1 << 16;

/// Values at which lengths and counters overflow, or nearly.
const EDGES: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xffff,
    (1 << 20) + 1,
    (2 << 20) + 129,
    i32::MAX as u64,
    u32::MAX as u64,
    1 << 32,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

/// Below `end`, which is not zero.
fn below(random: &mut ChaCha8Rng, end: usize) -> usize {
    (random.next_u64() % end as u64) as usize
}

fn pick<'a, T: ?Sized>(random: &mut ChaCha8Rng, items: &'a [&'a T]) -> &'a T {
    items[below(random, items.len())]
}

fn noise(random: &mut ChaCha8Rng, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; below(random, most + 1)];
    random.fill_bytes(&mut bytes);
    bytes
}

/// The beginning and the end of some part, which may be empty and is short more often than not: little damage leads further in.
fn part(random: &mut ChaCha8Rng, bytes: &[u8]) -> (usize, usize) {
    let start = below(random, bytes.len() + 1);
    let longest = bytes.len() - start;
    let longest = if below(random, 4) == 0 { longest } else { longest.min(4) };
    (start, start + below(random, longest + 1))
}

pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// One input: noise now and then, and otherwise a valid one with up to six damages.
pub fn input(random: &mut ChaCha8Rng, valid: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
    if below(random, 32) == 0 {
        return noise(random, 200);
    }
    let mut bytes = valid[below(random, valid.len())].clone();
    for _ in 0..=below(random, 6).min(below(random, 6)) {
        damage(random, &mut bytes, valid, words);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn damage(random: &mut ChaCha8Rng, bytes: &mut Vec<u8>, valid: &[Vec<u8>], words: &[&[u8]]) {
    let (start, end) = part(random, bytes);
    match below(random, 13) {
        0 | 1 if !bytes.is_empty() => {
            let at = below(random, bytes.len());
            bytes[at] ^= 1 << below(random, 8);
        }
        2 if !bytes.is_empty() => {
            let at = below(random, bytes.len());
            bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'-', b'/', b'%'][below(random, 8)];
        }
        3 if below(random, 2) == 0 => bytes.truncate(start),
        4 => drop(bytes.drain(start..end)),
        5 => {
            let copy = bytes[start..end].to_vec();
            // A thousand times now and then: what is linear in a byte must not be so in its square.
            let times = if below(random, 64) == 0 { 1000 } else { 1 + below(random, 4) };
            let times = times.min(LONGEST / copy.len().max(1) + 1);
            bytes.splice(end..end, copy.repeat(times));
        }
        6 => drop(bytes.splice(start..start, noise(random, 16))),
        7 => {
            let other = &valid[below(random, valid.len())];
            let (from, to) = part(random, other);
            bytes.splice(start..end, other[from..to].iter().copied());
        }
        // A length, or whatever stands there, becomes another one.
        8 => {
            let mut grown = Vec::new();
            varint(&mut grown, EDGES[below(random, EDGES.len())]);
            let length = bytes[start..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, grown);
        }
        // A varint without an end, or with one that comes late.
        9 => {
            let mut bomb = vec![[0x80, 0xff][below(random, 2)]; 1 + below(random, 12)];
            bomb.extend(noise(random, 1));
            bytes.splice(start..start, bomb);
        }
        // Numbers in texts.
        10 => {
            let digits = EDGES[below(random, EDGES.len())].to_string();
            let end =
                start + bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            bytes.splice(start..end, digits.repeat(1 + below(random, 3)).into_bytes());
        }
        11 | 12 if !words.is_empty() => {
            let word = pick(random, words);
            bytes.splice(start..start, word.iter().copied());
        }
        _ if !bytes.is_empty() => {
            let (a, b) = (below(random, bytes.len()), below(random, bytes.len()));
            bytes.swap(a, b);
        }
        _ => {}
    }
}
