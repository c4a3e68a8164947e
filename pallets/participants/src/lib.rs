//! # Participants
//!
//! Who takes part: an account bonds funds for a role, tasks put parts of the bond at risk, and provable faults cost it. Besides,
//! any account may say where it offers bytes (its hosts), and to which key bytes for it are to be encrypted.
//!
//! ```text
//!               bond                  unbond                   withdraw
//!   free funds ──────► bonded (held) ────────► unbonding (held) ────────► free funds
//!                       │     ▲                      │       after UnbondingPeriod
//!                engage │     │ disengage            │
//!                       ▼     │                      │
//!                      at risk ──────── seize ◄──────┘
//!                                         │
//!                           give back ◄── ▼ ──► forfeit
//!                                     disputed (held)
//! ```
//!
//! What is at risk cannot be unbonded, and what is unbonding can still be seized until it is due. Seized funds wait: they are given
//! back, into the bond or to an account that has left, or forfeited to the harmed side, a reporter and the treasury, as whoever
//! decides the case says. Until then they are held with the bond, and cover nothing.
//!
//! A bond's row remembers how its account has acted in the role, and forgets it by halves (`decentralml_protocol::reputation`): tasks may
//! ask for a minimum of that.
//!
//! Hosts and keys cost a deposit for as long as they stay, which nothing can slash. The chain checks their form only.
//!
//! Example: an evaluator calls `bond(Evaluator, 100)`, enrolls in tasks that put 60 at risk, and may then `unbond` 40. So that
//! trainers can hand it what only it may read, it calls `set_hosts(["https://host.example"])` and `set_encryption_key(key)`.
//!
//! What it does not guarantee: that the bond covers everything at risk after a fault. [`Bonds::ensure_covered`] keeps such an
//! account from acting until it tops up. Nor that a host answers, belongs to whoever announced it, or serves what it should,
//! nor that anybody knows the secret of a key. A record is an account's, not a person's: whoever bonds with another account begins anew.
//!
//! [`Bonds::ensure_covered`]: decentralml_traits::Bonds::ensure_covered

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod bonds;
mod deposits;
mod hosts;
mod keys;
mod reputation;
mod slashing;
mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::{EncryptionKey, HostList, MAX_UNBONDINGS, Member, Unbonding};
pub use weights::WeightInfo;

#[allow(clippy::expect_used, reason = "what the macro expands to")]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use decentralml_types::{Balance, BlockNumber, PublicKey, Role, Urls};
    use frame_support::{
        pallet_prelude::*,
        traits::fungible::{Inspect, hold},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::traits::BlockNumberProvider;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The token that bonds and deposits are held in.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + hold::Inspect<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + hold::Mutate<Self::AccountId>;

        /// The runtime's hold reasons, ours among them.
        type RuntimeHoldReason: From<HoldReason>;

        /// What tells the time.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// The smallest bond of a trainer, in planck. Who has less stays, and may add to it.
        type MinTrainerBond: Get<Balance>;

        /// The smallest bond of an evaluator, in planck. Who has less stays, and may add to it.
        type MinEvaluatorBond: Get<Balance>;

        /// The smallest bond of a validator, in planck. Who has less stays bonded, and makes no blocks.
        type MinValidatorBond: Get<Balance>;

        /// How long funds stay slashable after they were unbonded, in blocks.
        #[pallet::constant]
        type UnbondingPeriod: Get<BlockNumber>;

        /// Blocks from an act until nothing can be taken for it any more, at most. `UnbondingPeriod` is longer.
        type Liability: Get<BlockNumber>;

        /// Blocks in which every count of a record halves.
        #[pallet::constant]
        type ReputationPeriod: Get<BlockNumber>;

        /// The deposit for each announced host, in planck.
        #[pallet::constant]
        type HostDepositBase: Get<Balance>;

        /// What each byte of a host's URL adds to its deposit, in planck.
        #[pallet::constant]
        type HostDepositPerByte: Get<Balance>;

        /// The deposit for an encryption key, in planck.
        #[pallet::constant]
        type KeyDeposit: Get<Balance>;

        /// Who receives what of a slash nobody else gets.
        #[pallet::constant]
        type Treasury: Get<Self::AccountId>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;
    }

    /// Bonds by role and account.
    ///
    /// Accounts choose their own keys, hence a cryptographic hasher; roles are three. The bond itself stands for the row: it goes
    /// when nothing is bonded, unbonding, at risk or seized. A row that remembers a slash stays until that has faded, and what was slashed
    /// has paid for it; then anybody may `forget` it.
    #[pallet::storage]
    pub type Members<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        Role,
        Blake2_128Concat,
        T::AccountId,
        crate::Member,
        OptionQuery,
    >;

    /// Where accounts offer bytes.
    ///
    /// Accounts choose their own keys, hence a cryptographic hasher. The account pays with a deposit, and removes its row.
    #[pallet::storage]
    pub type Hosts<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, crate::HostList, OptionQuery>;

    /// To which key bytes for an account are to be encrypted.
    ///
    /// Hashed and paid for as [`Hosts`] are.
    #[pallet::storage]
    pub type EncryptionKeys<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, crate::EncryptionKey, OptionQuery>;

    /// Why funds are held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The bond of a trainer, what is unbonding included.
        TrainerBond,
        /// The bond of an evaluator, what is unbonding included.
        EvaluatorBond,
        /// The bond of a validator, what is unbonding included.
        ValidatorBond,
        /// The deposit for announced hosts.
        HostDeposit,
        /// The deposit for an encryption key.
        KeyDeposit,
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Funds were bonded.
        Bonded {
            /// Whose.
            who: T::AccountId,
            /// For what.
            role: Role,
            /// What was added, in planck.
            amount: Balance,
        },
        /// Funds left the bond. They can be withdrawn later.
        Unbonded {
            /// Whose.
            who: T::AccountId,
            /// From what.
            role: Role,
            /// What left, in planck.
            amount: Balance,
            /// The block from which it can be withdrawn.
            at: BlockNumber,
        },
        /// Unbonded funds are free again.
        Withdrawn {
            /// Whose.
            who: T::AccountId,
            /// From what.
            role: Role,
            /// What was released, in planck.
            amount: Balance,
        },
        /// What a fault may cost was taken out of a bond, and waits for what becomes of the case.
        Seized {
            /// Whose bond.
            who: T::AccountId,
            /// Which bond.
            role: Role,
            /// What was taken, in planck.
            amount: Balance,
        },
        /// Seized funds are the account's again: in its bond or, where it has left the role, free.
        GivenBack {
            /// Whose.
            who: T::AccountId,
            /// Of which bond they were.
            role: Role,
            /// How much, in planck.
            amount: Balance,
        },
        /// A bond paid the costs of somebody whom its owner had accused.
        Charged {
            /// Whose bond.
            who: T::AccountId,
            /// Which bond.
            role: Role,
            /// What was paid, in planck.
            amount: Balance,
            /// To whom.
            to: T::AccountId,
        },
        /// A provable fault cost funds that had been seized for it.
        Slashed {
            /// Whose bond.
            who: T::AccountId,
            /// Which bond.
            role: Role,
            /// What was taken, in planck.
            amount: Balance,
            /// The part of it that went to the harmed side, if there is one.
            to_harmed: Balance,
            /// The part of it that went to whoever has shown the fault, if somebody has. The rest went to the treasury, or was burned
            /// where the treasury could not receive it.
            to_reporter: Balance,
        },
        /// An account announced where it offers bytes, instead of what it had announced before.
        HostsSet {
            /// Which account.
            who: T::AccountId,
            /// All its hosts now, as ASCII; none where it took them back.
            urls: Urls,
        },
        /// An account registered, replaced or removed its encryption key.
        EncryptionKeySet {
            /// Which account.
            who: T::AccountId,
            /// The X25519 key until now, if there was one.
            old: Option<PublicKey>,
            /// The X25519 key from now on; `None` where it was removed.
            new: Option<PublicKey>,
        },
        /// A row was removed that was kept for the memory of a slash.
        Forgotten {
            /// Whose.
            who: T::AccountId,
            /// In which role.
            role: Role,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The account has no bond for this role. Call `bond` first.
        NotBonded,
        /// The bond would be smaller than the role's minimum. Bond more, or unbond everything.
        BelowMinimum,
        /// The part of the bond that is not at risk is smaller than the amount. Leave tasks, or bond more.
        InsufficientBond,
        /// Faults left less in the bond than what is at risk. Bond more before acting.
        NotCovered,
        /// Too many amounts are unbonding. Withdraw those that are due, or wait for one.
        TooManyUnbondings,
        /// Nothing that was unbonded is due. Wait for the block that `Unbonded` named.
        NothingDue,
        /// An amount of zero was given.
        ZeroAmount,
        /// A host is not printable ASCII that begins with `http://`, `https://` or `/` and goes on after it.
        InvalidUrl,
        /// The account has announced no hosts that could be removed.
        NoHosts,
        /// The key is a point of small order, with which everybody could read, or not in the encoding that its point has. Make one
        /// with a program that knows X25519.
        InvalidKey,
        /// The account has registered no key that could be removed.
        NoKey,
        /// The account has registered this key already.
        SameKey,
        /// The account has a bond, or funds that were seized, or its record still tells of a slash. Ask again when both are gone.
        StillKept,
    }

    /// Bonds with which a chain begins, as those of its first validators.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// For which role, whose, how much in planck: held from the balance that the account has at genesis.
        pub bonds: alloc::vec::Vec<(Role, T::AccountId, Balance)>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            for (role, who, amount) in &self.bonds {
                let bonded = Pallet::<T>::do_bond(who.clone(), *role, *amount);
                assert!(
                    bonded.is_ok(),
                    "{who:?} cannot bond {amount} planck at genesis: {bonded:?}"
                );
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::UnbondingPeriod::get() > T::Liability::get(),
                "UnbondingPeriod must be longer than the longest chain of deadlines that can still slash, or bonds leave before \
                 their faults are known"
            );
            let period = T::ReputationPeriod::get();
            assert!(
                period > 0 && T::UnbondingPeriod::get() / period >= 4,
                "a record must decay, and to less than a tenth before its account can have left and come back without it"
            );
            assert!(
                T::MinTrainerBond::get() > 0
                    && T::MinEvaluatorBond::get() > 0
                    && T::MinValidatorBond::get() > 0,
                "roles without a bond cost nothing to abuse"
            );
            assert!(
                T::HostDepositBase::get() > 0 && T::KeyDeposit::get() > 0,
                "rows without a deposit would stay for ever"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Bonds `amount` for a role, or adds it to the bond.
        ///
        /// - **Who, when:** any signed account, at any time.
        /// - **Costs:** the fee. `amount` is held (`TrainerBond`, `EvaluatorBond` or `ValidatorBond`) and can be slashed for provable
        ///   faults: a trainer's and an evaluator's once a task has put it at risk, a validator's at any time.
        /// - **Errors:** `ZeroAmount`; `BelowMinimum` where the bond would still be below the role's minimum; the token's own
        ///   where the free balance does not cover the amount.
        /// - **Events:** `Bonded`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::bond())]
        pub fn bond(origin: OriginFor<T>, role: Role, amount: Balance) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_bond(who, role, amount)
        }

        /// Takes `amount` out of the bond. It stays held, and can be slashed, for another `UnbondingPeriod`.
        ///
        /// - **Who, when:** an account with a bond for the role, at any time, for what is not at risk.
        /// - **Costs:** the fee.
        /// - **Errors:** `ZeroAmount`, `NotBonded`; `InsufficientBond` where the rest would not cover what is at risk;
        ///   `BelowMinimum` where something but less than the minimum would remain; `TooManyUnbondings`.
        /// - **Events:** `Unbonded`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::unbond())]
        pub fn unbond(origin: OriginFor<T>, role: Role, amount: Balance) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_unbond(who, role, amount)
        }

        /// Releases everything unbonded that is due, and removes the account's row where nothing is left.
        ///
        /// - **Who, when:** an account that has unbonded, `UnbondingPeriod` later.
        /// - **Costs:** the fee.
        /// - **Errors:** `NotBonded`, `NothingDue`.
        /// - **Events:** `Withdrawn`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::withdraw())]
        pub fn withdraw(origin: OriginFor<T>, role: Role) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_withdraw(who, role)
        }

        /// Announces where the account offers bytes, instead of what it had announced before. An empty list removes all.
        ///
        /// - **Who, when:** any signed account, with a bond or without, at any time.
        /// - **Costs:** the fee. `HostDepositBase` and `HostDepositPerByte` for each byte are held for each host (`HostDeposit`)
        ///   until it is removed or replaced; nothing can slash them.
        /// - **Errors:** `InvalidUrl`; `NoHosts` where an empty list finds nothing to remove; the token's own where the free balance
        ///   does not cover what is to be held in addition.
        /// - **Events:** `HostsSet`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::set_hosts())]
        pub fn set_hosts(origin: OriginFor<T>, urls: Urls) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_hosts(who, urls)
        }

        /// Registers the X25519 key to which bytes for this account are to be encrypted, replaces it, or with `None` removes it.
        ///
        /// What was encrypted to the old key stays readable with the old secret only: keep it for as long as that is needed.
        /// Grants of content stay as they are, but their owners have to encrypt anew before the new secret can read.
        ///
        /// - **Who, when:** any signed account, with a bond or without, at any time.
        /// - **Costs:** the fee. `KeyDeposit` is held (`KeyDeposit`) until the key is removed; nothing can slash it.
        /// - **Errors:** `InvalidKey`; `SameKey` where nothing would change; `NoKey` where there is none to remove; the token's own
        ///   where the free balance does not cover what is to be held in addition.
        /// - **Events:** `EncryptionKeySet`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::set_encryption_key())]
        pub fn set_encryption_key(origin: OriginFor<T>, key: Option<PublicKey>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_encryption_key(who, key)
        }

        /// Removes the row of an account that has left a role, and was kept to remember a slash.
        ///
        /// - **Who, when:** anybody, for any account, once nothing of it is held for the role, and nothing is left of the slashes in its
        ///   record: nine `ReputationPeriod`s after a single one.
        /// - **Costs:** nothing when it succeeds.
        /// - **Errors:** `NotBonded` where there is no row; `StillKept`.
        /// - **Events:** `Forgotten`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::forget())]
        pub fn forget(
            origin: OriginFor<T>,
            role: Role,
            account: T::AccountId,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_forget(account, role)?;
            Ok(Pays::No.into())
        }
    }
}
