//! Opinion: scores, the accepted set, the agreed aggregate, and what everybody gets.
//!
//! ```text
//!   Scoring              Verdict           Tallying                Aggregating         Settled, Void
//!   commit_scores(hash)  open_scores(…) ─► median per update  ─►   attest(CID, ─►      claim
//!   by each seat                           running score,          metric, state)      claim_seat
//!                                          accepted or not         two thirds agree
//! ```
//!
//! A seat commits to its scores before any are known, so it cannot copy another's: a commitment names its account. The median
//! of the opened scores is added to the trainer's running score in the task; updates whose running score is positive are
//! accepted, and share the round's reward in proportion to what they are worth in this round. The rules are those of `decentralml_protocol`.
//!
//! Nothing is paid in a loop: everybody's row of a round is settled by `claim` or `claim_seat`, which anybody may call for
//! anybody, pays or accuses, and removes the row. What becomes of an accusation is decided elsewhere. Running scores stay until the task is over; then anybody may `forget` them.
//!
//! # What it does not guarantee
//!
//! With half of the opened seats hostile, medians are theirs. Findings that bytes are missing or malformed cost a bond only in
//! rounds that settle: where no committee agreed on a model, it is not trusted with a verdict on bonds either. Scores of a
//! completed tally stay in the running scores though the round be void, unless another committee tallies the round anew.

#![cfg_attr(not(feature = "std"), no_std)]

pub use pallet::*;

mod assay;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod committee;
mod judgment;
#[cfg(test)]
mod mock;
mod settlement;
mod tally;
#[cfg(test)]
mod tests;
mod try_state;
pub mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::{BenchmarkHelper, Scene};
pub use types::{
    Attestation, CommitteeState, Due, History, RoundShares, Seat, Sheet, Stage, Standing, Tally,
    Trend, Verdict,
};
pub use weights::WeightInfo;

#[frame_support::pallet]
#[allow(clippy::expect_used, reason = "what the macro expands to")]
pub mod pallet {
    use super::*;
    use decentralml_protocol::clock::MAX_REDRAWS;
    use decentralml_traits::{
        Bonds, Challenges, Clock, Escrow, Evidence, Golds, Reputation, Roster, Tariff, Tribunal,
    };
    use decentralml_types::{
        Balance, Cid, CommitteeNumber, Fault, Hash, NextModel, Opinions, Outcome, Ppm, Role,
        RoundNumber, Salt, Score, TaskId,
        limits::{MAX_TRAINERS, TALLY_BATCH},
    };
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash: Into<Hash>>
    {
        /// Where the bonds are kept that seats act with.
        type Bonds: Bonds<Self::AccountId>;
        /// The updates whose bytes somebody demands.
        type Challenges: Challenges<Self::AccountId>;
        /// The rounds and their phases.
        type Clock: Clock<Self::AccountId>;
        /// The money that is paid out.
        type Escrow: Escrow<Self::AccountId>;
        /// The updates that are judged.
        type Evidence: Evidence<Self::AccountId>;
        /// The gold results among them.
        type Golds: Golds;
        /// Where it is remembered how accounts act.
        type Reputation: Reputation<Self::AccountId>;
        /// Who is drawn.
        type Roster: Roster<Self::AccountId>;
        /// What faults cost.
        type Tariff: Tariff;
        /// Where faults are brought.
        type Tribunal: Tribunal<Self::AccountId>;
        /// What the calls cost.
        type WeightInfo: WeightInfo;
        /// Prepares the other pallets for the benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// The committees of rounds. All numbers are assigned by the chain, so cheap hashers are safe. The task's deposit pays for
    /// the row; it goes with the committee's last seat, or, where no seat has acted, when the task's next committee is drawn
    /// or its history is removed.
    #[pallet::storage]
    pub type Committees<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, TaskId>,
            NMapKey<Twox64Concat, RoundNumber>,
            NMapKey<Twox64Concat, CommitteeNumber>,
        ),
        CommitteeState<T::AccountId>,
    >;

    /// Seats that have committed. Accounts are chosen by their owners, hence the cryptographic hasher. The task's deposit pays
    /// for the row; it goes when it is settled.
    #[pallet::storage]
    pub type Seats<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, TaskId>,
            NMapKey<Twox64Concat, RoundNumber>,
            NMapKey<Twox64Concat, CommitteeNumber>,
            NMapKey<Blake2_128Concat, T::AccountId>,
        ),
        Seat,
    >;

    /// Opened scores, cut into sheets of `TALLY_BATCH` updates so that a batch of the tally reads no more than it counts.
    /// Paid for and removed with the seat.
    #[pallet::storage]
    pub type Sheets<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, TaskId>,
            NMapKey<Twox64Concat, RoundNumber>,
            NMapKey<Twox64Concat, CommitteeNumber>,
            NMapKey<Twox64Concat, u32>,
            NMapKey<Blake2_128Concat, T::AccountId>,
        ),
        Sheet,
    >;

    /// What was found about a trainer's update. The task's deposit pays for the row; it goes when the trainer is settled.
    #[pallet::storage]
    pub type Verdicts<T: Config> = StorageNMap<
        _,
        (
            NMapKey<Twox64Concat, TaskId>,
            NMapKey<Twox64Concat, RoundNumber>,
            NMapKey<Blake2_128Concat, T::AccountId>,
        ),
        Verdict,
    >;

    /// By what a round's reward is divided. Paid for by the task's deposit; it goes with the last revealed update's row.
    #[pallet::storage]
    pub type Shares<T: Config> =
        StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, RoundNumber, RoundShares>;

    /// Running scores. They outlive rounds, and are removed by [`Pallet::forget`] once the task is over. The task's deposit,
    /// which is not released before, pays for the row.
    #[pallet::storage]
    pub type Running<T: Config> =
        StorageDoubleMap<_, Twox64Concat, TaskId, Blake2_128Concat, T::AccountId, Standing>;

    /// What is remembered of a task over its rounds. It goes with the last running score, or, where there is none, with the
    /// task.
    #[pallet::storage]
    pub type Histories<T: Config> = StorageMap<_, Twox64Concat, TaskId, History>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A seat committed to its scores.
        ScoresCommitted {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// The committee.
            committee: CommitteeNumber,
            /// Who.
            who: T::AccountId,
        },
        /// A seat opened its scores.
        ScoresOpened {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// The committee.
            committee: CommitteeNumber,
            /// Who.
            who: T::AccountId,
        },
        /// An update was judged.
        Judged {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Whose update it is.
            trainer: T::AccountId,
            /// The median of its scores; 0 where most seats found it faulty.
            score: Score,
            /// The trainer's running score, this round included.
            running: Score,
            /// What becomes of it.
            outcome: Outcome,
        },
        /// All updates of a round are judged.
        Tallied {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// The committee.
            committee: CommitteeNumber,
            /// Updates that enter the aggregate.
            accepted: u32,
        },
        /// A seat attested the next model.
        Attested {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// The committee.
            committee: CommitteeNumber,
            /// Who.
            who: T::AccountId,
            /// The model.
            cid: Cid,
            /// The state of the server's optimizer after it, where the task's has one.
            state: Option<Cid>,
            /// Its metric on the validation set.
            metric: Ppm,
        },
        /// An account earned something by its part in a round. `tasks.Paid`, or `tasks.PaymentOwed`, says in what, and whether it got it.
        Rewarded {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Who.
            who: T::AccountId,
            /// As what.
            role: Role,
            /// How much.
            amount: Balance,
        },
        /// An account is accused of a fault in a round. What that may cost was taken out of its bond, and waits in a case.
        Accused {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Who.
            who: T::AccountId,
            /// As what.
            role: Role,
            /// For what.
            fault: Fault,
            /// What was taken, which is less than the fault costs where less was left; where nothing was, there is no case.
            amount: Balance,
        },
        /// An account's part in a round is settled without pay or punishment.
        Closed {
            /// The task.
            task: TaskId,
            /// The round.
            round: RoundNumber,
            /// Who.
            who: T::AccountId,
            /// As what.
            role: Role,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such task or round.
        NoRound,
        /// The round named is not the task's current one.
        NotCurrentRound,
        /// The round is in another phase.
        WrongPhase,
        /// The phase's deadline has passed. Anybody may call `tasks.advance` now.
        TooLate,
        /// The committee is not open.
        NoCommittee,
        /// The committee named is not the one at work.
        WrongCommittee,
        /// The seat has committed already.
        AlreadyCommitted,
        /// The account can still lose its bond for a seat of an earlier committee of the round. Settle it with `claim_seat` first.
        EarlierSeatAtRisk,
        /// The account has not committed as a seat of the committee at work.
        NotCommitted,
        /// The seat has opened its scores already.
        AlreadyOpened,
        /// The seat has not opened its scores, so its attestation does not count.
        NotOpened,
        /// There must be one opinion for each revealed update.
        WrongLength,
        /// A score is larger in magnitude than the protocol's limit, `MAX_SCORE`.
        ScoreOutOfRange,
        /// The commitment is another one: opinions, salt or account differ from what was committed to.
        Mismatch,
        /// The seat has attested already.
        AlreadyAttested,
        /// A metric is in parts per million: at most 1,000,000.
        InvalidMetric,
        /// The account has nothing to be settled in this round.
        NothingToClaim,
        /// The round has settled with another model or state, and attesting this one would only cost the bond.
        Outvoted,
        /// It is not decided yet what the account gets: wait for the end of the phase or of the round; for an update that is
        /// challenged, answer, or conclude the challenge (pallet `challenges`); where gold results were announced, until they are revealed
        /// or could have been (pallet `golds`); for a seat that has not attested, wait for the end of
        /// the time to claim, and settle the account's seat of a later committee first.
        TooEarly,
        /// The task is not over: running scores are needed.
        TaskNotOver,
        /// The account has no running score in the task.
        NothingToForget,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                MAX_TRAINERS.is_multiple_of(TALLY_BATCH),
                "the opinions of a full round must fill whole sheets"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    /// So many reads for each other committee of the round in which the account may have a seat; the benchmarks have but one.
    fn other_seats<T: Config>(reads: u64) -> Weight {
        T::DbWeight::get().reads(reads.saturating_mul(MAX_REDRAWS.into()))
    }

    /// What it takes to see that nothing of an earlier round can be slashed: the round, and for each of its committees the seat, the
    /// committee, and the seats of those that came after it.
    fn earlier_round<T: Config>() -> Weight {
        let committees = u64::from(MAX_REDRAWS).saturating_add(1);
        T::DbWeight::get().reads_writes(committees.saturating_mul(3).saturating_add(1), 1)
    }

    /// What it takes more to let a challenge lapse: its record, and the bond that is held for it. No benchmark opens one.
    fn lapse<T: Config>() -> Weight {
        T::DbWeight::get().reads_writes(3, 3)
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Commits to scores: `hash` is that of `decentralml_types::commitment::ScoresCommitment`, which binds the committee. It is named
        /// so that a commitment that comes late cannot enter the next committee, where nobody could open it.
        ///
        /// By an account that is drawn into the committee at work and whose bond is covered, once in phase Scoring of the task's
        /// current round. Free when it succeeds. From now on the seat loses its bond in the task if it does not open its scores;
        /// it cannot leave the task before the seat is settled, nor commit in another round before the scores are opened or the
        /// seat is settled. The last seat's commitment ends the phase.
        ///
        /// Errors: `NoRound`, `NotCurrentRound`, `WrongPhase`, `TooLate`, `WrongCommittee`, `AlreadyCommitted`, `EarlierSeatAtRisk`, and
        /// those of the draw, the bond and the place (`StillAtRisk`). Event: `ScoresCommitted`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::commit_scores().saturating_add(other_seats::<T>(2)).saturating_add(earlier_round::<T>()))]
        pub fn commit_scores(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            committee: CommitteeNumber,
            hash: Hash,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_commit_scores(&who, task, round, committee, hash)?;
            Self::deposit_event(Event::ScoresCommitted { task, round, committee, who });
            T::Clock::acted(task);
            Ok(Pays::No.into())
        }

        /// Opens scores: one opinion for each revealed update, in the order of the reveals.
        ///
        /// By a seat that committed to them, once in phase Verdict of the task's current round. Free when it succeeds. The last
        /// seat's scores end the phase. From now on nothing of this seat can be slashed until it attests, but for being wrong about gold
        /// results; it is paid its fee if
        /// its committee settles the round and it attests the same model as the quorum. Who has committed to opinions of another number, or
        /// to scores beyond `MAX_SCORE`, can never open them.
        ///
        /// Errors: `NoRound`, `NotCurrentRound`, `WrongPhase`, `TooLate`, `NotCommitted`, `AlreadyOpened`, `WrongLength`,
        /// `ScoreOutOfRange`, `Mismatch`. Event: `ScoresOpened`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::open_scores((opinions.len() as u32).div_ceil(TALLY_BATCH)))]
        pub fn open_scores(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            opinions: Opinions,
            salt: Salt,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let committee = Self::do_open_scores(&who, task, round, &opinions, salt)?;
            Self::deposit_event(Event::ScoresOpened { task, round, committee, who });
            T::Clock::acted(task);
            Ok(Pays::No.into())
        }

        /// Attests the next model: its bytes, its metric on the validation set in parts per million, and the bytes of the state of the
        /// server's optimizer after it, `None` where the task's has no state. Seats agree where both the model and the state do.
        ///
        /// By a seat that has opened its scores, once, in phase Aggregating of the task's current round. Free when it succeeds.
        /// The attestation that completes the quorum settles the round; those of the same model that come later are still taken, until
        /// the time to claim has passed.
        ///
        /// From now on the seat loses a part of its bond in the task if the round settles with another model or state: aggregation is
        /// exact, so whoever computes what the specification says agrees. Then it cannot commit in another one before its seat is settled.
        /// Who doubts its own result stays silent, which costs nothing but the fee.
        ///
        /// Errors: `NoRound`, `NotCurrentRound`, `WrongPhase`, `TooLate`, `NotCommitted`, `NotOpened`, `AlreadyAttested`, `InvalidMetric`,
        /// `Outvoted`, and that of the place (`StillAtRisk`).
        /// Event: `Attested`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::attest())]
        pub fn attest(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            cid: Cid,
            metric: Ppm,
            state: Option<Cid>,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let next = NextModel { cid, state };
            let committee = Self::do_attest(&who, task, round, Attestation { next, metric })?;
            Self::deposit_event(Event::Attested {
                task,
                round,
                committee,
                who,
                cid,
                state,
                metric,
            });
            T::Clock::acted(task);
            Ok(Pays::No.into())
        }

        /// Settles a trainer's part in a round: pays an accepted update its share of the reward, accuses of a fault, and removes
        /// the row.
        ///
        /// By anybody, for any trainer that committed: once the round is over, or, for a commitment that was not revealed, once
        /// phase Revealing is. Free when it succeeds. Accepted updates of a settled round are paid until the time to claim has
        /// passed. Faults are commitments not revealed, unless the round ended before the end of Revealing or was cancelled or
        /// expired, and, in a settled round, updates that the committee found missing or malformed. What a fault costs is taken out
        /// of the bond and waits in a case (pallet `disputes`), in which the accused may appeal.
        ///
        /// Where the sponsor has announced gold results, revealed updates wait until it has revealed them, or could have (`TooEarly`). One
        /// that was known to be bad, and found so, is paid `TaskSpec::gold_pay`.
        ///
        /// In a settled round an update that is challenged waits until the challenge is answered or concluded (`TooEarly`). One for which
        /// nobody has answered is not paid for: its trainer is accused already, and is not accused of anything else in the round. In a
        /// void round a challenge lapses with the claim.
        ///
        /// Errors: `NoRound`, `NothingToClaim`, `TooEarly`. Event: `Rewarded`, `Accused` or `Closed`.
        #[pallet::call_index(3)]
        #[pallet::weight(
            T::WeightInfo::claim_unrevealed()
                .max(T::WeightInfo::claim_faulty())
                .saturating_add(lapse::<T>())
        )]
        pub fn claim(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            account: T::AccountId,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_claim(&account, task, round)?;
            Ok(Pays::No.into())
        }

        /// Settles a seat's part in a round: pays its fee, less what its distance from the medians takes of it, accuses of scores that were
        /// not opened and of another model attested than the settled one, and removes the row.
        ///
        /// By anybody, for any seat that committed: once the round is over, or, where the committee was replaced, at once; scores
        /// not opened also once phase Verdict is over; a seat of a settled round that has not attested only once the time to claim
        /// has passed. Free when it succeeds. The fee is paid until the time to claim has passed. Where an account has not
        /// opened its scores in a later committee of the round, that seat is settled first.
        ///
        /// Where the sponsor has announced gold results, seats of the last committee wait until it has revealed them, or could have
        /// (`TooEarly`). Who was wrong about two of them is accused instead of paid, whatever it has attested, in a void round as well.
        ///
        /// Errors: `NoRound`, `NothingToClaim`, `TooEarly`. Event: `Rewarded`, `Accused` or `Closed`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::claim_seat().saturating_add(other_seats::<T>(1)))]
        pub fn claim_seat(
            origin: OriginFor<T>,
            task: TaskId,
            round: RoundNumber,
            committee: CommitteeNumber,
            account: T::AccountId,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_claim_seat(&account, task, round, committee)?;
            Ok(Pays::No.into())
        }

        /// Removes an account's running score in a task that is over; with the last one goes what is remembered of the task.
        ///
        /// By anybody, for any account. Free when it succeeds. What the account can claim is not touched. A task can be reaped
        /// only once all of its running scores are removed.
        ///
        /// Errors: `TaskNotOver`, `NothingToForget`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::forget())]
        pub fn forget(
            origin: OriginFor<T>,
            task: TaskId,
            account: T::AccountId,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_forget(&account, task)?;
            Ok(Pays::No.into())
        }
    }
}
