//! The numbers in which chains of the same code differ, fixed at genesis: a development chain makes a block each second, a
//! live one each six. No call changes them.

pub use pallet::*;

/// The longest epoch that a chain can have, in slots: a day of six-second ones. For as many as an equivocation can be reported in, bonds
/// have to stay.
pub const LONGEST_EPOCH: u64 = 14_400;

/// See the module's text.
#[allow(clippy::expect_used, reason = "what the macro expands to")]
#[frame_support::pallet]
pub mod pallet {
    use decentralml_types::BlockNumber;
    use frame_support::pallet_prelude::*;

    #[pallet::config]
    pub trait Config: frame_system::Config {}

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Milliseconds between blocks; a BABE slot.
    #[pallet::storage]
    pub type BlockTime<T> = StorageValue<_, u64, ValueQuery, DefaultBlockTime>;

    /// Slots in a BABE epoch, which is a session of validators.
    #[pallet::storage]
    pub type EpochLength<T> = StorageValue<_, u64, ValueQuery, DefaultEpochLength>;

    /// Blocks in which an accused may appeal to the council.
    #[pallet::storage]
    pub type AppealWindow<T> = StorageValue<_, BlockNumber, ValueQuery, DefaultAppealWindow>;

    /// Blocks in which the council may judge an appeal.
    #[pallet::storage]
    pub type JudgmentPeriod<T> = StorageValue<_, BlockNumber, ValueQuery, DefaultJudgmentPeriod>;

    /// Blocks in which a challenge can be answered.
    #[pallet::storage]
    pub type AnswerPeriod<T> = StorageValue<_, BlockNumber, ValueQuery, DefaultAnswerPeriod>;

    /// Six seconds.
    #[pallet::type_value]
    pub fn DefaultBlockTime() -> u64 {
        6_000
    }

    /// One hour of six-second slots.
    #[pallet::type_value]
    pub fn DefaultEpochLength() -> u64 {
        600
    }

    /// Two days of six-second blocks.
    #[pallet::type_value]
    pub fn DefaultAppealWindow() -> BlockNumber {
        28_800
    }

    /// Five days of six-second blocks.
    #[pallet::type_value]
    pub fn DefaultJudgmentPeriod() -> BlockNumber {
        72_000
    }

    /// One hour of six-second blocks.
    #[pallet::type_value]
    pub fn DefaultAnswerPeriod() -> BlockNumber {
        600
    }

    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Milliseconds between blocks; 0 leaves the default of 6,000.
        pub block_time: u64,
        /// Slots in an epoch, 14,400 at most; 0 leaves the default of 600.
        pub epoch_length: u64,
        /// Blocks to appeal; 0, and whatever is longer, leaves the default of 28,800: bonds stay slashable for long enough for that.
        pub appeal_window: BlockNumber,
        /// Blocks to judge an appeal; 0, and whatever is longer, leaves the default of 72,000.
        pub judgment_period: BlockNumber,
        /// Blocks to answer a challenge; 0 leaves the default of 600.
        pub answer_period: BlockNumber,
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            if self.block_time > 0 {
                BlockTime::<T>::put(self.block_time);
            }
            if self.epoch_length > 0 {
                EpochLength::<T>::put(self.epoch_length.min(super::LONGEST_EPOCH));
            }
            if self.appeal_window > 0 {
                AppealWindow::<T>::put(self.appeal_window.min(DefaultAppealWindow::get()));
            }
            if self.judgment_period > 0 {
                JudgmentPeriod::<T>::put(self.judgment_period.min(DefaultJudgmentPeriod::get()));
            }
            if self.answer_period > 0 {
                AnswerPeriod::<T>::put(self.answer_period);
            }
        }
    }
}
