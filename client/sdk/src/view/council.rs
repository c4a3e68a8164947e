//! The council and the validators.

use std::time::Duration;

use decentralml_types::{Hash, Parameters};
use subxt::{
    ext::scale_value::{Value, ValueDef},
    utils::H256,
};

use super::View;
use crate::{
    AccountId, SessionKeys, api,
    error::{ReadError, within},
    event,
    record::Proposal,
};

const LIMIT: Duration = Duration::from_secs(30);

impl View {
    /// The members of the council.
    pub async fn council(&self) -> Result<Vec<AccountId>, ReadError> {
        let members = self.get("the council", api::storage().council().members(), ()).await?;
        Ok(members.unwrap_or_default())
    }

    /// What governance has set, or what the chain began with.
    pub async fn parameters(&self) -> Result<Parameters, ReadError> {
        let address = api::storage().parameters().current().unvalidated();
        let read = async {
            // Nothing is stored before somebody sets it: the default is in the metadata.
            let current = self.at.storage().fetch(address, ()).await?;
            Ok::<_, subxt::Error>(current.decode()?)
        };
        Ok(within("the parameters", LIMIT, read).await?.0)
    }

    /// The motions that are open, by number.
    pub async fn proposals(&self) -> Result<Vec<Proposal>, ReadError> {
        let voting = api::storage().council().voting();
        let mut proposals = Vec::new();
        for ((hash,), votes) in self.entries("the motions", voting, ()).await? {
            proposals.push(Proposal {
                hash: hash.0,
                index: votes.index,
                threshold: votes.threshold,
                ayes: votes.ayes,
                nays: votes.nays,
                end: votes.end,
                call: self.proposed(hash.0).await?,
            });
        }
        proposals.sort_by_key(|proposal| proposal.index);
        Ok(proposals)
    }

    /// The validators of the current session.
    pub async fn validators(&self) -> Result<Vec<AccountId>, ReadError> {
        let validators = api::storage().session().validators();
        Ok(self.get("the validators", validators, ()).await?.unwrap_or_default())
    }

    /// The session keys that an account has registered. They count from the second session's end on.
    pub async fn session_keys(
        &self,
        account: &AccountId,
    ) -> Result<Option<SessionKeys>, ReadError> {
        let keys = api::storage().session().next_keys();
        let keys = self.get("registered session keys", keys, (*account,)).await?;
        Ok(keys.map(|keys| SessionKeys { babe: keys.babe.0, grandpa: keys.grandpa.0 }))
    }

    /// The council's list of validators. Those without session keys are passed over.
    pub async fn listed_validators(&self) -> Result<Vec<AccountId>, ReadError> {
        let members = api::storage().validator_membership().members();
        let members = self.get("the list of validators", members, ()).await?;
        Ok(members.map(|members| members.0).unwrap_or_default())
    }

    /// The validators of the session after this one.
    pub async fn next_validators(&self) -> Result<Vec<AccountId>, ReadError> {
        let queued = api::storage().session().queued_keys();
        let queued = self.get("the next validators", queued, ()).await?.unwrap_or_default();
        Ok(queued.into_iter().map(|(validator, _)| validator).collect())
    }

    /// A proposed call as text: `Models.release {"task":0,"version":1}`.
    async fn proposed(&self, proposal: Hash) -> Result<String, ReadError> {
        let address = api::storage().council().proposal_of().unvalidated();
        let read = async {
            let found = self.at.storage().try_fetch(address, (H256(proposal),)).await?;
            let call = found.map(|found| found.decode_as::<Value>()).transpose()?;
            Ok::<_, subxt::Error>(call)
        };
        let call = within("a proposed call", LIMIT, read).await?;
        Ok(call.map_or_else(|| "(gone)".into(), |call| describe(&call)))
    }
}

fn describe(call: &Value) -> String {
    if let ValueDef::Variant(pallet) = &call.value
        && let Some(Value { value: ValueDef::Variant(call), .. }) = pallet.values.values().next()
    {
        return format!("{}.{} {}", pallet.name, call.name, event::fields(&call.values));
    }
    call.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposed_call_reads_like_a_call() {
        let arguments = [("task", Value::u128(0)), ("version", Value::u128(1))];
        let release = Value::named_variant("release", arguments);
        let call = Value::unnamed_variant("Models", [release]);
        assert_eq!(describe(&call), r#"Models.release {"task":0,"version":1}"#);
    }
}
