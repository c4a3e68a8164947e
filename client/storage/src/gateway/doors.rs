//! How many connections one address may have.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Bits of an IPv6 address that do not tell its owner from another.
const FREE_BITS: u32 = 64;

/// Open connections by address.
#[derive(Clone, Debug)]
pub(super) struct Doors {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Door {
    doors: Doors,
    owner: IpAddr,
}

impl Doors {
    pub fn new(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// One more from this address, unless it has as many as it may.
    pub fn enter(&self, address: IpAddr) -> Option<Door> {
        let owner = owner(address);
        let mut open = self.lock();
        let count = open.entry(owner).or_default();
        if *count >= self.most {
            if *count == 0 {
                open.remove(&owner);
            }
            return None;
        }
        *count += 1;
        Some(Door { doors: self.clone(), owner })
    }

    /// No panic leaves a count that is half made.
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let mut open = self.doors.lock();
        if let Some(count) = open.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.owner);
            }
        }
    }
}

/// What stands for whoever has the address: in IPv6 one is given whole networks.
fn owner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> FREE_BITS << FREE_BITS).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_number_of_connections_and_gets_them_back() {
        let doors = Doors::new(2);
        let first = doors.enter(at("192.0.2.1")).unwrap();
        let _second = doors.enter(at("::ffff:192.0.2.1")).unwrap();
        assert!(doors.enter(at("192.0.2.1")).is_none());
        assert!(doors.enter(at("192.0.2.2")).is_some(), "others are not concerned");
        drop(first);
        let third = doors.enter(at("192.0.2.1"));
        assert!(third.is_some());
        drop((third, _second));
        assert!(doors.lock().is_empty(), "nothing is remembered of those who are gone");
    }

    #[test]
    fn a_network_of_ipv6_is_one_owner() {
        let doors = Doors::new(1);
        let _first = doors.enter(at("2001:db8::1")).unwrap();
        assert!(doors.enter(at("2001:db8::ffff:2")).is_none());
        assert!(doors.enter(at("2001:db8:0:1::1")).is_some());
        assert!(Doors::new(0).enter(at("192.0.2.1")).is_none());
    }
}
