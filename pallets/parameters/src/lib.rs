//! # Parameters
//!
//! The numbers that governance may set: the least bonds, what faults cost, what appeals and challenges put at stake. It can only set
//! those with which honest play stays the best reply of every role, as far as money decides (`decentralml_protocol::payoff`).
//!
//! ```text
//!   council ── set_parameters ──► every condition of payoff::check ──► Current ──► participants, tasks, disputes, challenges
//!                                          │ one does not hold
//!                                          ▼
//!                                    its error; nothing changes
//! ```
//!
//! What somebody has agreed to does not change. A task keeps the penalties under which it was created, a case what an appeal costs and
//! brings since it was opened, a challenge its bond and its answer's price. The least bonds count when something is bonded, or unbonded in
//! part, and when a task is created: who has less stays.
//!
//! Example: the council wants more at stake, and passes `set_parameters` with a `min_trainer_bond` of two tokens. Tasks created from then
//! on ask for two at least; those that run go on with what they ask.
//!
//! # What it does not guarantee
//!
//! That the assumptions behind the conditions hold; `docs/security.md` names them. Nor that the council is moderate: it can make the least
//! bonds so large that nobody can begin.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod values;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use values::*;
pub use weights::WeightInfo;

#[allow(clippy::expect_used, reason = "what the macro expands to")]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::boxed::Box;
    use decentralml_protocol::payoff::{self, Condition, Prices, Violation};
    use decentralml_types::Parameters;
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Who sets them: the council.
        type SetOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Those of a new chain.
        type Initial: Get<Parameters> + 'static;

        /// What they are measured by.
        type Prices: Get<Prices>;

        /// What the call weighs.
        type WeightInfo: WeightInfo;
    }

    /// What holds now. One row for the whole chain, whatever there is of tasks and participants.
    #[pallet::storage]
    pub type Current<T: Config> = StorageValue<_, Parameters, ValueQuery, <T as Config>::Initial>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Governance set the parameters.
        ParametersSet {
            /// What held before.
            old: Box<Parameters>,
            /// What holds from now on.
            new: Box<Parameters>,
        },
    }

    /// One for each condition; `decentralml_protocol::payoff::Condition` has the formulas.
    #[pallet::error]
    pub enum Error<T> {
        /// A fault has to cost between 1 and 100 percent of the bond.
        Share,
        /// The treasury has to get at least 25 percent of every slash, lest it pays to accuse oneself.
        Treasury,
        /// Of what only a committee finds, neither the task nor a reporter may get anything.
        FalseVerdict,
        /// A reveal that is withheld has to cost no less than the worst that revealing can.
        TrainersSilence,
        /// Scores that are withheld have to cost no less than a wrong attestation.
        SeatsSilence,
        /// An equivocation has to cost a validator its whole bond, and no task gets a part of it.
        Equivocation,
        /// A fault has to cost no less of the least bond than a round's free calls would have cost. Raise the least bond or the percentage.
        FreeCalls,
        /// The price of an answer has to be no less than the fee of the longest one.
        AnswerPrice,
        /// A challenge's bond has to be no less than the price of an answer and the fee of the longest one.
        AnswerReward,
        /// A reporter has to gain, although one of fifty challenges is wrong. Raise its part or the least bond, or lower the challenge's bond.
        Reporting,
        /// Culprits have to lose by appealing: `appeal_percent` has to be between 6 and 100.
        GuiltyAppeal,
        /// Innocents have to gain by appealing. Raise the least bond, or lower `appeal_percent`.
        InnocentAppeal,
        /// Who wins an appeal must not get more than who loses would have paid: `appeal_costs` is at most `appeal_bond`.
        AppealCosts,
        /// No appeal is for nothing: `appeal_bond` has to be no less than the fee of an ordinary call.
        AppealBond,
    }

    impl<T: Config> From<Violation> for Error<T> {
        fn from(violation: Violation) -> Self {
            match violation.condition {
                Condition::Share => Self::Share,
                Condition::Treasury => Self::Treasury,
                Condition::FalseVerdict => Self::FalseVerdict,
                Condition::TrainersSilence => Self::TrainersSilence,
                Condition::SeatsSilence => Self::SeatsSilence,
                Condition::Equivocation => Self::Equivocation,
                Condition::FreeCalls => Self::FreeCalls,
                Condition::AnswerPrice => Self::AnswerPrice,
                Condition::AnswerReward => Self::AnswerReward,
                Condition::Reporting => Self::Reporting,
                Condition::GuiltyAppeal => Self::GuiltyAppeal,
                Condition::InnocentAppeal => Self::InnocentAppeal,
                Condition::AppealBond => Self::AppealBond,
                Condition::AppealCosts => Self::AppealCosts,
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            let sound = payoff::check(&T::Initial::get(), &T::Prices::get());
            assert!(sound.is_ok(), "what a chain starts with could not be set: {sound:?}");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Sets the parameters, all of them.
        ///
        /// - **Who, when:** `SetOrigin`, at any time. Tasks, cases and challenges that exist keep what they began with.
        /// - **Costs:** the fee of whoever submits it; nothing is held or slashed.
        /// - **Errors:** the first condition that does not hold: `Share`, `Treasury`, `FalseVerdict`, `TrainersSilence`, `SeatsSilence`,
        ///   `Equivocation`, `FreeCalls`, `AnswerPrice`, `AnswerReward`, `Reporting`, `AppealBond`, `AppealCosts`, `GuiltyAppeal`, `InnocentAppeal`.
        /// - **Events:** `ParametersSet`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::set_parameters())]
        pub fn set_parameters(origin: OriginFor<T>, parameters: Parameters) -> DispatchResult {
            T::SetOrigin::ensure_origin(origin)?;
            payoff::check(&parameters, &T::Prices::get()).map_err(Error::<T>::from)?;
            let old = Current::<T>::get();
            Current::<T>::put(parameters);
            let (old, new) = (Box::new(old), Box::new(parameters));
            Self::deposit_event(Event::ParametersSet { old, new });
            Ok(())
        }
    }

    impl<T: Config> Pallet<T> {
        /// What holds now could be set again. A runtime whose prices have risen may have to raise parameters with them.
        pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
            let sound = payoff::check(&Current::<T>::get(), &T::Prices::get());
            ensure!(sound.is_ok(), "the parameters could not be set as they are");
            Ok(())
        }
    }
}
