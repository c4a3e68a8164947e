//! # Validators
//!
//! Who makes blocks and finalizes them: whom the council has appointed, with a bond and session keys. An equivocation costs the bond.
//!
//! ```text
//!   appointed by the council ─┐
//!   bonded, the least or more ├──► next set ──► in office ── equivocates ──► reported ──► the whole bond seized: a case
//!   session keys registered ──┘        ▲                                                   │ disabled for this session and the next
//!                                      └────────────── bonds again ◄───────────────────────┘ not in the sets planned from now on
//! ```
//!
//! The set is planned a session ahead. Where fewer than two thirds of the appointed qualify, those in office that are appointed and not
//! reported stay beside them, bond or not: a chain without validators would never have any again, and one with few belongs to them.
//!
//! A report takes all that the bond and what is unbonding have, by the parameters when it comes, and clears what the validator has done up
//! to then: an equivocation of an earlier session, or of the same, costs nothing more, and reports of it are refused. A machine that signs
//! twice for an hour is one fault, and a bond that is put up afterwards stands for what follows. Reports are taken for
//! `slashing::REPORTED_SESSIONS` sessions; a bond unbonds for longer.
//!
//! Example: the council adds Dave to its list of validators, Dave calls `participants.bond(Validator, 100)` and `session.set_keys(…)`, and
//! is in office from the session after next. A copy of its machine signs a second block in one slot; another validator's node
//! reports it, Dave's bond becomes case 7, and Dave appeals.
//!
//! # What it does not guarantee
//!
//! That validators do their work: who makes no blocks, leaves transactions out, or does not vote loses nothing here. Nor that the
//! council appoints different people. Where more than a third of the set is reported in one session, no more of it are disabled.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod offences;
mod office;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use decentralml_types::SessionNumber;

pub use pallet::*;

/// What is asked of the sessions, and told to them.
pub trait Sessions<AccountId> {
    /// The session that runs.
    fn current() -> SessionNumber;
    /// Who is in office in it.
    fn in_office() -> Vec<AccountId>;
    /// Whether an account has registered session keys.
    fn has_keys(who: &AccountId) -> bool;
    /// Takes an account out of office for the session that runs, as far as there are enough others.
    fn disable(who: &AccountId);
    /// Forgets who was in office before a session: nothing of that time can be reported any more.
    fn forget_before(session: SessionNumber);
}

#[allow(clippy::expect_used, reason = "what the macro expands to")]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use decentralml_protocol::slashing;
    use decentralml_traits::{Stakes, Tribunal};
    use decentralml_types::{Balance, BlockNumber, Penalties};
    use frame_support::{pallet_prelude::*, traits::SortedMembers};
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Whom the council has appointed.
        type Appointed: SortedMembers<Self::AccountId>;

        /// Where their bonds are kept.
        type Stakes: Stakes<Self::AccountId>;

        /// Where cases are opened.
        type Tribunal: Tribunal<Self::AccountId>;

        /// The sessions.
        type Sessions: Sessions<Self::AccountId>;

        /// What faults cost now.
        type Penalties: Get<Penalties>;

        /// Validators at most.
        #[pallet::constant]
        type MaxValidators: Get<u32>;

        /// The longest that a session can be, in slots, and so in blocks.
        type LongestSession: Get<BlockNumber>;

        /// How long a bond can be slashed after it was unbonded, in blocks.
        type UnbondingPeriod: Get<BlockNumber>;
    }

    /// Validators that were reported, with the session that ran then: what they did until its end is cleared.
    ///
    /// Only the council makes accounts validators, so a cheap hasher is safe. A row goes when nothing can be reported any more that it
    /// clears.
    #[pallet::storage]
    pub type Cleared<T: Config> =
        StorageMap<_, Twox64Concat, T::AccountId, SessionNumber, OptionQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A validator has equivocated, and is out of office until it bonds again.
        Equivocated {
            /// Who.
            who: T::AccountId,
            /// In which session.
            session: SessionNumber,
            /// What was taken out of its bond, in planck. A case was opened where that is not 0.
            seized: Balance,
        },
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MaxValidators::get() > 0, "a chain needs validators");
            assert!(
                T::UnbondingPeriod::get() > slashing::longest_report(T::LongestSession::get()),
                "UnbondingPeriod must be longer than the time in which an equivocation can be reported, or bonds leave before it is"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    impl<T: Config> Pallet<T> {
        /// Nobody is cleared for what is still to come.
        pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
            let now = T::Sessions::current();
            let sound = Cleared::<T>::iter_values().all(|session| session <= now);
            ensure!(sound, "somebody is cleared for sessions that are still to come");
            Ok(())
        }
    }
}
