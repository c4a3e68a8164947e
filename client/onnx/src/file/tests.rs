#![allow(clippy::unwrap_used)]
use decentralml_learning::{ModelSpec, Weights};
use proptest::prelude::*;

use super::*;
use crate::{export, import, inspect};

fn spec() -> ModelSpec {
    ModelSpec::named("gru-char", Some(&[3]), Some(4)).unwrap()
}

/// A small model in both formats.
fn files() -> [Vec<u8>; 2] {
    let layers = "version = 2\ninput = [2, 4, 4]\nlayers = [{ conv2d = { filters = 2, kernel = 3 } }, { group_norm = { groups = 2 } }, \
                  \"flatten\", { dense = { units = 2 } }]";
    let spec = ModelSpec::from_toml(layers).unwrap();
    let weights = Weights::init(&spec, [1; 32]);
    [export(&spec, &weights, &[]).unwrap(), weights.to_bytes()]
}

#[test]
fn strangers_are_told_from_damaged_files() {
    for stranger in [
        &b""[..],
        b"PK\x03\x04 and so on",
        b"hello, world",
        &[0; 64],
        b"{\"a\": 1}",
        &[8, 8],
        &[0x12, 2, 65, 66],
    ] {
        let error = File::read(stranger).unwrap_err();
        assert!(matches!(error, ReadError::Unknown), "{stranger:?}: {error}");
    }
    let [onnx, safetensors] = files();
    assert!(matches!(File::read(&onnx[..onnx.len() / 2]), Err(ReadError::Damaged(_))));
    assert!(matches!(
        File::read(&safetensors[..safetensors.len() - 1]),
        Err(ReadError::Damaged(_))
    ));
    let mut huge = safetensors;
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(File::read(&huge), Err(ReadError::Damaged(_))));
}

/// A model of these fields of a graph.
fn model(graph: &[u8]) -> Vec<u8> {
    let mut bytes = vec![8, 8, 0x3a];
    let mut length = graph.len();
    while length > 127 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(graph);
    bytes
}

#[test]
fn a_bomb_of_empty_tensors_is_refused() {
    let tensors = [0x2a, 0].repeat(MAX_TENSORS + 1);
    assert!(matches!(
        File::read(&model(&tensors)),
        Err(ReadError::Damaged(_) | ReadError::TooMany)
    ));
    // Of another type, an empty tensor is none that is read.
    let tensors = [0x2a, 2, 0x10, 7].repeat(MAX_TENSORS + 1);
    assert!(matches!(File::read(&model(&tensors)), Err(ReadError::TooMany)));
    let nodes = [0x0a, 0].repeat(1_000_000);
    assert_eq!(File::read(&model(&nodes)).unwrap().operators, [(String::new(), 1_000_000)]);
}

#[test]
fn shapes_that_do_not_fit_their_numbers_are_damage() {
    for tensor in [
        // Two numbers are promised, one is there.
        &[8, 2, 0x10, 1, 0x4a, 4, 0, 0, 0, 0][..],
        // A product beyond 64 bits.
        &[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0x10, 1],
        // A negative size.
        &[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0x10, 1],
        // Packed floats that end within one.
        &[8, 1, 0x10, 1, 0x22, 3, 0, 0, 0],
    ] {
        let graph = [&[0x2a, tensor.len() as u8][..], tensor].concat();
        assert!(matches!(File::read(&model(&graph)), Err(ReadError::Damaged(_))), "{tensor:x?}");
    }
    // Elsewhere.
    let tensor = [8, 1, 0x10, 1, 0x42, 1, b'w', 0x70, 1];
    let graph = [&[0x2a, tensor.len() as u8][..], &tensor].concat();
    assert!(matches!(File::read(&model(&graph)), Err(ReadError::Elsewhere(name)) if name == "w"));
}

#[test]
fn numbers_in_lists_are_read_packed_and_one_by_one() {
    let one = 1.5_f32.to_le_bytes();
    let packed = [&[8, 1, 0x10, 1, 0x22, 4][..], &one].concat();
    let alone = [&[8, 1, 0x10, 1, 0x25][..], &one].concat();
    for tensor in [packed, alone] {
        let graph = [&[0x2a, tensor.len() as u8][..], &tensor].concat();
        let bytes = model(&graph);
        let file = File::read(&bytes).unwrap();
        assert_eq!(
            (file.tensors[0].numbers().unwrap(), &file.tensors[0].shape[..]),
            (vec![1.5], &[1][..])
        );
    }
}

#[test]
fn files_that_are_cut_off_anywhere_are_refused_without_a_panic() {
    for file in files() {
        for end in 0..file.len() {
            let cut = &file[..end];
            let _ = inspect(cut).map(|found| assert!(found.numbers <= end / 4));
            assert!(import(cut, &spec()).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damaged_files_never_panic(
        which in 0..2_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        from in any::<prop::sample::Index>(),
        length in 0..40_usize,
    ) {
        let mut file = files()[which].clone();
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        let from = from.index(file.len());
        let end = file.len().min(from + length / 8);
        file.drain(from..end);
        if let Ok(found) = inspect(&file) {
            prop_assert!(found.numbers <= file.len());
        }
        let _ = import(&file, &spec());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = inspect(&bytes);
        let _ = inspect(&model(&bytes));
        let tensor = [&[0x2a, bytes.len().min(127) as u8][..], &bytes[..bytes.len().min(127)]].concat();
        let _ = inspect(&model(&tensor));
    }
}
