//! The native token and fees.

use crate::*;
use frame_support::{
    PalletId, parameter_types,
    traits::{
        ConstU32, ConstU128, VariantCountOf,
        fungible::{Balanced, Credit},
        tokens::imbalance::{OnUnbalanced, ResolveTo},
    },
    weights::{
        ConstantMultiplier, WeightToFeeCoefficient, WeightToFeeCoefficients, WeightToFeePolynomial,
        constants::ExtrinsicBaseWeight,
    },
};
use pallet_transaction_payment::{ConstFeeMultiplier, FungibleAdapter, Multiplier};
use sp_runtime::{
    Perbill,
    traits::{AccountIdConversion, One},
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
