#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::testing::fold;

fn spec() -> ModelSpec {
    ModelSpec::mlp(9, &[7], 3)
}

fn encoding() -> Encoding {
    Encoding::new(32, 16, 1 << 20).unwrap()
}

const DRAW: Draw = Draw { run: [5; 32], round: 3, client: 11 };

fn codecs() -> Vec<Codec> {
    let keeps = [None, Some(1_000), Some(5_000), Some(10_000)];
    let all = [4, 8, 16, 32].into_iter().flat_map(move |bits| {
        keeps
            .into_iter()
            .flat_map(move |keep| [false, true].map(|deflate| Codec { bits, keep, deflate }))
    });
    all.collect()
}

fn weights() -> (Weights, Weights) {
    (Weights::init(&spec(), [1; 32]), Weights::init(&spec(), [2; 32]))
}

fn pack(codec: &Codec, residual: Option<&mut Residual>) -> Packed {
    let (base, trained) = weights();
    codec.pack(&base, &trained, encoding(), &DRAW, residual).unwrap()
}

#[test]
fn what_is_unpacked_is_what_the_packer_says() {
    for codec in codecs() {
        let packed = pack(&codec, None);
        assert!(packed.bytes.len() <= codec.most_bytes(&spec()), "{codec:?}");
        let update = codec.unpack(&packed.bytes, &spec(), encoding()).unwrap();
        assert_eq!(update, packed.update, "{codec:?}");
        let sent = update.values().iter().filter(|q| **q != 0).count();
        assert!(sent > 0 && sent <= packed.sent);
        assert_eq!(packed.saturated, 0);
    }
}

#[test]
fn packed_bytes_are_the_golden_ones() {
    // Without deflate, whose bytes may become fewer with another version of the library.
    let plain = codecs().into_iter().filter(|codec| !codec.deflate);
    let all: Vec<u8> = plain.flat_map(|codec| pack(&codec, None).bytes).collect();
    assert_eq!(fold(&all), 18_217_996_783_160_541_233, "packed updates would not be read any more");
}

#[test]
fn fewer_bits_and_fewer_weights_are_fewer_bytes() {
    let length = |bits, keep| pack(&Codec { bits, keep, deflate: false }, None).bytes.len();
    let count = spec().parameter_count();
    assert_eq!(length(8, None), 8 + 4 + count);
    assert_eq!(length(4, None), 8 + 4 + count.div_ceil(2));
    assert_eq!(length(32, None), 8 + 4 + 4 * count);
    // Ten of 94 weights: an index and an integer each.
    assert_eq!(length(8, Some(1_000)), 8 + 4 + 4 + 10 + 10);
}

#[test]
fn the_largest_changes_are_sent_and_of_equal_ones_the_first() {
    let count = spec().parameter_count();
    // Each size comes twice, from 0.01 to 0.47, with both signs.
    let size = |index: usize| (index * 37 % 47 + 1) as f32 / 100.0;
    let changes: Vec<f32> =
        (0..count).map(|i| if i % 2 == 0 { size(i) } else { -size(i) }).collect();
    let base = Weights::new(&spec(), vec![0.0; count]).unwrap();
    let trained = Weights::new(&spec(), changes.clone()).unwrap();
    let mut largest: Vec<usize> = (0..count).collect();
    largest.sort_by(|a, b| size(*b).total_cmp(&size(*a)).then(a.cmp(b)));
    for (keep, sent) in [(100, 1), (900, 9), (1_000, 10), (5_000, 47)] {
        let codec = Codec { bits: 32, keep: Some(keep), deflate: false };
        let packed = codec.pack(&base, &trained, encoding(), &DRAW, None).unwrap();
        let mut expected = largest[..sent].to_vec();
        expected.sort_unstable();
        let values = packed.update.values();
        let found: Vec<usize> = (0..count).filter(|&index| values[index] != 0).collect();
        assert_eq!(found, expected, "{keep} of 10,000");
        for index in found {
            assert!((encoding().decode(values[index]) - f64::from(changes[index])).abs() < 1e-4);
        }
    }
}

#[test]
fn rounding_is_right_on_average_and_the_same_for_the_same_draw() {
    let (base, trained) = weights();
    let codec = Codec { bits: 4, keep: None, deflate: false };
    let mut sums = vec![0.0; base.values().len()];
    let rounds = 2_000;
    for round in 0..rounds {
        let draw = Draw { round, ..DRAW };
        let packed = codec.pack(&base, &trained, encoding(), &draw, None).unwrap();
        let again = codec.pack(&base, &trained, encoding(), &draw, None).unwrap();
        assert_eq!(packed, again);
        for (sum, q) in sums.iter_mut().zip(packed.update.values()) {
            *sum += encoding().decode(*q);
        }
    }
    let changes = base.values().iter().zip(trained.values()).map(|(old, new)| f64::from(new - old));
    for (sum, change) in sums.iter().zip(changes) {
        // A step is 2^15 units or 0.5 at most: its deviation after 2,000 draws is below 0.006.
        assert!((sum / f64::from(rounds) - change).abs() < 0.03);
    }
    let other = Draw { client: 12, ..DRAW };
    assert_ne!(codec.pack(&base, &trained, encoding(), &other, None).unwrap(), pack(&codec, None));
}

#[test]
fn what_is_left_out_is_sent_later() {
    let (base, trained) = weights();
    for codec in [
        Codec { bits: 4, keep: None, deflate: false },
        Codec { bits: 8, keep: Some(1_000), deflate: true },
    ] {
        let mut residual = Residual::zero(&spec());
        let mut sums = vec![0.0; base.values().len()];
        for round in 0..200 {
            let draw = Draw { round, ..DRAW };
            let packed =
                codec.pack(&base, &trained, encoding(), &draw, Some(&mut residual)).unwrap();
            for (sum, q) in sums.iter_mut().zip(packed.update.values()) {
                *sum += encoding().decode(*q);
            }
        }
        let changes = base.values().iter().zip(trained.values());
        for ((sum, rest), (old, new)) in sums.iter().zip(residual.values()).zip(changes) {
            let change = 200.0 * (f64::from(*new) - f64::from(*old));
            assert!((sum + f64::from(*rest) - change).abs() < 1e-3, "{sum} + {rest} of {change}");
        }
    }
}

#[test]
fn a_residual_survives_a_crash_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("residual");
    let mut residual = Residual::load(&path, &spec()).unwrap();
    assert_eq!(residual, Residual::zero(&spec()));
    pack(&Codec { bits: 4, keep: None, deflate: false }, Some(&mut residual));
    residual.save(&path).unwrap();
    // A later save that did not come to its end.
    std::fs::write(folder.path().join("residual.new"), b"half").unwrap();
    assert_eq!(Residual::load(&path, &spec()).unwrap(), residual);
    residual.save(&path).unwrap();
    assert_eq!(Residual::load(&path, &spec()).unwrap(), residual);
    for bytes in [&b""[..], b"short", &vec![0; 100_000]] {
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(Residual::load(&path, &spec()), Err(crate::StateError::Malformed(_))));
    }
}

#[test]
fn changes_beyond_the_clip_are_cut_and_counted() {
    let (base, trained) = weights();
    let narrow = Encoding::new(32, 16, 1_000).unwrap();
    let codec = Codec { bits: 16, keep: None, deflate: false };
    let packed = codec.pack(&base, &trained, narrow, &DRAW, None).unwrap();
    assert!(packed.saturated > 40);
    assert!(packed.update.values().iter().all(|q| q.abs() <= 1_000));
    assert_eq!(codec.unpack(&packed.bytes, &spec(), narrow).unwrap(), packed.update);
}

#[test]
fn nonsense_is_refused() {
    let (base, trained) = weights();
    for bad in [
        Codec { bits: 5, keep: None, deflate: false },
        Codec { bits: 8, keep: Some(0), deflate: false },
        Codec { bits: 8, keep: Some(10_001), deflate: false },
    ] {
        assert!(bad.pack(&base, &trained, encoding(), &DRAW, None).is_err());
        assert!(bad.unpack(&[], &spec(), encoding()).is_err());
    }
    let codec = Codec { bits: 8, keep: Some(1_000), deflate: false };
    let other = ModelSpec::mlp(9, &[8], 3);
    let strange = Weights::init(&other, [1; 32]);
    assert!(codec.pack(&base, &strange, encoding(), &DRAW, None).is_err());
    let mut residual = Residual::zero(&other);
    assert!(codec.pack(&base, &trained, encoding(), &DRAW, Some(&mut residual)).is_err());

    let good = pack(&codec, None).bytes;
    let read = |bytes: &[u8]| codec.unpack(bytes, &spec(), encoding());
    assert!(read(&good).is_ok());
    for length in 0..good.len() {
        assert!(read(&good[..length]).is_err(), "cut to {length}");
    }
    assert!(read(&[good.as_slice(), &[0]].concat()).is_err());
    assert!(matches!(read(&vec![0; 1 << 20]), Err(CodecError::TooLong { .. })));
    let change = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        read(&bytes)
    };
    for (at, to) in [(0, b'X'), (4, 2), (5, 16), (6, 0), (6, 3), (7, 1), (8, 31), (12, 9)] {
        assert!(change(at, to).is_err(), "byte {at} as {to}");
    }
    let last = good.len() - 1;
    assert!(change(last, 0x80).is_err());
    // A bomb: a megabyte of zeros in a few bytes.
    let deflating = Codec { bits: 8, keep: None, deflate: true };
    let mut bomb = b"DMLU\x01\x08\x02\x00".to_vec();
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &vec![0; 30_000]).unwrap();
    bomb.extend(encoder.finish().unwrap());
    assert!(bomb.len() < deflating.most_bytes(&spec()));
    assert!(matches!(deflating.unpack(&bomb, &spec(), encoding()), Err(CodecError::Malformed(_))));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused_but_never_break_anything(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        which in any::<prop::sample::Index>(),
    ) {
        let codecs = codecs();
        let codec = &codecs[which.index(codecs.len())];
        let _ = codec.unpack(&noise, &spec(), encoding());
        let mut framed = b"DMLU\x01".to_vec();
        framed.extend([codec.bits, if codec.keep.is_some() { 1 } else { 0 }, 0]);
        framed.extend(&noise);
        let _ = codec.unpack(&framed, &spec(), encoding());
        let mut bytes = pack(codec, None).bytes;
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        if let Ok(update) = codec.unpack(&bytes, &spec(), encoding()) {
            prop_assert_eq!(update.values().len(), spec().parameter_count());
            prop_assert!(update.values().iter().all(|q| encoding().check(*q).is_ok()));
        }
    }
}
