//! The parameters one by one, for the configurations of other pallets. Each costs a read of the one row.

use crate::{Config, Current};
use core::marker::PhantomData;
use decentralml_types::{Balance, Penalties};
use frame_support::traits::Get;

macro_rules! values {
    ($($(#[$text:meta])* $name:ident: $type:ty = $field:ident;)*) => {$(
        $(#[$text])*
        pub struct $name<T>(PhantomData<T>);

        impl<T: Config> Get<$type> for $name<T> {
            fn get() -> $type {
                Current::<T>::get().$field
            }
        }
    )*};
}

values! {
    /// What a trainer bonds at least, in planck.
    MinTrainerBond: Balance = min_trainer_bond;
    /// What an evaluator bonds at least, in planck.
    MinEvaluatorBond: Balance = min_evaluator_bond;
    /// What a validator bonds at least, in planck.
    MinValidatorBond: Balance = min_validator_bond;
    /// What faults cost in a task that is created now.
    CurrentPenalties: Penalties = penalties;
    /// What an appeal puts at stake, at least, in planck.
    AppealBond: Balance = appeal_bond;
    /// What an appeal puts at stake, in percent of what was seized.
    AppealPercent: u8 = appeal_percent;
    /// What an accused gets whom the council frees, in planck.
    AppealCosts: Balance = appeal_costs;
    /// What a challenge puts at stake, in planck.
    ChallengeBond: Balance = challenge_bond;
    /// What the treasury gets for an answer, in planck.
    AnswerPrice: Balance = answer_price;
}
