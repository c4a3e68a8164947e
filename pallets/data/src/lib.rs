//! # Data
//!
//! What may be read by whom: an owner registers the CID of bytes that it has encrypted, and grants them to accounts.
//!
//! ```text
//!              register             retire: granted to nobody
//!   ciphertext ────────► Content ───────────────────────────► removed
//!                         │   ▲
//!                   grant │   │ revoke: for the future only
//!                         ▼   │
//!                         Grant
//! ```
//!
//! The bytes are encrypted outside the chain, to the keys of those that a grant names: data sets that their owners share, and
//! whatever else only some may read. The chain keeps who that is, so that everybody can see it, and what the plain bytes hash to,
//! so that whoever has decrypted them can see that they are the right ones. Each record costs its owner a deposit for as long as
//! it stays.
//!
//! Example: a hospital encrypts its scans to the keys of three laboratories, stores the ciphertext in IPFS, calls
//! `register(cid, sha2_256(scans), length)`, and `grant(cid, laboratory)` for each of the three.
//!
//! What it does not guarantee: that only accounts with a grant can read. That is for the owner's encryption to ensure: anybody
//! may fetch the ciphertext, and a grant alone decrypts nothing. Who could read once can read for ever, whatever is revoked. Nor
//! that the owner is the author: whoever registers a CID first owns its record, and an author whom somebody has forestalled
//! encrypts again, which gives another CID. Nor that the hash and the size are true. And the hash is public: whoever can guess the
//! plain bytes can see that the guess is right, so bytes with little in them want something random added before they are hashed.

#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod contents;
mod deposits;
mod grants;
mod try_state;
mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use types::{Content, Grant};
pub use weights::WeightInfo;

#[allow(clippy::expect_used, reason = "what the macro expands to")]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use decentralml_traits::Keyring;
    use decentralml_types::{Balance, BlockNumber, Cid};
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
        /// The token that deposits are held in.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + hold::Inspect<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + hold::Mutate<Self::AccountId>;

        /// The runtime's hold reasons, ours among them.
        type RuntimeHoldReason: From<HoldReason>;

        /// What tells the time.
        type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

        /// Who can be encrypted to.
        type Keyring: Keyring<Self::AccountId>;

        /// The deposit for registered content, in planck.
        #[pallet::constant]
        type ContentDeposit: Get<Balance>;

        /// The deposit for a grant, in planck.
        #[pallet::constant]
        type GrantDeposit: Get<Balance>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;

        /// What the benchmarks need of the other pallets.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// Registered content.
    ///
    /// A digest can be any bytes that its sender likes, hence a cryptographic hasher. The owner pays with a deposit, and retires its
    /// content.
    #[pallet::storage]
    pub type Contents<T: Config> =
        StorageMap<_, Blake2_128Concat, Cid, crate::Content<T::AccountId>, OptionQuery>;

    /// To whom content is granted.
    ///
    /// Hashed as [`Contents`] are. The owner of the content pays with a deposit, and revokes the grant.
    #[pallet::storage]
    pub type Grants<T: Config> = StorageDoubleMap<
        _,
        Blake2_128Concat,
        Cid,
        Blake2_128Concat,
        T::AccountId,
        crate::Grant,
        OptionQuery,
    >;

    /// Why funds are held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The deposits for content that an account has registered.
        ContentDeposit,
        /// The deposits for grants of an account's content.
        GrantDeposit,
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Content was registered.
        Registered {
            /// The encrypted bytes.
            cid: Cid,
            /// Who may grant, revoke and retire.
            owner: T::AccountId,
            /// SHA2-256 of the plain bytes, as the owner says.
            plain_hash: [u8; 32],
            /// Length of the plain bytes, as the owner says.
            size: u64,
        },
        /// The owner grants content to an account.
        Granted {
            /// The encrypted bytes.
            cid: Cid,
            /// Who may read them.
            account: T::AccountId,
            /// The file with the content's key, encrypted to the account's.
            envelope: Cid,
        },
        /// The owner no longer grants content to an account. What the account could read until now it still can.
        Revoked {
            /// The encrypted bytes.
            cid: Cid,
            /// Whose grant ended.
            account: T::AccountId,
        },
        /// The owner took its content's record back.
        Retired {
            /// The encrypted bytes.
            cid: Cid,
            /// Who had registered them.
            owner: T::AccountId,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// Somebody has registered this CID already. Encrypt again: that gives another one.
        AlreadyRegistered,
        /// Nobody has registered this CID, or it was retired.
        UnknownContent,
        /// The content belongs to another account.
        NotOwner,
        /// The account has a grant already.
        AlreadyGranted,
        /// The account has registered no key that could be encrypted to. It calls `participants.set_encryption_key` first.
        NoEncryptionKey,
        /// The account has no grant.
        NotGranted,
        /// The content is granted to somebody. Revoke all grants first.
        StillGranted,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::ContentDeposit::get() > 0 && T::GrantDeposit::get() > 0,
                "records without a deposit would stay for ever"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Registers encrypted bytes. `plain_hash` is the SHA2-256 of the plain bytes and `size` their length; the chain believes
        /// both.
        ///
        /// - **Who, when:** any signed account, at any time, for a CID that nobody has registered.
        /// - **Costs:** the fee. `ContentDeposit` is held (`ContentDeposit`) until the content is retired; nothing can slash it.
        /// - **Errors:** `AlreadyRegistered`; the token's own where the free balance does not cover the deposit.
        /// - **Events:** `Registered`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(
            origin: OriginFor<T>,
            cid: Cid,
            plain_hash: [u8; 32],
            size: u64,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_register(who, cid, plain_hash, size)
        }

        /// Grants content to an account.
        ///
        /// The grant says that the account may read. That it can, the owner sees to: `envelope` is a small file with the content's key,
        /// encrypted to the key of the account, so one encryption of the content does for all who are ever granted it.
        ///
        /// - **Who, when:** the owner of the content, at any time, for an account with an encryption key.
        /// - **Costs:** the fee. `GrantDeposit` is held from the owner (`GrantDeposit`) until the grant is revoked; nothing can slash
        ///   it.
        /// - **Errors:** `UnknownContent`, `NotOwner`, `AlreadyGranted`, `NoEncryptionKey`; the token's own where the free balance
        ///   does not cover the deposit.
        /// - **Events:** `Granted`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::grant())]
        pub fn grant(
            origin: OriginFor<T>,
            cid: Cid,
            account: T::AccountId,
            envelope: Cid,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_grant(who, cid, account, envelope)
        }

        /// Ends a grant.
        ///
        /// A revocation only covers the future: what is encrypted from now on need not be encrypted to this account. What was
        /// encrypted to its key it can still read, and may have read, kept or passed on already; no call can take that back.
        ///
        /// - **Who, when:** the owner of the content, at any time, whether the account still has a key or not.
        /// - **Costs:** the fee. The grant's deposit is free again.
        /// - **Errors:** `UnknownContent`, `NotOwner`, `NotGranted`.
        /// - **Events:** `Revoked`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::revoke())]
        pub fn revoke(origin: OriginFor<T>, cid: Cid, account: T::AccountId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_revoke(who, cid, account)
        }

        /// Takes the record of content back. The bytes stay wherever somebody keeps them, and anybody may register the CID again.
        ///
        /// - **Who, when:** the owner of the content, at any time, once it is granted to nobody.
        /// - **Costs:** the fee. The content's deposit is free again.
        /// - **Errors:** `UnknownContent`, `NotOwner`, `StillGranted`.
        /// - **Events:** `Retired`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::retire())]
        pub fn retire(origin: OriginFor<T>, cid: Cid) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_retire(who, cid)
        }
    }
}
