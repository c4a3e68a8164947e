//! Claims, the refund, and every account before and after.

use super::{cast::Cast, ledger::Ledger, setup::DemoTask};
use crate::{
    context::spinner,
    output::{Out, number_table},
    units::{change, tokens},
};
use color_eyre::Result;
use decentralml_sdk::{AccountBalance, AccountId, Chain, Properties, Wait, call};
use decentralml_types::{Balance, BlockNumber, TaskId};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// How long earners have to claim by themselves, without one claim in between, before the rest is claimed for them.
const PATIENCE: Duration = Duration::from_secs(12);
/// Rows that one transaction settles.
const BATCH: usize = 25;
/// Records of rounds that one call removes.
const REAP_LIMIT: u32 = 100;

/// Every account of the chain at one finalized block.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub block: BlockNumber,
    pub accounts: BTreeMap<[u8; 32], AccountBalance>,
    pub issuance: Balance,
    pub treasury: [u8; 32],
}

impl Snapshot {
    /// Reads them.
    pub async fn take(chain: &Chain) -> Result<Self> {
        let view = chain.finalized().await?;
        let accounts = view.balances().await?;
        Ok(Self {
            block: view.number(),
            accounts: accounts.into_iter().map(|(account, balance)| (account.0, balance)).collect(),
            issuance: view.total_issuance().await?,
            treasury: view.treasury().await?.0,
        })
    }

    /// Free and held together.
    fn total(&self, account: &[u8; 32]) -> Balance {
        self.accounts.get(account).map_or(0, AccountBalance::total)
    }

    fn sum(&self) -> Balance {
        self.accounts.values().map(AccountBalance::total).sum()
    }

    /// Whether all accounts together have what the chain says exists.
    fn is_whole(&self) -> bool {
        self.sum() == self.issuance
    }
}

/// Where the task's money went, in planck: what events tell, and what accounts show.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    pub before: Snapshot,
    pub after: Snapshot,
    pub ledger: Ledger,
    pub spending: Spending,
}

/// The sponsor's part, in planck.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spending {
    pub sponsor: [u8; 32],
    /// Put into the task.
    pub escrow: Balance,
    /// Fees of the sponsor's own transactions.
    pub fees: Balance,
}

impl Settlement {
    /// Whether nothing was lost and nothing was made, to the last planck: all accounts together have what they had and what
    /// exists, all that came into the task has left it, and the accounts of sponsor and treasury say the same.
    pub fn adds_up(&self) -> bool {
        let Self { before, after, ledger, spending } = self;
        let Spending { sponsor, escrow, fees } = spending;
        let all = before.is_whole() && after.is_whole() && before.sum() == after.sum();
        let task = escrow + ledger.gained == ledger.paid + ledger.refunded + ledger.charged;
        let spent = before.total(sponsor) + ledger.refunded == after.total(sponsor) + escrow + fees;
        let got = ledger.charged + ledger.fees + ledger.slashed;
        let treasury = before.total(&before.treasury) + got == after.total(&after.treasury);
        all && task && spent && treasury
    }

    /// Every account, and their sum.
    fn table(&self, cast: &Cast, token: &Properties) -> String {
        let accounts: BTreeSet<&[u8; 32]> =
            self.before.accounts.keys().chain(self.after.accounts.keys()).collect();
        let mut named: Vec<(String, &[u8; 32])> = accounts
            .into_iter()
            .map(|account| (self.name(&AccountId(*account), cast), account))
            .collect();
        named.sort();
        let nothing = AccountBalance::default();
        let mut rows: Vec<Vec<String>> = named
            .iter()
            .map(|(name, account)| {
                let before = self.before.accounts.get(*account).unwrap_or(&nothing);
                let after = self.after.accounts.get(*account).unwrap_or(&nothing);
                vec![
                    name.clone(),
                    tokens(before.free, token),
                    tokens(before.reserved, token),
                    tokens(after.free, token),
                    tokens(after.reserved, token),
                    change(before.total(), after.total(), token),
                ]
            })
            .collect();
        let sum = |snapshot: &Snapshot, part: fn(&AccountBalance) -> Balance| {
            tokens(snapshot.accounts.values().map(part).sum(), token)
        };
        rows.push(vec![
            "all together".to_owned(),
            sum(&self.before, |balance| balance.free),
            sum(&self.before, |balance| balance.reserved),
            sum(&self.after, |balance| balance.free),
            sum(&self.after, |balance| balance.reserved),
            change(self.before.sum(), self.after.sum(), token),
        ]);
        let header =
            ["account", "free before", "held before", "free after", "held after", "change"];
        number_table(header.map(str::to_owned).to_vec(), rows)
    }

    fn name(&self, account: &AccountId, cast: &Cast) -> String {
        if account.0 == self.after.treasury {
            let of = if self.ledger.charged > 0 { "all fees and charges" } else { "all fees" };
            return format!("treasury ({of})");
        }
        cast.name(account).map_or_else(|| account.to_string(), str::to_owned)
    }
}

/// Waits until everybody has claimed, has the task removed, and shows where the money went.
pub async fn settle(
    task: &DemoTask,
    chain: &Chain,
    cast: &Cast,
    before: Snapshot,
    out: &mut Out<'_>,
) -> Result<Settlement> {
    let mut fees = task.fee;
    let bar = spinner("earners claim …");
    fees += claims(task.id, chain, cast).await?;
    bar.set_message("the sponsor gets back what was not earned …");
    loop {
        let view = chain.finalized().await?;
        if view.task(task.id).await?.is_none() {
            break;
        }
        for call in view.removal(task.id, REAP_LIMIT).await? {
            fees += chain.submit(&cast.sponsor.signer, &call, Wait::Finalized).await?.fee;
        }
    }
    bar.finish_and_clear();
    let after = Snapshot::take(chain).await?;
    let ledger = Ledger::read(chain, task.id, before.block + 1..=after.block).await?;
    let sponsor = cast.sponsor.account().0;
    let spending = Spending { sponsor, escrow: task.cost.escrow(), fees };
    let settlement = Settlement { before, after, ledger, spending };
    let token = chain.properties();
    out.line(&format!("\n{}", settlement.table(cast, token)))?;
    let more = |amount: Balance, what: &str| match amount {
        0 => String::new(),
        amount => format!(" and {} {what}", tokens(amount, token)),
    };
    out.line(&format!(
        "\npaid {} to trainers and evaluators, {} came back to the sponsor, {} in fees{}{} went to the treasury; {}",
        tokens(ledger.paid, token),
        tokens(ledger.refunded, token),
        tokens(ledger.fees, token),
        more(ledger.charged, "in charges for free calls"),
        more(ledger.slashed, "of slashes"),
        if settlement.adds_up() { "it adds up to the last planck" } else { "IT DOES NOT ADD UP" },
    ))?;
    Ok(settlement)
}

/// Waits until no row is open; claims for those who do not. Gives the fees that this cost the sponsor.
async fn claims(task: TaskId, chain: &Chain, cast: &Cast) -> Result<Balance> {
    let mut fees = 0;
    let mut blocks = chain.finalized_blocks().await?;
    let (mut open, mut since) = (usize::MAX, Instant::now());
    loop {
        let view = blocks.next().await?;
        let Some(record) = view.task(task).await? else { return Ok(fees) };
        if !record.status.is_final() {
            continue;
        }
        if view.rounds(task).await?.iter().all(|round| round.open_rows == 0) {
            return Ok(fees);
        }
        // Rows that a claim settles now; a seat that may still attest has time to.
        let rows = view.open_rows(task).await?;
        if rows.len() != open {
            (open, since) = (rows.len(), Instant::now());
        } else if !rows.is_empty() && since.elapsed() > PATIENCE {
            let calls = rows.iter().take(BATCH).map(|row| row.claim()).collect();
            let included =
                chain.submit(&cast.sponsor.signer, &call::batch(calls), Wait::Finalized).await?;
            fees += included.fee;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SPONSOR: u8 = 1;
    const EARNER: u8 = 2;
    const TREASURY: u8 = 3;

    fn snapshot(balances: &[(u8, Balance, Balance)]) -> Snapshot {
        let balance =
            |free, reserved| AccountBalance { free, reserved, ..AccountBalance::default() };
        let accounts: BTreeMap<_, _> =
            balances.iter().map(|&(byte, free, held)| ([byte; 32], balance(free, held))).collect();
        let issuance = balances.iter().map(|(_, free, held)| free + held).sum();
        Snapshot { block: 1, accounts, issuance, treasury: [TREASURY; 32] }
    }

    /// A sponsor puts 100 into a task, 40 of it is earned; it pays 3 in fees, the earner 2.
    fn settlement() -> Settlement {
        let before = snapshot(&[(SPONSOR, 1_000, 0), (EARNER, 12, 0), (TREASURY, 1, 0)]);
        let after = snapshot(&[(SPONSOR, 957, 0), (EARNER, 45, 5), (TREASURY, 6, 0)]);
        let ledger = Ledger { paid: 40, refunded: 60, fees: 5, ..Ledger::default() };
        let spending = Spending { sponsor: [SPONSOR; 32], escrow: 100, fees: 3 };
        Settlement { before, after, ledger, spending }
    }

    /// Moves between accounts, so that all together have the same.
    fn shift(settlement: &mut Settlement, from: u8, to: u8, amount: Balance) {
        settlement.after.accounts.get_mut(&[from; 32]).unwrap().free -= amount;
        settlement.after.accounts.get_mut(&[to; 32]).unwrap().free += amount;
    }

    #[test]
    fn what_the_chain_charged_is_neither_paid_nor_refunded_nor_a_fee() {
        let mut settlement = settlement();
        // 12 of the treasury's gain were charges, paid by the sponsor.
        shift(&mut settlement, SPONSOR, TREASURY, 12);
        assert!(!settlement.adds_up(), "nobody tells of it");
        settlement.ledger.charged = 12;
        assert!(!settlement.adds_up(), "more left the task than came into it");
        settlement.ledger.refunded = 48;
        assert!(settlement.adds_up());
        let token = Properties { symbol: "u".to_owned(), decimals: 0, ss58: 42 };
        let text = settlement.table(&Cast::new().unwrap(), &token);
        assert!(text.contains("treasury (all fees and charges)"));

        settlement.after.issuance -= 12;
        assert!(!settlement.adds_up(), "a charge that nobody got");
    }

    #[test]
    fn what_is_slashed_comes_to_the_task_and_the_treasury() {
        let mut settlement = settlement();
        shift(&mut settlement, EARNER, SPONSOR, 2);
        shift(&mut settlement, EARNER, TREASURY, 3);
        let Ledger { gained, refunded, slashed, .. } = &mut settlement.ledger;
        (*gained, *refunded, *slashed) = (2, 62, 3);
        assert!(settlement.adds_up());
    }

    #[test]
    fn events_that_tell_another_story_than_the_accounts_are_noticed() {
        assert!(settlement().adds_up());
        let wrong = |change: fn(&mut Ledger)| {
            let mut settlement = settlement();
            change(&mut settlement.ledger);
            !settlement.adds_up()
        };
        assert!(wrong(|ledger| ledger.paid += 1));
        assert!(wrong(|ledger| ledger.refunded -= 1));
        assert!(wrong(|ledger| (ledger.paid, ledger.refunded) = (41, 59)), "the sponsor has more");
        assert!(wrong(|ledger| ledger.fees += 1), "the treasury has less");
        assert!(wrong(|ledger| ledger.charged += 1));
    }

    #[test]
    fn a_missing_planck_is_noticed_wherever_it_is_missing() {
        let mut lost = settlement();
        lost.after.accounts.get_mut(&[EARNER; 32]).unwrap().free -= 1;
        assert!(!lost.adds_up());
        lost.after.issuance -= 1;
        assert!(!lost.adds_up(), "burned is lost too");
        let mut unknown = settlement();
        unknown.before.issuance += 1;
        assert!(!unknown.adds_up());
    }

    #[test]
    fn the_table_has_every_account_and_the_sum() {
        let cast = Cast::new().unwrap();
        let token = Properties { symbol: "u".to_owned(), decimals: 0, ss58: 42 };
        let text = settlement().table(&cast, &token);
        assert_eq!(text.lines().count(), 1 + 3 + 1);
        assert!(text.contains("treasury (all fees)") && text.contains("-43 u"));
        let last = text.lines().last().unwrap();
        assert!(
            last.contains("all together")
                && last.contains("1013 u")
                && last.trim_end().ends_with(" 0 u")
        );
    }
}
