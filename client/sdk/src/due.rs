//! When a row of a round can be settled, as the chain decides it. Asking too early costs a fee.

use decentralml_types::{BlockNumber, CommitteeNumber, Phase};

use crate::record::{Round, Seat};

/// What can be done about a seat that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatStep {
    /// Nothing yet: its round lives, or another seat of the account has to be settled first.
    Wait,
    /// The round is settled, and the seat may still attest the next model: it is paid for that alone.
    Attest,
    /// A claim settles it.
    Claim,
}

impl Round {
    /// Whether a claim settles the updates of this round.
    ///
    /// The chain settles a commitment that was never revealed as soon as the reveals are over; before the round's end nobody
    /// gains by it.
    pub fn settles_updates(&self) -> bool {
        self.phase.is_final()
    }

    /// What can be done, in the block after `now`, about the seat of `committee` among `own`: all seats of one account in this
    /// round that are not settled.
    pub fn seat_step(
        &self,
        committee: CommitteeNumber,
        own: &[(CommitteeNumber, Seat)],
        now: BlockNumber,
    ) -> SeatStep {
        let Some((_, seat)) = own.iter().find(|(number, _)| *number == committee) else {
            return SeatStep::Wait;
        };
        // A bond stands for the latest seat that was not opened: the chain settles that one first.
        if own.iter().any(|(later, seat)| *later > committee && !seat.opened) {
            return SeatStep::Wait;
        }
        if committee < self.committee {
            return SeatStep::Claim;
        }
        if !self.phase.is_final() {
            return SeatStep::Wait;
        }
        let is_silent = seat.opened && seat.attested.is_none();
        if is_silent && self.phase == Phase::Settled {
            // A call that is sent now is executed in the next block, or later.
            return match now < self.deadline {
                true => SeatStep::Attest,
                false => SeatStep::Claim,
            };
        }
        SeatStep::Claim
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_types::{Cid, Codec, NextModel};

    fn round(phase: Phase, committee: CommitteeNumber) -> Round {
        Round {
            task: 0,
            number: 3,
            phase,
            deadline: 100,
            started_at: 0,
            base: None,
            state: None,
            sealed: false,
            committee,
            places: 0,
            seats: 0,
            updates: 0,
            accepted: 0,
            pot: 0,
            open_rows: 0,
            ended_at: None,
            failure: None,
            model: None,
        }
    }

    fn seat(opened: bool, attested: bool) -> Seat {
        let cid = Cid { codec: Codec::Raw, digest: [1; 32] };
        Seat {
            commitment: [0; 32],
            opened,
            attested: attested.then_some(NextModel::stateless(cid)),
        }
    }

    #[test]
    fn a_seat_is_claimed_once_its_round_is_over_and_an_absent_one_too() {
        let own = [(0, seat(true, true))];
        for phase in [Phase::Scoring, Phase::Verdict, Phase::Tallying, Phase::Aggregating] {
            assert_eq!(round(phase, 0).seat_step(0, &own, 50), SeatStep::Wait);
        }
        assert_eq!(round(Phase::Settled, 0).seat_step(0, &own, 50), SeatStep::Claim);
        let unopened = [(0, seat(false, false))];
        assert_eq!(round(Phase::Settled, 0).seat_step(0, &unopened, 50), SeatStep::Claim);
        assert_eq!(round(Phase::Void, 0).seat_step(0, &unopened, 50), SeatStep::Claim);
        assert_eq!(round(Phase::Settled, 0).seat_step(1, &unopened, 50), SeatStep::Wait);
    }

    #[test]
    fn a_silent_seat_attests_until_claims_expire_and_is_claimed_from_then_on() {
        let own = [(0, seat(true, false))];
        let settled = round(Phase::Settled, 0);
        assert_eq!(settled.seat_step(0, &own, 99), SeatStep::Attest);
        assert_eq!(settled.seat_step(0, &own, 100), SeatStep::Claim);
        assert_eq!(round(Phase::Void, 0).seat_step(0, &own, 50), SeatStep::Claim);
    }

    #[test]
    fn a_seat_of_a_replaced_committee_is_claimed_while_the_round_lives() {
        let own = [(0, seat(false, false))];
        assert_eq!(round(Phase::Scoring, 1).seat_step(0, &own, 50), SeatStep::Claim);
    }

    #[test]
    fn the_seat_that_stands_for_the_bond_is_settled_first() {
        let own = [(0, seat(true, false)), (1, seat(false, false))];
        let live = round(Phase::Verdict, 1);
        assert_eq!(live.seat_step(0, &own, 50), SeatStep::Wait);
        let over = round(Phase::Void, 1);
        assert_eq!(over.seat_step(0, &own, 50), SeatStep::Wait);
        assert_eq!(over.seat_step(1, &own, 50), SeatStep::Claim);
    }
}
