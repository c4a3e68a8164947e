//! All of an account in a round that one state tells.

use decentralml_types::{Balance, CommitteeNumber, Phase, Role};

use super::{
    Part,
    money::{Amounts, signed},
};
use crate::{
    AccountBalance, Case, Challenged, Commitment, Enrollment, Member, ReadError, Seat, Verdict,
    View,
};

/// What is compared to find the blocks in which something changed. The number of transactions and the phase only go up, and what the
/// account does raises the first: so no step is followed by its own undoing unseen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Snapshot {
    nonce: u64,
    native: AccountBalance,
    asset: Balance,
    phase: Option<(CommitteeNumber, Phase)>,
    members: [Option<Member>; 3],
    enrollments: [Option<Enrollment>; 2],
    commitment: Option<Commitment>,
    verdict: Option<Verdict>,
    challenged: Option<Challenged>,
    seats: Vec<(CommitteeNumber, Seat)>,
    /// Gold results of the round that are hidden. Phases lie between those that add some and those in which some go.
    golds: usize,
    /// A vote and an end that move no money of the account are steps as well.
    cases: Vec<Case>,
}

impl Snapshot {
    pub async fn read(view: &View, part: &Part<'_>) -> Result<Self, ReadError> {
        let (task, number, who) = (part.task.id, part.round.number, &part.account);
        let asset = async {
            match part.asset() {
                Some(asset) => view.asset_balance(asset, who).await,
                None => Ok(0),
            }
        };
        let (nonce, native, asset, round) = futures::try_join!(
            view.nonce(who),
            view.balance(who),
            asset,
            view.round(task, number),
        )?;
        let (trainer, evaluator, validator, trains, judges) = futures::try_join!(
            view.member(Role::Trainer, who),
            view.member(Role::Evaluator, who),
            view.member(Role::Validator, who),
            view.enrollment(task, Role::Trainer, who),
            view.enrollment(task, Role::Evaluator, who),
        )?;
        let (commitment, verdict, challenged, seats, cases) = futures::try_join!(
            view.commitment(task, number, who),
            view.verdict(task, number, who),
            view.challenged(task, number, who),
            view.own_seats(task, &part.round, who),
            part.cases(view),
        )?;
        let golds = match &round {
            Some(round) => view.golds(round).await?.len(),
            None => 0,
        };
        Ok(Self {
            nonce,
            native,
            asset,
            phase: round.map(|round| (round.committee, round.phase)),
            members: [trainer, evaluator, validator],
            enrollments: [trains, judges],
            commitment,
            verdict,
            challenged,
            seats,
            golds,
            cases,
        })
    }

    /// What the account has.
    pub fn amounts(&self) -> Amounts {
        let AccountBalance { free, reserved, .. } = self.native;
        Amounts { free: signed(free), held: signed(reserved), asset: signed(self.asset) }
    }

    /// Whether there is no such account.
    pub fn is_empty(&self) -> bool {
        let nothing = Amounts::default();
        self.nonce == 0
            && self.amounts() == nothing
            && self.enrollments.iter().all(Option::is_none)
            && self.members.iter().all(Option::is_none)
    }
}
