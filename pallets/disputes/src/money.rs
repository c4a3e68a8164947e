//! What an appeal costs whom. Nothing here can fail but the hold: a case always comes to its end.

use crate::{Case, Config, HoldReason, Pallet};
use decentralml_traits::Bonds;
use decentralml_types::{Balance, Role};
use frame_support::{
    dispatch::DispatchResult,
    storage::with_storage_layer,
    traits::{
        Get, Imbalance,
        fungible::{Balanced, BalancedHold, Credit, Inspect, Mutate, MutateHold},
        tokens::{Fortitude, Precision, Preservation},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn hold_appeal(who: &T::AccountId, bond: Balance) -> DispatchResult {
        T::Currency::hold(&HoldReason::AppealBond.into(), who, bond)
    }

    /// Gives an appeal's bond back. Returns what of it is lost, which is nothing.
    pub(crate) fn return_appeal(row: &Case<T::AccountId>, bond: Balance) -> Balance {
        let (reason, who) = (HoldReason::AppealBond.into(), &row.charge.accused);
        // What was held can be released; were it not so, it would stay held rather than stop the case.
        let _ =
            with_storage_layer(|| T::Currency::release(&reason, who, bond, Precision::BestEffort));
        0
    }

    /// Takes an appeal's bond for good: the costs for the reporter where there is one, the rest for the treasury, lest who is accused,
    /// reporter and sponsor in one gets it all back. Says how much that was.
    pub(crate) fn forfeit_appeal(row: &Case<T::AccountId>, bond: Balance) -> Balance {
        let charge = &row.charge;
        let reason = HoldReason::AppealBond.into();
        let (mut credit, missing) = T::Currency::slash(&reason, &charge.accused, bond);
        if let Some(reporter) = &charge.reporter {
            let costs = credit.extract(row.costs);
            Self::give(reporter, costs);
        }
        Self::give_treasury(credit);
        bond.saturating_sub(missing)
    }

    /// What an accused gets whom the council has freed: from the reporter's bonds, and what these do not cover, from the treasury, as
    /// far as it has it.
    pub(crate) fn pay_costs(
        accused: &T::AccountId,
        reporter: Option<&T::AccountId>,
        costs: Balance,
    ) -> Balance {
        let mut paid: Balance = 0;
        if let Some(reporter) = reporter {
            for role in [Role::Evaluator, Role::Trainer] {
                let rest = costs.saturating_sub(paid);
                if rest > 0 {
                    paid = paid.saturating_add(T::Bonds::charge(reporter, role, rest, accused));
                }
            }
        }
        paid.saturating_add(Self::pay_from_treasury(accused, costs.saturating_sub(paid)))
    }

    fn pay_from_treasury(to: &T::AccountId, amount: Balance) -> Balance {
        let treasury = T::Treasury::get();
        let has =
            T::Currency::reducible_balance(&treasury, Preservation::Preserve, Fortitude::Polite);
        let amount = amount.min(has);
        if amount == 0 {
            return 0;
        }
        let paid = with_storage_layer(|| {
            T::Currency::transfer(&treasury, to, amount, Preservation::Preserve)
        });
        paid.unwrap_or(0)
    }

    /// Gives it to an account or, where that cannot receive it, to the treasury.
    fn give(to: &T::AccountId, credit: Credit<T::AccountId, T::Currency>) {
        if let Err(credit) = T::Currency::resolve(to, credit) {
            Self::give_treasury(credit);
        }
    }

    /// What the treasury cannot receive is burned when it is dropped.
    fn give_treasury(credit: Credit<T::AccountId, T::Currency>) {
        drop(T::Currency::resolve(&T::Treasury::get(), credit));
    }
}
