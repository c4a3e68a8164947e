//! Claims, the refund, and every account before and after.

use super::{cast::Cast, processes::Processes, setup::DemoTask};
use crate::{
    context::spinner,
    output::{Out, number_table},
    units::{change, tokens},
};
use color_eyre::Result;
use decentralml_sdk::{AccountBalance, AccountId, Chain, Properties, Wait, call};
use decentralml_types::{Balance, RoundNumber, TaskId};
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

/// Where the task's money went, in planck.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub before: Snapshot,
    pub after: Snapshot,
    /// To trainers and evaluators.
    pub paid: Balance,
    /// Back to the sponsor, of what it had put into the task.
    pub refunded: Balance,
    /// What the chain kept of the task's money for calls that were free for those who made them.
    pub charged: Balance,
    /// Fees of everybody.
    pub fees: Balance,
}

/// What is known of the sponsor's spending, in planck.
#[derive(Clone, Copy, Debug)]
struct Spending {
    /// Put into the task.
    escrow: Balance,
    /// Fees of the sponsor's own transactions.
    fees: Balance,
    /// Kept by the chain for the rounds that were started.
    charged: Balance,
}

impl Settlement {
    fn new(before: Snapshot, after: Snapshot, sponsor: &AccountId, spending: Spending) -> Self {
        let Spending { escrow, fees, charged } = spending;
        let spent = before.total(&sponsor.0).saturating_sub(after.total(&sponsor.0));
        // The deposit and the rest of the escrow are back, so what is missing was paid out, or charged, or was a fee.
        let paid = spent.saturating_sub(fees).saturating_sub(charged);
        let refunded = escrow.saturating_sub(paid).saturating_sub(charged);
        let treasury = after.total(&after.treasury).saturating_sub(before.total(&before.treasury));
        Self { paid, refunded, charged, fees: treasury.saturating_sub(charged), before, after }
    }

    /// Whether nothing was lost and nothing was made, to the last planck.
    pub fn adds_up(&self) -> bool {
        self.before.is_whole() && self.after.is_whole() && self.before.sum() == self.after.sum()
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
            let of = if self.charged > 0 { "all fees and charges" } else { "all fees" };
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
    processes: &mut Processes,
    out: &mut Out<'_>,
) -> Result<Settlement> {
    let mut fees = task.fee;
    let bar = spinner("earners claim …");
    let (claims, attempts) = claims(task.id, chain, cast, processes).await?;
    fees += claims;
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
    let sponsor = cast.sponsor.account();
    let charged = task.cost.charge.saturating_mul(attempts.into());
    let spending = Spending { escrow: task.cost.escrow(), fees, charged };
    let settlement = Settlement::new(before, after, &sponsor, spending);
    let token = chain.properties();
    out.line(&format!("\n{}", settlement.table(cast, token)))?;
    let charged = match settlement.charged {
        0 => String::new(),
        charged => format!(" and {} in charges for free calls", tokens(charged, token)),
    };
    out.line(&format!(
        "\npaid {} to trainers and evaluators, {} came back to the sponsor, {} in fees{charged} went to the treasury; {}",
        tokens(settlement.paid, token),
        tokens(settlement.refunded, token),
        tokens(settlement.fees, token),
        if settlement.adds_up() { "it adds up to the last planck" } else { "IT DOES NOT ADD UP" },
    ))?;
    Ok(settlement)
}

/// Waits until no row is open; claims for those who do not. Gives the fees that this cost the sponsor, and the number of rounds
/// that were started.
async fn claims(
    task: TaskId,
    chain: &Chain,
    cast: &Cast,
    processes: &mut Processes,
) -> Result<(Balance, RoundNumber)> {
    let (mut fees, mut attempts) = (0, 0);
    let mut blocks = chain.finalized_blocks().await?;
    let (mut open, mut since) = (usize::MAX, Instant::now());
    loop {
        processes.check()?;
        let view = blocks.next().await?;
        let Some(record) = view.task(task).await? else { return Ok((fees, attempts)) };
        attempts = record.current.unwrap_or(0);
        if !record.status.is_final() {
            continue;
        }
        if view.rounds(task).await?.iter().all(|round| round.open_rows == 0) {
            return Ok((fees, attempts));
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
        Snapshot { accounts, issuance, treasury: [TREASURY; 32] }
    }

    /// A sponsor puts 100 into a task, 40 of it is earned; it pays 3 in fees, the earner 2.
    fn settlement() -> Settlement {
        let before = snapshot(&[(SPONSOR, 1_000, 0), (EARNER, 12, 0), (TREASURY, 1, 0)]);
        let after = snapshot(&[(SPONSOR, 957, 0), (EARNER, 45, 5), (TREASURY, 6, 0)]);
        let spending = Spending { escrow: 100, fees: 3, charged: 0 };
        Settlement::new(before, after, &AccountId([SPONSOR; 32]), spending)
    }

    #[test]
    fn what_the_chain_charged_is_neither_paid_nor_refunded_nor_a_fee() {
        let Settlement { before, mut after, .. } = settlement();
        // 12 of the treasury's gain were charges, paid by the sponsor.
        after.accounts.get_mut(&[SPONSOR; 32]).unwrap().free -= 12;
        after.accounts.get_mut(&[TREASURY; 32]).unwrap().free += 12;
        let spending = Spending { escrow: 100, fees: 3, charged: 12 };
        let sponsor = AccountId([SPONSOR; 32]);
        let settlement = Settlement::new(before.clone(), after.clone(), &sponsor, spending);
        assert_eq!((settlement.paid, settlement.refunded, settlement.fees), (40, 48, 5));
        assert_eq!(settlement.paid + settlement.refunded + settlement.charged, 100);
        assert!(settlement.adds_up());
        let token = Properties { symbol: "u".to_owned(), decimals: 0, ss58: 42 };
        let text = settlement.table(&Cast::new().unwrap(), &token);
        assert!(text.contains("treasury (all fees and charges)"));

        after.issuance -= 12;
        let burned = Settlement::new(before, after, &sponsor, spending);
        assert!(!burned.adds_up(), "a charge that nobody got");
    }

    #[test]
    fn paid_and_refunded_are_the_escrow() {
        let settlement = settlement();
        assert_eq!((settlement.paid, settlement.refunded, settlement.fees), (40, 60, 5));
        assert!(settlement.adds_up());
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
                && last.trim_end().ends_with('0')
        );
    }
}
