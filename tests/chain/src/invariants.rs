//! What holds between any two transactions.

use decentralml_runtime::*;
use decentralml_types::{Balance, Role};
use frame_support::traits::Get;
use std::collections::BTreeMap;

type TryState = fn() -> Result<(), sp_runtime::TryRuntimeError>;

/// What each pallet of ours proves of its own state.
pub const STATES: &[(&str, TryState)] = &[
    ("Participants", Participants::do_try_state),
    ("Tasks", Tasks::do_try_state),
    ("Assignments", Assignments::do_try_state),
    ("Results", Results::do_try_state),
    ("Validation", Validation::do_try_state),
    ("Models", Models::do_try_state),
    ("Data", Data::do_try_state),
    ("Disputes", Disputes::do_try_state),
    ("Challenges", Challenges::do_try_state),
    ("Parameters", Parameters::do_try_state),
    ("Validators", Validators::do_try_state),
    ("Golds", Golds::do_try_state),
];

/// All that is held of an account, by reason, in planck.
pub type Holds = BTreeMap<(AccountId, Vec<u8>), Balance>;

/// What our records say is held, and from whom. Another pallet that holds adds what its records say.
pub fn recorded_holds() -> Holds {
    use codec::Encode;
    use pallet_challenges::{HoldReason as Challenges, Stage};
    use pallet_data::HoldReason as Data;
    use pallet_disputes::HoldReason as Disputes;
    use pallet_golds::HoldReason as Golds;
    use pallet_participants::HoldReason as Participants;
    use pallet_tasks::HoldReason as Tasks;

    let mut holds = Holds::new();
    let mut owe = |who: AccountId, reason: RuntimeHoldReason, amount: Balance| {
        *holds.entry((who, reason.encode())).or_default() += amount;
    };
    let bond = |role| match role {
        Role::Trainer => Participants::TrainerBond,
        Role::Evaluator => Participants::EvaluatorBond,
        Role::Validator => Participants::ValidatorBond,
    };
    for (role, who, member) in pallet_participants::Members::<Runtime>::iter() {
        owe(who, bond(role).into(), member.held() - member.disputed);
    }
    for (who, hosts) in pallet_participants::Hosts::<Runtime>::iter() {
        owe(who, Participants::HostDeposit.into(), hosts.deposit);
    }
    for (who, key) in pallet_participants::EncryptionKeys::<Runtime>::iter() {
        owe(who, Participants::KeyDeposit.into(), key.deposit);
    }
    for task in pallet_tasks::Tasks::<Runtime>::iter_values() {
        owe(task.sponsor, Tasks::TaskDeposit.into(), task.deposit);
    }
    for (cid, content) in pallet_data::Contents::<Runtime>::iter() {
        let grants = pallet_data::Grants::<Runtime>::iter_prefix_values(cid);
        owe(
            content.owner.clone(),
            Data::GrantDeposit.into(),
            grants.map(|grant| grant.deposit).sum(),
        );
        owe(content.owner, Data::ContentDeposit.into(), content.deposit);
    }
    for case in pallet_disputes::Cases::<Runtime>::iter_values() {
        // What was seized without a case would stay so for good.
        owe(case.charge.accused.clone(), bond(case.charge.role).into(), case.charge.amount);
        owe(case.charge.accused, Disputes::AppealBond.into(), case.appeal.unwrap_or(0));
    }
    for record in pallet_challenges::Records::<Runtime>::iter_values() {
        if let Stage::Open(challenge) = record.stage {
            owe(challenge.challenger, Challenges::Challenge.into(), challenge.bond);
        }
    }
    for row in pallet_golds::Golds::<Runtime>::iter_values() {
        let deposits = row.hidden.iter().map(|gold| gold.deposit).sum();
        owe(row.sponsor, Golds::Gold.into(), deposits);
    }
    holds.retain(|_, amount| *amount > 0);
    holds
}

/// Everything that an account owns, what is held included, in planck.
pub fn total(who: &AccountId) -> Balance {
    let data = System::account(who).data;
    data.free.saturating_add(data.reserved)
}

/// The sum over all accounts that there are, in planck.
pub fn sum_of_accounts() -> Balance {
    let accounts = frame_system::Account::<Runtime>::iter_values();
    accounts.map(|account| account.data.free.saturating_add(account.data.reserved)).sum()
}

/// Every pallet's own invariants; all money is in accounts; whatever is held has an owner whose records say so, and nothing else
/// is reserved. The error names the first that does not hold.
pub fn check() -> Result<(), String> {
    for (pallet, try_state) in STATES {
        try_state().map_err(|error| format!("try_state of {pallet}: {error:?}"))?;
    }
    let (issued, sum) = (Balances::total_issuance(), sum_of_accounts());
    ensure(issued == sum, || format!("money: accounts sum up to {sum}, and {issued} is issued"))?;
    check_holds()
}

fn check_holds() -> Result<(), String> {
    use codec::Encode;
    let mut held = Holds::new();
    for (who, reasons) in pallet_balances::Holds::<Runtime>::iter() {
        let mut sum: Balance = 0;
        for hold in reasons {
            sum += hold.amount;
            held.insert((who.clone(), hold.id.encode()), hold.amount);
        }
        let reserved = System::account(&who).data.reserved;
        ensure(reserved == sum, || format!("holds: {reserved} is reserved of {who}, {sum} held"))?;
    }
    held.retain(|_, amount| *amount > 0);
    let recorded = recorded_holds();
    if held == recorded {
        return Ok(());
    }
    let name = |reason: &Vec<u8>| {
        codec::Decode::decode(&mut &reason[..]).map_or_else(
            |_| format!("{reason:?}"),
            |reason: RuntimeHoldReason| format!("{reason:?}"),
        )
    };
    for key in held.keys().chain(recorded.keys()) {
        let (is, should) = (held.get(key), recorded.get(key));
        ensure(is == should, || {
            format!(
                "holds: {is:?} is held of {} as {}, records say {should:?}",
                key.0,
                name(&key.1)
            )
        })?;
    }
    Ok(())
}

/// Rows of our pallets that are left, by storage item. Empty once everything is wound down. Versions of models that were released
/// stay for ever, and are not counted.
pub fn leftovers() -> Vec<(&'static str, usize)> {
    macro_rules! count {
        ($($item:path),* $(,)?) => {
            vec![$((stringify!($item), <$item>::iter_keys().count())),*]
        };
    }
    let mut rows = count![
        pallet_participants::Members::<Runtime>,
        pallet_participants::Hosts::<Runtime>,
        pallet_participants::EncryptionKeys::<Runtime>,
        pallet_tasks::Tasks::<Runtime>,
        pallet_tasks::Rounds::<Runtime>,
        pallet_tasks::Owed::<Runtime>,
        pallet_assignments::Places::<Runtime>,
        pallet_assignments::Slots::<Runtime>,
        pallet_assignments::Populations::<Runtime>,
        pallet_assignments::Draws::<Runtime>,
        pallet_assignments::Seeds::<Runtime>,
        pallet_results::Commitments::<Runtime>,
        pallet_results::Reveals::<Runtime>,
        pallet_results::Counts::<Runtime>,
        pallet_validation::Committees::<Runtime>,
        pallet_validation::Seats::<Runtime>,
        pallet_validation::Sheets::<Runtime>,
        pallet_validation::Verdicts::<Runtime>,
        pallet_validation::Shares::<Runtime>,
        pallet_validation::Running::<Runtime>,
        pallet_validation::Histories::<Runtime>,
        pallet_data::Contents::<Runtime>,
        pallet_data::Grants::<Runtime>,
        pallet_disputes::Cases::<Runtime>,
        pallet_disputes::Ballots::<Runtime>,
        pallet_challenges::Records::<Runtime>,
        pallet_golds::Golds::<Runtime>,
        pallet_validators::Cleared::<Runtime>,
    ];
    let candidates = pallet_models::Versions::<Runtime>::iter_values();
    let candidates = candidates.filter(|model| model.status == pallet_models::Release::Candidate);
    rows.push(("pallet_models::Versions, candidates", candidates.count()));
    rows.retain(|(_, count)| *count > 0);
    rows
}

/// The least that an account must own to exist, in planck.
pub fn existential_deposit() -> Balance {
    <Runtime as pallet_balances::Config>::ExistentialDeposit::get()
}

pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}
