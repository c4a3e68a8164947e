//! Who has how much.

use super::{LONG, System, wait_until};
use crate::process::run;
use anyhow::{Context, Result, ensure};
use decentralml_sdk::{Member, Signer, Wait, call};
use decentralml_types::{Balance, Role, TaskId};

/// One token in planck.
pub const TOKEN: Balance = 1_000_000_000_000;
/// What everybody has to begin with, and what they put at risk in the example's task.
pub const POCKET: Balance = 20 * TOKEN;
/// See [`POCKET`].
pub const BOND: Balance = 5 * TOKEN;

/// Who pays for tasks.
pub const SPONSOR: &str = "//Sponsor";
/// Enough for every task of a test.
const FUNDS: Balance = 10_000 * TOKEN;

impl System {
    /// Gives [`POCKET`] to each of these people, and to [`SPONSOR`] what tasks cost; from //Alice.
    pub async fn endow(&self, people: &[&str]) -> Result<()> {
        let gifts = people.iter().map(|uri| (*uri, POCKET)).chain([(SPONSOR, FUNDS)]);
        let transfers = gifts
            .map(|(uri, amount)| Ok(call::transfer(&Signer::from_uri(uri)?.account(), amount)))
            .collect::<Result<Vec<_>>>()?;
        let alice = Signer::from_uri("//Alice")?;
        self.chain.submit(&alice, &call::batch_all(transfers), Wait::Finalized).await?;
        Ok(())
    }

    /// Waits until it is final that a task is over, settles what nobody has claimed, as the sponsor may, and waits until nothing of
    /// it is open.
    pub async fn settle(&self, task: TaskId) -> Result<()> {
        let claim = ["claim", "--everyone", "--task", &task.to_string()];
        wait_until("all rows to be settled", LONG, async || {
            let view = self.chain.finalized().await?;
            let is_over = view.task(task).await?.is_some_and(|task| task.status.is_final());
            if is_over && view.open_rows(task).await?.is_empty() {
                return Ok(Some(()));
            }
            if is_over {
                // The workers claim as well: where one of both comes too late, this is tried again.
                run(self.command(SPONSOR)?.args(claim))?;
            }
            Ok(None)
        })
        .await
    }

    /// What is known of somebody who has bonded.
    pub async fn member(&self, role: Role, uri: &str) -> Result<Member> {
        let account = Signer::from_uri(uri)?.account();
        let member = self.chain.finalized().await?.member(role, &account).await?;
        member.with_context(|| format!("{uri} has never bonded as {role:?}"))
    }

    /// Fails where one of these has been slashed, or is recorded with a fault.
    pub async fn are_blameless(&self, role: Role, uris: &[&str]) -> Result<()> {
        for uri in uris {
            let member = self.member(role, uri).await?;
            ensure!((member.faults, member.bond) == (0, BOND), "{uri}: {member:?}");
        }
        Ok(())
    }

    /// What somebody owns, free and held.
    pub async fn owned_by(&self, uri: &str) -> Result<Balance> {
        let account = Signer::from_uri(uri)?.account();
        let balance = self.chain.finalized().await?.balance(&account).await?;
        Ok(balance.free + balance.reserved)
    }

    /// Everything that everybody owns, the treasury and the escrows included; equal to what was ever issued.
    pub async fn sum_of_balances(&self) -> Result<Balance> {
        let view = self.chain.finalized().await?;
        let sum =
            view.balances().await?.iter().map(|(_, balance)| balance.free + balance.reserved).sum();
        ensure!(sum == view.total_issuance().await?, "accounts do not add up to the issuance");
        Ok(sum)
    }
}
