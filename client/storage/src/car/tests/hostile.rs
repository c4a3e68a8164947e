//! Bytes that are no CAR, or one that asks for more than it may.

use super::*;
use crate::{CidError, MAX_BLOCK, WrittenCid};
use std::io::Read;

#[test]
fn header_bombs_are_refused_before_they_are_read() {
    // Lengths of which not a byte follows: were there room made for them first, the test would end here.
    for length in [MAX_HEADER + 1, 1 << 40, (1 << 63) - 1] {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, length);
        let endless = bytes.chain(std::io::repeat(0));
        let error = CarReader::new(endless).unwrap_err();
        assert!(matches!(error, CarError::HeaderSize(found) if found == length), "{error}");
    }
    let roots: &[u8] = b"\xa2\x65roots";
    let many = |count: &[u8]| header_of(&[roots, count, b"\x67version\x01"].concat());
    for bomb in [
        &many(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff")[..],
        &many(b"\x9a\xff\xff\xff\xff"),
        &many(b"\x9f"),
        &many(&[0x81; 60_000]),
        &many(b"\x81\xd8\x2a\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
        &many(b"\x81\xd8\x2a\x58\xff"),
        &header_of(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x67version\x01"),
        &header_of(&[0xa1; 1000]),
        &header_of(b"\xa2\x7b\xff\xff\xff\xff\xff\xff\xff\xff"),
        &[0][..],
    ] {
        assert!(CarReader::new(bomb).is_err(), "{:?}", &bomb[..bomb.len().min(30)]);
    }
}

#[test]
fn headers_that_say_nothing_of_use_are_refused_by_name() {
    let error = |body: &[u8]| CarReader::new(&header_of(body)[..]).unwrap_err();
    let version_2 = error(b"\xa1\x67version\x02");
    assert!(matches!(version_2, CarError::Version(2)), "{version_2}");
    assert!(version_2.to_string().contains("version 2"), "{version_2}");
    for body in [
        &b"\xa0"[..],
        b"\xa1\x67version\x01",
        b"\xa1\x65roots\x80",
        b"\xa3\x65roots\x80\x67version\x01\x61a\x01",
        b"\xa2\x65roots\x80\x65roots\x80",
        b"\xa2\x65roots\x80\x67version\x61\x31",
        b"\xa2\x65roots\x80\x67version\x01\x00",
        b"\xa2\x65roots\x81\x01\x67version\x01",
        b"\x82\x01\x02",
    ] {
        assert!(matches!(error(body), CarError::Header(_)), "{body:?}");
    }
    // No roots, and the fields in the other order.
    let none = header_of(b"\xa2\x67version\x01\x65roots\x80");
    assert!(CarReader::new(&none[..]).unwrap().roots().is_empty());
}

#[test]
fn endless_and_padded_lengths_are_refused() {
    let start = car(&[raw(b"a")]);
    for length in [
        &[0xff; 20][..],
        &[0x80; 9],
        &[0x81, 0x00],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ] {
        let bytes = [&start[..], length, &[0; 100]].concat();
        assert!(
            matches!(read(&bytes), Err(CarError::Varint(at)) if at == start.len() as u64),
            "{length:?}"
        );
        assert!(matches!(
            CarReader::new(length.chain(std::io::repeat(0xff))),
            Err(CarError::Varint(0))
        ));
    }
    let empty = [&start[..], &[0]].concat();
    assert!(matches!(read(&empty), Err(CarError::EmptySection(_))));
}

#[test]
fn a_block_over_the_limit_is_refused_before_it_is_read() {
    let largest = raw(&vec![7; MAX_BLOCK]);
    assert_eq!(read(&car(std::slice::from_ref(&largest))).unwrap(), [largest]);
    let large = raw(&vec![7; MAX_BLOCK + 1]);
    assert!(matches!(read(&car(&[large])), Err(CarError::SectionSize(_))));
    for length in [MAX_BLOCK as u64 + 200, 1 << 50] {
        let mut bytes = car(&[raw(b"a")]);
        put_varint(&mut bytes, length);
        let mut reader = CarReader::new(bytes.chain(std::io::repeat(1))).unwrap();
        assert!(reader.next().unwrap().is_ok());
        let error = reader.next().unwrap().unwrap_err();
        assert!(matches!(error, CarError::SectionSize(found) if found == length), "{error}");
        assert!(reader.next().is_none(), "after an error it ends");
    }
}

#[test]
fn more_than_was_agreed_on_is_not_taken() {
    let blocks = [raw(&[1; 1000]), raw(&[2; 1000]), raw(&[3; 1000])];
    let bytes = car(&blocks);
    let take = |limit| {
        let reader = CarReader::new(&bytes[..]).unwrap().with_limit(limit);
        reader.collect::<Result<Vec<_>, _>>().map(|blocks| blocks.len())
    };
    assert_eq!(take(3000).unwrap(), 3);
    assert!(matches!(take(2999), Err(CarError::TooLarge(2999))));
    let (_folder, store) = open();
    let error = store.import_car(&bytes[..], Some(2000)).unwrap_err();
    assert!(error.to_string().contains("2000 bytes"), "{error}");
    assert_eq!(store.stat().unwrap().blocks, 0);
}

fn is_unsupported(error: &CarError) -> bool {
    matches!(error, CarError::Cid(CidError::Unsupported(_)))
}

#[test]
fn wrong_bytes_and_foreign_cids_are_refused_by_name() {
    let start = car(&[raw(b"a")]);
    let after = |section: Vec<u8>| read(&[start.clone(), section].concat()).unwrap_err();
    let cid = WrittenCid::from(raw(b"right").cid());
    let wrong = after(section(&cid.to_bytes(), b"wrong"));
    assert!(matches!(wrong, CarError::Mismatch(found) if found == cid), "{wrong}");

    let digest = raw(b"right").cid().digest;
    let with = |prefix: &[u8]| after(section(&[prefix, &digest].concat(), b"right"));
    for (cid, words) in
        [(&[1, 0x71, 0x12, 32][..], "codec 0x71"), (&[1, 0x55, 0x1e, 32], "hash 0x1e")]
    {
        let error = with(cid);
        assert!(is_unsupported(&error) && error.to_string().contains(words), "{error}");
    }
    let identity = after(section(b"\x01\x55\x00\x05right", b"right"));
    assert!(is_unsupported(&identity) && identity.to_string().contains("identity"), "{identity}");
    // An identity CID that bloats: what it claims is not there, or is not looked at.
    for length in [&[0xff, 0xff, 0x7f][..], &[100]] {
        let bloated = after(section(&[&[1, 0x55, 0][..], length, &[b'a'; 5000]].concat(), b""));
        assert!(matches!(bloated, CarError::Cid(_)), "{bloated}");
    }
    assert!(matches!(after(section(&[9; 40], b"")), CarError::Cid(CidError::Syntax(_))));
}
