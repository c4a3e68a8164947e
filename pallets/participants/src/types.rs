//! What is stored of an account.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use decentralml_protocol::reputation;
use decentralml_types::{Balance, BlockNumber, PublicKey, Urls, reputation::Record};
use frame_support::{BoundedVec, traits::ConstU32};
use scale_info::TypeInfo;

/// Amounts that may be unbonding at once for one account and role.
pub const MAX_UNBONDINGS: u32 = 8;

/// An account in a role.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Member {
    /// What is bonded, in planck; what is unbonding not included.
    pub bond: Balance,
    /// What tasks have put at risk, in planck. More than `bond` only after a fault.
    pub engaged: Balance,
    /// What leaves the bond, by the block in which it is due.
    pub unbonding: BoundedVec<Unbonding, ConstU32<MAX_UNBONDINGS>>,
    /// What was seized for faults on which nothing is decided yet, in planck. It is held with the bond, and covers nothing.
    pub disputed: Balance,
    /// Faults so far, without those of which the account was freed, and with accusations of which others were freed at its cost.
    pub faults: u32,
    /// How the account has acted in the role.
    pub record: Record,
}

/// An amount on its way out.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Unbonding {
    /// In planck.
    pub amount: Balance,
    /// The first block in which it can be withdrawn and no longer be slashed.
    pub at: BlockNumber,
}

/// Where an account offers bytes.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct HostList {
    /// URLs of HTTP or HTTPS and multiaddresses, as ASCII, the preferred one first; at least one.
    pub urls: Urls,
    /// What is held for them, in planck.
    pub deposit: Balance,
}

/// To which key bytes for an account are to be encrypted.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct EncryptionKey {
    /// The X25519 public key.
    pub key: PublicKey,
    /// The block in which it was registered.
    pub since: BlockNumber,
    /// What is held for it, in planck.
    pub deposit: Balance,
}

impl Member {
    /// The part of the bond that is not at risk.
    pub fn unengaged(&self) -> Balance {
        self.bond.saturating_sub(self.engaged)
    }

    /// Everything held for this row.
    pub fn held(&self) -> Balance {
        let own = self.bond.saturating_add(self.disputed);
        self.unbonding.iter().fold(own, |sum, chunk| sum.saturating_add(chunk.amount))
    }

    /// What a slash can reach: the bond, and what is unbonding and not due.
    pub fn slashable(&self, now: BlockNumber) -> Balance {
        self.unbonding
            .iter()
            .filter(|chunk| chunk.at > now)
            .fold(self.bond, |sum, chunk| sum.saturating_add(chunk.amount))
    }

    /// Removes `amount` from the bond first, then from what is not due, the latest first. Removes less where less is there.
    pub(crate) fn take(&mut self, amount: Balance, now: BlockNumber) {
        let from_bond = amount.min(self.bond);
        self.bond -= from_bond;
        let mut rest = amount - from_bond;
        for chunk in self.unbonding.iter_mut().rev().filter(|chunk| chunk.at > now) {
            let part = rest.min(chunk.amount);
            chunk.amount -= part;
            rest -= part;
        }
        self.unbonding.retain(|chunk| chunk.amount > 0);
    }

    /// Whether the account has left the role, whatever may be disputed.
    pub(crate) fn has_left(&self) -> bool {
        self.bond == 0 && self.engaged == 0 && self.unbonding.is_empty()
    }

    /// Whether nothing is held for the row, and no slash is remembered in it any more. Otherwise an account whose whole bond was
    /// taken could come back at once without a record of it.
    pub(crate) fn is_empty(&self, period: u32) -> bool {
        let slashed = reputation::decayed(self.record, period).slashed;
        self.has_left() && self.disputed == 0 && slashed == 0
    }
}
