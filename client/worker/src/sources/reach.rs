//! Whether an address that somebody else has announced leads out of this machine's own network.
//!
//! A name is looked up before it is used, and once more when the connection is made: who answers for the name can say something
//! else then. What is sent is a GET or PUT of a path that ends in `/ipfs/CID` or `/uploads/CID`, and of the answer nothing is used but
//! bytes with the right hash.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use decentralml_storage::SourceUrl;
use tokio::{net::lookup_host, time::timeout};

/// How long a name may take to be looked up.
const LOOKUP: Duration = Duration::from_secs(2);

/// Whether all addresses that a URL's host has are public ones. Looks names up.
pub(super) async fn is_outside(url: &SourceUrl) -> bool {
    if let Ok(address) = url.host().parse::<IpAddr>() {
        return is_public(address);
    }
    let found = timeout(LOOKUP, lookup_host((url.host(), url.port()))).await;
    let Ok(Ok(addresses)) = found else { return false };
    let mut addresses = addresses.peekable();
    addresses.peek().is_some() && addresses.all(|address| is_public(address.ip()))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Not one of the registry of special addresses (RFC 6890) that leads to a network of one's own, or to nobody.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (240.., ..)
            | (100, 64..=127, _)
            | (172, 16..=31, _)
            | (169, 254, _)
            | (192, 168, _)
            | (192, 0, 0)
            | (198, 18 | 19, _)
    );
    !special && !address.is_multicast()
}

/// The same, with the addresses of version 4 that are written as ones of version 6.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let within = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => within(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => within(high, low),
        // Translation within a network of one's own.
        [0x64, 0xff9b, 1, ..] => false,
        [0x2002, high, low, ..] => within(high, low),
        [first, ..] => {
            let unicast = first & 0xe000 == 0x2000;
            unicast && !address.is_multicast()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn nobody_is_sent_into_a_network_of_its_own() {
        for inside in [
            "http://127.0.0.1:9944",
            "http://127.1.2.3",
            "http://10.0.0.1",
            "http://172.16.0.1",
            "http://172.31.255.1",
            "http://192.168.1.1:8080",
            "http://169.254.169.254/latest",
            "http://100.64.0.1",
            "http://0.0.0.0",
            "http://255.255.255.255",
            "http://224.0.0.1",
            "http://[::1]",
            "http://[::]",
            "http://[::ffff:127.0.0.1]",
            "http://[::ffff:10.0.0.1]",
            "http://[64:ff9b::10.0.0.1]",
            "http://[2002:7f00:1::]",
            "http://[fe80::1]",
            "http://[fd00::1]",
            "http://[ff02::1]",
            "/ip4/192.168.0.1/tcp/80",
            "/ip6/::1/tcp/80",
            "http://localhost:8080",
            "http://2130706433",
        ] {
            assert!(!is_outside(&inside.parse().unwrap()).await, "{inside}");
        }
        for outside in [
            "http://8.8.8.8",
            "https://172.32.0.1:8080",
            "/ip4/192.0.1.1/tcp/80",
            "http://[2606:4700::1111]",
            "http://[64:ff9b::8.8.8.8]",
        ] {
            assert!(is_outside(&outside.parse().unwrap()).await, "{outside}");
        }
    }
}
