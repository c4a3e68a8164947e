//! What lies between the machines of `scripts/machines.sh`: a network that delays, that loses, and that is cut once.
//!
//! The kernel of each machine sends the frames of its device `internet` here, in packets of UDP (VXLAN, RFC 7348), and takes out of
//! such packets what comes from here. So the connections of all programs there are real ones of TCP, which notice what a bad network
//! does to them, and nothing of this needs privileges outside of the machines.

use anyhow::{Result, bail};
use decentralml_tests::HOST_PORTS;
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::mpsc::{Receiver, sync_channel},
    thread::{self, sleep},
    time::{Duration, Instant},
};

/// The port of VXLAN.
const PORT: u16 = 4789;
/// Frames that are on their way at the same time: more are lost, as in a router whose queue is full.
const QUEUE: usize = 10_000;
/// The machine that is cut off.
const CUT: u8 = 2;

fn main() -> Result<()> {
    let arguments = std::env::args().skip(1).map(|argument| argument.parse());
    let numbers = arguments.collect::<Result<Vec<u64>, _>>().unwrap_or_default();
    let [delay, loss, seconds, after] = numbers[..] else {
        bail!("usage: decentralml-tests-network DELAY-MS LOSS-PERCENT CUT-SECONDS CUT-AFTER-BYTES")
    };
    let delay = Duration::from_millis(delay);
    let mut network = Network::new(loss, after, Duration::from_secs(seconds));

    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT))?;
    let (queue, queued) = sync_channel(QUEUE);
    let out = socket.try_clone()?;
    thread::spawn(move || deliver(&out, &queued));
    let mut bytes = vec![0; 1 << 16];
    loop {
        let (length, _) = socket.recv_from(&mut bytes)?;
        let frame = Frame(&bytes[..length]);
        let Some((from, to)) = frame.ends() else { continue };
        if network.loses(from, to, &frame) {
            continue;
        }
        let machine = SocketAddr::from(([10, 0, to, 2], PORT));
        // Where it does not fit, it is lost: see `QUEUE`.
        let _ = queue.try_send((Instant::now() + delay, machine, frame.0.to_vec()));
    }
}

/// Hands frames over when they are due: all are equally long on their way, so in the order in which they came.
fn deliver(socket: &UdpSocket, queued: &Receiver<(Instant, SocketAddr, Vec<u8>)>) {
    for (at, machine, frame) in queued {
        sleep(at.saturating_duration_since(Instant::now()));
        // A machine that is not there loses it.
        let _ = socket.send_to(&frame, machine);
    }
}

/// A packet of VXLAN: 8 bytes, and an Ethernet frame.
struct Frame<'a>(&'a [u8]);

impl Frame<'_> {
    /// The machines that it is from and for.
    fn ends(&self) -> Option<(u8, u8)> {
        let machine = |at: usize| match self.0.get(at..at + 6)? {
            [2, 0, 0, 0, 0, number @ 1..=3] => Some(*number),
            _ => None,
        };
        Some((machine(14)?, machine(8)?))
    }

    /// Where a TCP segment of IPv4 goes, and how many bytes it brings there.
    fn segment(&self) -> Option<(u16, usize)> {
        let kind = self.0.get(20..22)?;
        let packet = self.0.get(22..)?;
        let protocol = packet.get(9)?;
        let header = 4 * usize::from(packet[0] & 15);
        let end = u16::from_be_bytes([packet[2], packet[3]]);
        let segment = packet.get(header..end.into())?;
        let port = u16::from_be_bytes([*segment.get(2)?, *segment.get(3)?]);
        let brings = segment.len().checked_sub(4 * usize::from(segment.get(12)? >> 4))?;
        (kind == [8, 0] && *protocol == 6).then_some((port, brings))
    }

    /// Bytes of an update that it brings to a host.
    fn of_update(&self) -> u64 {
        let segment = self.segment().filter(|(port, _)| HOST_PORTS.contains(port));
        segment.map_or(0, |(_, brings)| brings as u64)
    }
}

/// What becomes of frames.
struct Network {
    /// How many of a hundred are lost by chance.
    loss: u64,
    /// For how long the line is cut.
    length: Duration,
    cut: Cut,
    /// Frames that were lost by chance, and those that were not.
    lost: u64,
    passed: u64,
}

/// The line of the machine that is cut off once.
enum Cut {
    /// Not yet: only after as many bytes of updates more.
    After(u64),
    Until {
        end: Instant,
        frames: u64,
        of_updates: u64,
    },
    Over,
}

impl Network {
    fn new(loss: u64, after: u64, length: Duration) -> Self {
        Self { loss, length, cut: Cut::After(after), lost: 0, passed: 0 }
    }

    /// Whether a frame from one machine to another is lost.
    fn loses(&mut self, from: u8, to: u8, frame: &Frame<'_>) -> bool {
        if self.is_cut(from, to, frame) {
            return true;
        }
        let is_lost = chance(self.lost + self.passed) < self.loss;
        *if is_lost { &mut self.lost } else { &mut self.passed } += 1;
        is_lost
    }

    fn is_cut(&mut self, from: u8, to: u8, frame: &Frame<'_>) -> bool {
        let bytes = if from == CUT { frame.of_update() } else { 0 };
        match &mut self.cut {
            Cut::After(left) if *left > bytes => *left -= bytes,
            Cut::After(_) => {
                let end = Instant::now() + self.length;
                self.cut = Cut::Until { end, frames: 0, of_updates: 0 };
            }
            Cut::Until { end, frames, of_updates } if Instant::now() < *end => {
                let is_cut = from == CUT || to == CUT;
                *frames += u64::from(is_cut);
                *of_updates += bytes;
                return is_cut;
            }
            Cut::Until { frames, of_updates, .. } => {
                let story = serde_json::json!({
                    "cut_seconds": self.length.as_secs(),
                    "frames_lost_in_the_cut": frames,
                    "bytes_of_updates_lost_in_the_cut": of_updates,
                    "frames_lost_by_chance_before": self.lost,
                    "frames_passed_before": self.passed,
                });
                println!("{story}");
                self.cut = Cut::Over;
            }
            Cut::Over => {}
        }
        false
    }
}

/// A number below 100 that follows from another as if by chance (the finalizer of SplitMix64; Steele, Lea, Flood 2014).
fn chance(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % 100
}
