//! What becomes of a validator that was reported.

use crate::{Cleared, Config, Event, Pallet, Sessions};
use decentralml_protocol::slashing;
use decentralml_traits::{Charge, Scene, Stakes, Tribunal};
use decentralml_types::{Fault, Role, SessionNumber};
use frame_support::{traits::Get, weights::Weight};
use sp_runtime::Perbill;
use sp_staking::offence::{OffenceDetails, OnOffenceHandler};

/// The fractions of the SDK's own rules are not used: what a fault costs is in the table of faults. The list has whoever was reported
/// for the same slot before as well, who is cleared; it has as many entries as there are validators, at most. Weighs nothing
/// by itself: the calls that report count it.
impl<T: Config> OnOffenceHandler<T::AccountId, (T::AccountId, ()), Weight> for Pallet<T> {
    fn on_offence(
        offenders: &[OffenceDetails<T::AccountId, (T::AccountId, ())>],
        _: &[Perbill],
        session: SessionNumber,
    ) -> Weight {
        for OffenceDetails { offender: (who, ()), reporters } in
            offenders.iter().take(T::MaxValidators::get() as usize)
        {
            Self::punish(who, reporters.first(), session);
        }
        Weight::zero()
    }
}

impl<T: Config> Pallet<T> {
    /// Whether what an account has done in a session was reported, and costs nothing more.
    pub fn is_cleared(who: &T::AccountId, session: SessionNumber) -> bool {
        Cleared::<T>::get(who).is_some_and(|cleared| session <= cleared)
    }

    fn punish(who: &T::AccountId, reporter: Option<&T::AccountId>, session: SessionNumber) {
        if Self::is_cleared(who, session) {
            return;
        }
        Cleared::<T>::insert(who, T::Sessions::current());
        T::Sessions::disable(who);
        let (role, fault) = (Role::Validator, Fault::Equivocated);
        let penalty = T::Penalties::get().of(fault);
        let amount = slashing::amount(penalty, T::Stakes::slashable(who, role));
        // Whoever reports itself is no reporter.
        let reporter = reporter.filter(|reporter| *reporter != who).cloned();
        let (accused, scene) = (who.clone(), Scene::Session(session));
        let charge = Charge { accused, role, fault, penalty, amount, scene, reporter };
        let seized = T::Tribunal::accuse(charge);
        Self::deposit_event(Event::Equivocated { who: who.clone(), session, seized });
    }
}
