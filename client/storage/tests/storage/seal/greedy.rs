//! Memory that does not grow with what comes.

use super::{
    key, keys,
    streams::{Counted, Endless},
};
use age::{Encryptor, Recipient, x25519};
use decentralml_storage::seal::{Expected, OpenError, open, public_key_text, seal};
use std::{
    cell::Cell,
    io::{self, Read, Write},
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    thread,
};

/// Bytes that are read ahead of what is looked at.
const AHEAD: u64 = 64 << 10;

/// Opens an endless file; says why that failed, and how many bytes it took.
fn taken(beginning: &str, pattern: &'static [u8], header_bytes: usize) -> (OpenError, u64) {
    let bytes = Cell::new(0);
    let inner = beginning.as_bytes().chain(Endless::of(pattern));
    let expected = Expected { header_bytes, ..Expected::at_most(u64::MAX) };
    let counted = Counted { inner, bytes: &bytes };
    let error = open(counted, io::sink(), &[&key(1)], &expected).unwrap_err();
    (error, bytes.get())
}

#[test]
fn a_header_without_an_end_is_refused_at_the_limit() {
    let version = "age-encryption.org/v1\n";
    let usual = Expected::at_most(1).header_bytes;
    for limit in [100, usual, 1 << 20] {
        for pattern in [&b"-> a\n\n"[..], b"-> a b\nAAAA\n", b"-> aaaaaaaaaaaaaaaa ", b"a"] {
            let (error, bytes) = taken(version, pattern, limit);
            assert!(matches!(error, OpenError::HeaderTooLong { .. }), "{error}");
            assert!(bytes <= limit as u64 + AHEAD, "{bytes} bytes under a limit of {limit}");
        }
    }
    let (error, bytes) = taken("", b"not an age file ", usual);
    assert!(matches!(error, OpenError::Malformed(_)) && bytes <= usual as u64 + AHEAD, "{error}");
    // A body that goes on for ever, in full lines; and a last line that does.
    let line = b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    for (beginning, pattern) in [("-> a\n", &line[..]), ("-> a\n\n--- A", b"A")] {
        let (error, bytes) = taken(&format!("{version}{beginning}"), pattern, usual);
        assert!(matches!(error, OpenError::HeaderTooLong { .. }), "{error}");
        assert!(bytes <= usual as u64 + AHEAD, "{bytes} bytes");
    }
}

#[test]
fn a_header_for_more_than_256_is_refused_whoever_made_it() {
    let made = |count: u16| {
        let recipients: Vec<x25519::Recipient> =
            keys(count).iter().map(|key| public_key_text(key).parse().unwrap()).collect();
        let recipients = recipients.iter().map(|recipient| recipient as &dyn Recipient);
        let mut file = Vec::new();
        let mut writer =
            Encryptor::with_recipients(recipients).unwrap().wrap_output(&mut file).unwrap();
        writer.write_all(b"x").unwrap();
        writer.finish().unwrap();
        file
    };
    let expected = Expected::at_most(1);
    let error = open(&made(256)[..], io::sink(), &[&key(1)], &expected).unwrap_err();
    assert!(matches!(error, OpenError::NotForUs), "{error}");
    let error = open(&made(257)[..], io::sink(), &[&key(1)], &expected).unwrap_err();
    assert!(matches!(error, OpenError::HeaderTooLong { .. }), "{error}");
}

#[test]
fn content_without_an_end_is_refused_at_the_limit() {
    const LIMIT: u64 = 1 << 20;
    let (reader, writer) = io::pipe().unwrap();
    thread::scope(|scope| {
        // It ends when nobody reads any more.
        let sealing = scope.spawn(|| seal(Endless::of(b"x"), writer, &[key(1).public()]));
        let bytes = Cell::new(0);
        let counted = Counted { inner: reader, bytes: &bytes };
        let error = open(counted, io::sink(), &[&key(1)], &Expected::at_most(LIMIT)).unwrap_err();
        assert!(matches!(error, OpenError::TooLong { limit: LIMIT }), "{error}");
        assert!(bytes.get() <= LIMIT + 4 * AHEAD, "{} bytes", bytes.get());
        sealing.join().unwrap().unwrap_err();
    });
}

/// Bytes that went in, and came out.
#[derive(Default)]
struct Held {
    read: AtomicU64,
    written: AtomicU64,
    most: AtomicU64,
}

struct In<'a, R>(R, &'a Held);
struct Out<'a, W>(W, &'a Held);

impl<R: Read> Read for In<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(buffer)?;
        let read = self.1.read.fetch_add(length as u64, SeqCst) + length as u64;
        self.1.most.fetch_max(read - self.1.written.load(SeqCst), SeqCst);
        Ok(length)
    }
}

impl<W: Write> Write for Out<'_, W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let length = self.0.write(buffer)?;
        // The tags and the header are written without having been read.
        let written = self.1.written.load(SeqCst) + length as u64;
        self.1.written.store(written.min(self.1.read.load(SeqCst)), SeqCst);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn of_200_mb_only_a_few_pieces_are_held_at_a_time() {
    const LENGTH: u64 = 200_000_000;
    // A piece being read, one being encrypted, what is buffered; and the tags of all, which the count above takes for held.
    const MOST: u64 = 4 * AHEAD + LENGTH / AHEAD * 16;
    let (reader, writer) = io::pipe().unwrap();
    let [sealing, opening] = [Held::default(), Held::default()];
    thread::scope(|scope| {
        let sealed = scope.spawn(|| {
            let plain = In(Endless::of(b"a row of a data set\n").take(LENGTH), &sealing);
            seal(plain, Out(writer, &sealing), &[key(1).public()]).unwrap()
        });
        let output = Out(io::sink(), &opening);
        let expected = Expected::at_most(LENGTH);
        let opened = open(In(reader, &opening), output, &[&key(1)], &expected).unwrap();
        assert_eq!(opened, sealed.join().unwrap());
        assert_eq!(opened.plain_bytes, LENGTH);
    });
    for held in [sealing, opening] {
        let most = held.most.into_inner();
        assert!(most <= MOST, "{most} bytes");
    }
}
