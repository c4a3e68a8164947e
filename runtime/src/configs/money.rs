//! The native token, assets of anybody's making, and fees.

use crate::*;
use decentralml_types::Asset;
use frame_support::{
    PalletId, parameter_types,
    traits::{
        AsEnsureOriginWithArg, ConstU32, ConstU128, VariantCountOf,
        fungible::{Balanced, Credit, UnionOf},
        tokens::imbalance::{OnUnbalanced, ResolveTo},
    },
    weights::{
        ConstantMultiplier, WeightToFeeCoefficient, WeightToFeeCoefficients, WeightToFeePolynomial,
        constants::ExtrinsicBaseWeight,
    },
};
use frame_system::{EnsureRoot, EnsureSigned};
use pallet_assets::{AssetIdAllocator, NextAssetId};
use pallet_transaction_payment::{ConstFeeMultiplier, FungibleAdapter, Multiplier};
use sp_runtime::{
    Either, Perbill,
    traits::{AccountIdConversion, Convert, One},
};

parameter_types! {
    /// Receives fees and its part of slashes. The council will spend from it.
    pub TreasuryAccount: AccountId = PalletId(*b"dml/trsy").into_account_truncating();
}

impl pallet_balances::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
    type Balance = Balance;
    type DustRemoval = ResolveTo<TreasuryAccount, Balances>;
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type AccountStore = System;
    type ReserveIdentifier = [u8; 8];
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ConstU32<50>;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
}

parameter_types! {
    /// For an asset, from who creates it.
    pub const AssetDeposit: Balance = UNIT;
    /// For an account that is to hold an asset before it owns any.
    pub const AssetAccountDeposit: Balance = 10 * MILLIUNIT;
    /// For an asset's name, symbol and decimals, and each byte of them.
    pub const MetadataDepositBase: Balance = 10 * MILLIUNIT;
    pub const MetadataDepositPerByte: Balance = MILLIUNIT / 10;
    /// For each account that may spend from another.
    pub const ApprovalDeposit: Balance = EXISTENTIAL_DEPOSIT;
}

/// Assets are numbered one after the other, and no number comes back: a task whose asset is destroyed never finds another one
/// under its number.
pub struct InOrder;

impl AssetIdAllocator<u32> for InOrder {
    fn next() -> Option<u32> {
        Some(NextAssetId::<Runtime>::get().unwrap_or_default())
    }

    fn advance() -> Result<(), ()> {
        Self::advance_from(&NextAssetId::<Runtime>::get().unwrap_or_default())
    }

    fn advance_from(id: &u32) -> Result<(), ()> {
        let next = NextAssetId::<Runtime>::get().unwrap_or_default();
        if *id < next {
            return Err(());
        }
        NextAssetId::<Runtime>::put(id.checked_add(1).ok_or(())?);
        Ok(())
    }
}

impl pallet_assets::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Balance = Balance;
    type AssetId = u32;
    type AssetIdParameter = u32;
    type AssetIdAllocator = InOrder;
    type ReserveData = ();
    type Currency = Balances;
    type CreateOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
    type ForceOrigin = EnsureRoot<AccountId>;
    type AssetDeposit = AssetDeposit;
    type AssetAccountDeposit = AssetAccountDeposit;
    type MetadataDepositBase = MetadataDepositBase;
    type MetadataDepositPerByte = MetadataDepositPerByte;
    type ApprovalDeposit = ApprovalDeposit;
    type StringLimit = ConstU32<50>;
    type RemoveItemsLimit = ConstU32<1_000>;
    type Freezer = ();
    type Holder = ();
    type Extra = ();
    type CallbackHandle = ();
    type WeightInfo = pallet_assets::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = ();
}

/// Which pallet keeps what a task pays in.
pub struct Keeper;

impl Convert<Asset, Either<(), u32>> for Keeper {
    fn convert(asset: Asset) -> Either<(), u32> {
        match asset {
            Asset::Native => Either::Left(()),
            Asset::Id(id) => Either::Right(id),
        }
    }
}

/// The native token and every asset.
pub type Funds = UnionOf<Balances, Assets, Keeper, Asset, AccountId>;

/// A plain transaction costs about a thousandth of a token.
pub struct WeightToFee;

impl WeightToFeePolynomial for WeightToFee {
    type Balance = Balance;

    fn polynomial() -> WeightToFeeCoefficients<Balance> {
        let base = Balance::from(ExtrinsicBaseWeight::get().ref_time());
        [WeightToFeeCoefficient {
            degree: 1,
            negative: false,
            coeff_frac: Perbill::from_rational(MILLIUNIT % base, base),
            coeff_integer: MILLIUNIT / base,
        }]
        .into_iter()
        .collect()
    }
}

parameter_types! {
    pub FeeMultiplier: Multiplier = Multiplier::one();
    pub const TransactionByteFee: Balance = MILLIUNIT / 1_000;
}

/// Fees and tips go to the treasury: nothing is burned, so the sum of all accounts stays what it was.
pub struct ToTreasury;

impl OnUnbalanced<Credit<AccountId, Balances>> for ToTreasury {
    fn on_nonzero_unbalanced(credit: Credit<AccountId, Balances>) {
        // The treasury exists from genesis on, so this cannot fail; what could not be resolved would be burned.
        let _ = <Balances as Balanced<AccountId>>::resolve(&TreasuryAccount::get(), credit);
    }
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, ToTreasury>;
    type WeightToFee = WeightToFee;
    type LengthToFee = ConstantMultiplier<Balance, TransactionByteFee>;
    type FeeMultiplierUpdate = ConstFeeMultiplier<FeeMultiplier>;
    type OperationalFeeMultiplier = frame_support::traits::ConstU8<5>;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
