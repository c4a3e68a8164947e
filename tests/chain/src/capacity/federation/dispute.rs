//! A round with challenges and a case.

use super::{Federation, See, bytes};
use anyhow::Result;
use decentralml_runtime::*;
use frame_support::BoundedVec;

impl Federation {
    /// Plays a round to its end in which two trainers are challenged: one answers, and the other does not, appeals against the
    /// accusation and is found guilty. All rows of it are settled. Shown are the calls about challenges and cases.
    ///
    /// # Errors
    ///
    /// A call fails.
    pub fn dispute(&mut self, see: &mut See<'_>) -> Result<()> {
        let quiet = &mut |_: &mut _, _, _: &_, _: &_| Ok(());
        let (task, sponsor) = (self.task, Self::sponsor(self.enrolled));
        let opened = self.train(quiet)?;
        let round = opened.round;
        let [honest, silent] = [0, 1].map(|index: usize| opened.trainers.get(index).cloned());
        let (Some(honest), Some(silent)) = (honest, silent) else {
            anyhow::bail!("a round needs two trainers to be challenged")
        };

        let challenge = |trainer: &AccountId| {
            let (trainer, path) = (trainer.clone(), BoundedVec::new());
            pallet_challenges::Call::challenge { task, round, trainer, path }
        };
        self.make("challenges.challenge", &sponsor, challenge(&honest), see)?;
        let blocks =
            BoundedVec::truncate_from(vec![BoundedVec::truncate_from(bytes(round).to_vec())]);
        let answer =
            pallet_challenges::Call::answer { task, round, trainer: honest.clone(), blocks };
        self.make("challenges.answer", &honest, answer, see)?;
        self.make("challenges.challenge, another", &sponsor, challenge(&silent), see)?;

        let played = self.judge(opened, quiet)?;
        let period = self.chain.read(<Runtime as pallet_challenges::Config>::AnswerPeriod::get);
        self.chain.skip(period + 1);
        let case = self.chain.read(pallet_disputes::NextCase::<Runtime>::get);
        let conclude = pallet_challenges::Call::conclude { task, round, trainer: silent.clone() };
        self.make("challenges.conclude", &sponsor, conclude, see)?;
        self.claim(&played, quiet)?;

        let appeal = pallet_disputes::Call::appeal { case };
        self.make("disputes.appeal", &silent, appeal, see)?;
        for member in Self::council(self.enrolled) {
            let vote = pallet_disputes::Call::vote { case, guilty: true };
            self.make("disputes.vote", &member, vote, see)?;
        }
        let conclude = pallet_disputes::Call::conclude { case };
        self.make("disputes.conclude", &sponsor, conclude, see)
    }

    fn make(
        &mut self,
        name: &'static str,
        who: &AccountId,
        call: impl Into<RuntimeCall>,
        see: &mut See<'_>,
    ) -> Result<()> {
        let call = call.into();
        see(&mut self.chain, name, who, &call)?;
        self.chain.dispatch(who, call).map(drop)
    }
}
