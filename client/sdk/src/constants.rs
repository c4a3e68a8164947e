//! Numbers that are fixed in a chain's runtime.

use codec::Decode;
use decentralml_types::{Balance, BlockNumber};
use serde::Serialize;
use subxt::Metadata;

use crate::{api, error::ReadError, view::View};

/// Numbers that are fixed in the chain's runtime, read from the metadata of the chain that is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Constants {
    /// Less than this, and an account ceases to exist, in planck.
    pub existential_deposit: Balance,
    /// Held from the sponsor of a task until it is reaped, in planck.
    pub deposit_base: Balance,
    /// Held from the sponsor for each row that the task's rounds may write, in planck.
    pub deposit_per_row: Balance,
    /// What the sponsor pays for each call that is free for those who make it, in planck; 0 where the chain takes nothing.
    pub call_price: Balance,
    /// How long what is unbonded stays held, in blocks.
    pub unbonding_period: BlockNumber,
}

impl Constants {
    pub(crate) fn read(view: &View) -> Result<Self, ReadError> {
        let (balances, tasks, participants) = (
            api::constants().balances(),
            api::constants().tasks(),
            api::constants().participants(),
        );
        Ok(Self {
            existential_deposit: view.constant(balances.existential_deposit())?,
            deposit_base: view.constant(tasks.deposit_base())?,
            deposit_per_row: view.constant(tasks.deposit_per_row())?,
            call_price: optional(view.metadata(), "Tasks", "CallPrice")?.unwrap_or(0),
            unbonding_period: view.constant(participants.unbonding_period())?,
        })
    }

    /// What is held from a sponsor whose task's rounds may write that many rows, in planck.
    pub fn deposit(&self, rows: u64) -> Balance {
        self.deposit_base.saturating_add(self.deposit_per_row.saturating_mul(rows.into()))
    }
}

/// What the chain holds for records that an account keeps there, until it removes them. In planck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Deposits {
    /// For each announced host.
    pub host: Balance,
    /// For each byte of a host's URL besides.
    pub host_byte: Balance,
    /// For an encryption key.
    pub key: Balance,
    /// For registered content, from its owner.
    pub content: Balance,
    /// For a grant, from the owner of the content.
    pub grant: Balance,
}

impl Deposits {
    pub(crate) fn read(view: &View) -> Result<Self, ReadError> {
        let (participants, data) = (api::constants().participants(), api::constants().data());
        Ok(Self {
            host: view.constant(participants.host_deposit_base())?,
            host_byte: view.constant(participants.host_deposit_per_byte())?,
            key: view.constant(participants.key_deposit())?,
            content: view.constant(data.content_deposit())?,
            grant: view.constant(data.grant_deposit())?,
        })
    }
}

/// A constant that not every chain of ours has; `None` where this one does not.
pub(crate) fn optional<T: Decode>(
    metadata: &Metadata,
    pallet: &str,
    name: &str,
) -> Result<Option<T>, ReadError> {
    let Some(pallet_of_it) = metadata.pallet_by_name(pallet) else { return Ok(None) };
    let Some(constant) = pallet_of_it.constant_by_name(name) else { return Ok(None) };
    T::decode(&mut constant.value()).map(Some).map_err(|_| {
        ReadError::Unexpected(format!("the constant {pallet}.{name} has an unknown form"))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn metadata() -> Metadata {
        Metadata::decode_from(include_bytes!("../metadata.scale")).unwrap()
    }

    #[test]
    fn a_constant_that_the_chain_does_not_have_is_none_and_one_that_it_has_is_read() {
        let metadata = metadata();
        let deposit: Option<Balance> = optional(&metadata, "Tasks", "DepositBase").unwrap();
        assert!(deposit.is_some_and(|deposit| deposit > 0));
        assert_eq!(optional::<Balance>(&metadata, "Tasks", "NoSuchConstant").unwrap(), None);
        assert_eq!(optional::<Balance>(&metadata, "NoSuchPallet", "DepositBase").unwrap(), None);
        let unreadable = optional::<[u8; 64]>(&metadata, "Tasks", "DepositBase").unwrap_err();
        assert!(unreadable.to_string().contains("Tasks.DepositBase"), "{unreadable}");
    }

    #[test]
    fn a_deposit_grows_with_the_rows() {
        let constants = Constants {
            existential_deposit: 1,
            deposit_base: 100,
            deposit_per_row: 7,
            call_price: 0,
            unbonding_period: 5,
        };
        assert_eq!(constants.deposit(0), 100);
        assert_eq!(constants.deposit(12), 184);
        assert_eq!(constants.deposit(u64::MAX), 100 + 7 * Balance::from(u64::MAX));
    }
}
