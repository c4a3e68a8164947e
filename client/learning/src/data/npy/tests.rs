#![allow(clippy::unwrap_used)]
use super::*;
use crate::data::{Format, ReadOptions, read as read_path};
use flate2::{Compression, Crc, write::DeflateEncoder};
use std::{fs, io::Write};

/// An array as NumPy would save it.
fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = (header.len() + 11).next_multiple_of(64) - 10;
    let header = format!("{header:<width$}\n", width = padded - 1);
    [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), bytes].concat()
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn array(bytes: &[u8]) -> Result<Array, String> {
    read_array(bytes, "x.npy", Limits::default()).map_err(|error| error.to_string())
}

fn read(
    features: &[u8],
    targets: &[u8],
    quantities: usize,
    skip: usize,
) -> Result<Dataset, String> {
    let meaning = Meaning { scale: None, classes: None, quantities };
    let mut bad = BadRows::skip_up_to(skip);
    rows(&array(features)?, &array(targets)?, &meaning, &mut bad).map_err(|error| error.to_string())
}

#[test]
fn every_type_of_numbers_is_read() {
    for (descr, bytes, expected) in [
        ("|u1", vec![0, 200], vec![0.0, 200.0]),
        ("|i1", vec![0xff, 5], vec![-1.0, 5.0]),
        ("|b1", vec![1, 0], vec![1.0, 0.0]),
        ("<u2", vec![1, 2, 0xff, 0xff], vec![513.0, 65_535.0]),
        (">i2", vec![0xff, 0xfe, 0, 3], vec![-2.0, 3.0]),
        ("<f2", vec![0, 0x3c, 1, 0x80], vec![1.0, -2_f64.powi(-24)]),
        ("<f2", vec![0, 0xc5, 0xff, 0x7b], vec![-5.0, 65_504.0]),
        (
            "<i8",
            (-3_i64).to_le_bytes().into_iter().chain(7_i64.to_le_bytes()).collect(),
            vec![-3.0, 7.0],
        ),
        (
            ">f8",
            0.1_f64.to_be_bytes().into_iter().chain((-2.5_f64).to_be_bytes()).collect(),
            vec![0.1, -2.5],
        ),
        ("<f4", floats(&[1.5, -0.25]), vec![1.5, -0.25]),
    ] {
        let array = array(&npy(descr, "(2,)", &bytes)).unwrap();
        assert_eq!(array.numbers().collect::<Vec<_>>(), expected, "{descr}");
    }
}

#[test]
fn two_arrays_become_rows() {
    let x = npy("<f4", "(2, 3)", &floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    let y = npy("<i4", "(2,)", &[2, 0, 0, 0, 1, 0, 0, 0]);
    let data = read(&x, &y, 0, 0).unwrap();
    assert_eq!(
        (data.features(), data.labels()),
        (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..], &[2, 1][..])
    );
    assert_eq!(data.classes(), 3);
    let pixels = npy("|u1", "(2, 1, 1, 2)", &[0, 255, 51, 0]);
    let data = read(&pixels, &y, 0, 0).unwrap();
    assert_eq!(data.features(), [0.0, 1.0, 51.0 * (1.0 / 255.0), 0.0]);
    assert_eq!(data.shape(), [1, 1, 2]);
    let quantities = npy("<f4", "(2, 2)", &floats(&[0.5, 1.5, 2.5, 3.5]));
    let data = read(&x, &quantities, 2, 0).unwrap();
    assert_eq!((data.quantities(), data.quantities_of(1)), (2, &[2.5, 3.5][..]));
}

#[test]
fn bad_rows_are_named_or_skipped() {
    let x = npy("<f4", "(3, 1)", &floats(&[1.0, f32::NAN, 3.0]));
    let y = npy("<f4", "(3,)", &floats(&[0.0, 1.0, 0.5]));
    assert_eq!(
        read(&x, &y, 0, 0).unwrap_err(),
        "x.npy, item 1: number 1: not finite; correct or remove the row"
    );
    let error = read(&x, &y, 0, 1).unwrap_err();
    assert!(
        error.contains("more than 1 rows") && error.contains("item 2: expected a label"),
        "{error}"
    );
    let data = read(&x, &y, 0, 2).unwrap();
    assert_eq!((data.features(), data.labels()), (&[1.0][..], &[0][..]));
    let y = npy("|i1", "(3,)", &[0, 0, 0xff]);
    assert!(read(&x, &y, 0, 1).unwrap_err().contains("found -1"));
    assert!(
        read(&x, &npy("|i1", "(2,)", &[0, 0]), 0, 9).unwrap_err().contains("2 labels for 3 rows")
    );
    assert!(
        read(&x, &npy("|i1", "(3, 2)", &[0; 6]), 0, 9)
            .unwrap_err()
            .contains("2 numbers per row, expected 1")
    );
}

#[test]
fn what_is_damaged_or_of_another_kind_is_refused() {
    let error = |bytes: &[u8]| array(bytes).map(|_| ()).unwrap_err();
    let good = npy("<f4", "(2,)", &floats(&[1.0, 2.0]));
    for length in [0, 7, 9, 40] {
        assert!(error(&good[..length]).contains("ends within its header"), "{length}");
    }
    assert!(error(&good[..good.len() - 1]).contains("cut off: 7 of 8 bytes"));
    assert!(error(&[&good[..], &[0]].concat()).contains("bytes follow the 8"));
    assert!(error(b"PAR1____________").contains("not an NPY file"));
    assert!(error(&npy("<c8", "(2,)", &[0; 16])).contains("elements of type `<c8`"));
    assert!(error(&npy("<f16", "(2,)", &[0; 32])).contains("elements of type `<f16`"));
    assert!(error(&npy("<f4", "()", &[0; 4])).contains("0 dimensions"));
    assert!(error(&npy("<f4", "(x,)", &[])).contains("`x` is no size"));
    let huge = npy("<f8", "(9000000, 9000000)", &[]);
    assert!(error(&huge).contains("more than 2147483648 bytes"));
    assert!(error(&npy("<f4", "(99999999999999999999,)", &[])).contains("is no size"));
    assert!(error(&npy("|u1", "(10000001,)", &[])).contains("more than 10000000 rows"));
    let fortran = String::from_utf8_lossy(&npy("<f4", "(1, 2)", &[])).replace("False", "True ");
    assert!(parse(&fortran).unwrap_err().contains("ascontiguousarray"));
    let records = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }";
    assert!(parse(records).unwrap_err().contains("an array of records"));
}

/// A ZIP file of deflated members.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut table) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let mut crc = Crc::new();
        crc.update(content);
        let start = bytes.len() as u32;
        let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed].concat());
        let rest = [&[0; 10][..], &start.to_le_bytes()].concat();
        table.extend([&b"PK\x01\x02"[..], &[20, 0], &common, &rest, name.as_bytes()].concat());
    }
    let start = bytes.len() as u32;
    bytes.extend(&table);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([members.len() as u8, 0, members.len() as u8, 0]);
    bytes.extend((table.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

#[test]
fn an_archive_has_both_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.npz");
    let x = npy("<f4", "(2, 2)", &floats(&[1.0, 2.0, 3.0, 4.0]));
    let y = npy("|u1", "(2,)", &[1, 0]);
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        read_path(&path, None, &ReadOptions::default()).map_err(|error| error.to_string())
    };
    let good = zip(&[("y.npy", &y), ("X.npy", &x)]);
    let found = read(&good).unwrap();
    assert_eq!((found.format, found.data.labels()), (Format::Npz, &[1, 0][..]));
    assert_eq!(found.data.features(), [1.0, 2.0, 3.0, 4.0]);

    let error = |bytes: &[u8]| read(bytes).map(|_| ()).unwrap_err();
    assert!(error(&zip(&[("a.npy", &x)])).contains("it has a.npy; save it with"));
    assert!(error(&good[..good.len() - 1]).contains("damaged"));
    let mut flipped = good.clone();
    let at = flipped.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    flipped[at + 16] ^= 1;
    assert!(error(&flipped).contains("damaged"), "a wrong checksum");
    // Every cut and every broken byte of the table is an error, never a panic.
    for length in (4..good.len()).step_by(7) {
        error(&good[..length]);
    }
    for index in at..good.len() {
        let mut broken = good.clone();
        broken[index] = 0xff;
        drop(read(&broken));
    }
}
