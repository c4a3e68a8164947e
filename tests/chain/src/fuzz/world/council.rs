//! What the council sets and releases, by its majority, as on a live chain.

use super::{COUNCIL, World, settings};
use crate::{fuzz::step::Setting, invariants::ensure};
use codec::Encode;
use decentralml_runtime::*;
use decentralml_types::{TaskId, spec::Text};
use pallet_parameters::Current;
use sp_io::hashing::blake2_256;
use sp_runtime::DispatchResult;

impl World {
    pub(super) fn vote(&mut self, task: TaskId, version: u32, recall: bool) -> Result<(), String> {
        // One that can be released or recalled, if there is any.
        let fits = |model: &pallet_models::ModelVersion| match model.status {
            pallet_models::Release::Candidate => !recall,
            pallet_models::Release::Released { .. } => recall,
            pallet_models::Release::Recalled { .. } => false,
        };
        let mut fitting =
            pallet_models::Versions::<Runtime>::iter().filter(|(.., model)| fits(model));
        let fitting = self.chain.read(|| fitting.next());
        let (task, version) = fitting.map_or((task, version), |(task, version, _)| (task, version));
        if recall {
            let reason = Text::truncate_from(b"it was wrong".to_vec());
            let recall = pallet_models::Call::recall { task, version, reason };
            self.by_council("Models.recall", recall).map(drop)
        } else {
            let release = pallet_models::Call::release { task, version };
            self.by_council("Models.release", release).map(drop)
        }
    }

    /// The parameters are set where they are sound, and otherwise refused by the name of what they break, and stay as they were.
    pub(super) fn govern(&mut self, setting: Setting) -> Result<(), String> {
        let before = self.chain.read(Current::<Runtime>::get);
        let (parameters, refusal) = settings::of(setting);
        let call = pallet_parameters::Call::set_parameters { parameters };
        let result = self.by_council("Parameters.set_parameters", call)?;
        let (should, holds) = match refusal {
            Some(error) => (Err(error.into()), before),
            None => (Ok(()), parameters),
        };
        ensure(result == should, || format!("parameters: {setting:?} led to {result:?}"))?;
        let now = self.chain.read(Current::<Runtime>::get);
        ensure(now == holds, || format!("parameters: after {setting:?} others hold: {now:?}"))?;
        if result.is_err() {
            self.coverage.happened("parameters refused");
        }
        Ok(())
    }

    /// What two of three members propose and agree on; says what it came to.
    fn by_council(
        &mut self,
        title: &str,
        call: impl Into<RuntimeCall>,
    ) -> Result<DispatchResult, String> {
        use pallet_collective::{Call, Event, ProposalCount};
        let call = call.into();
        // Nobody does it alone.
        self.call(COUNCIL[0], call.clone())?;
        let index = self.chain.read(ProposalCount::<Runtime, configs::CouncilInstance>::get);
        let length_bound = call.encoded_size() as u32;
        let proposal_weight_bound =
            frame_support::dispatch::GetDispatchInfo::get_dispatch_info(&call).call_weight;
        let proposal_hash = blake2_256(&call.encode()).into();
        let proposal = Box::new(call);
        self.call(COUNCIL[0], Call::propose { threshold: 2, proposal, length_bound })?;
        for who in [COUNCIL[0], COUNCIL[1]] {
            let vote = Call::vote { proposal: proposal_hash, index, approve: true };
            self.call(who, vote)?;
        }
        let close = Call::close { proposal_hash, index, proposal_weight_bound, length_bound };
        self.call(COUNCIL[2], close)?;
        let executed = |event| match event {
            RuntimeEvent::Council(Event::Executed { result, .. }) => Some(result),
            _ => None,
        };
        let result = self.chain.events().into_iter().find_map(executed);
        let result =
            result.ok_or_else(|| format!("council: {title} was agreed on, and not tried"))?;
        if result.is_ok() {
            self.coverage.calls.entry(title.into()).or_default().succeeded += 1;
        }
        Ok(result)
    }
}
