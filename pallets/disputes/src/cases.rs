//! How a case begins and ends.

use crate::{Ballots, Case, Cases, Config, Error, Event, NextCase, Pallet};
use decentralml_protocol::slashing;
use decentralml_traits::{Bonds, Charge, Clock, Escrow, Receivers, Reputation, Scene, Tribunal};
use decentralml_types::{Balance, BlockNumber, CaseId, Conduct, Ruling, TaskId};
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use sp_runtime::traits::BlockNumberProvider;

/// Who gets the harmed side's part.
pub(crate) struct Harmed<AccountId> {
    /// Where it goes.
    pub account: AccountId,
    /// The task whose account that is; `None` where it is the sponsor's.
    pub task: Option<TaskId>,
}

impl<T: Config> Tribunal<T::AccountId> for Pallet<T> {
    fn accuse(charge: Charge<T::AccountId>) -> Balance {
        let amount = T::Bonds::seize(&charge.accused, charge.role, charge.amount);
        if amount == 0 {
            return 0;
        }
        let case = NextCase::<T>::get();
        NextCase::<T>::put(case.saturating_add(1));
        let sponsor = charge.scene.task().and_then(T::Clock::sponsor);
        let deadline = Self::now().saturating_add(T::AppealWindow::get());
        let charge = Charge { amount, ..charge };
        let (percent, least) = (T::AppealPercent::get(), T::AppealBond::get());
        let stake = slashing::appeal_bond(amount, percent, least);
        let costs = slashing::appeal_costs(stake, T::AppealCosts::get());
        let row = Case { charge: charge.clone(), sponsor, stake, costs, appeal: None, deadline };
        Cases::<T>::insert(case, row);
        let Charge { accused, role, fault, amount, scene, reporter, .. } = charge;
        Self::deposit_event(match scene {
            Scene::Round { task, round } => Event::Opened {
                case,
                accused,
                role,
                fault,
                task,
                round,
                amount,
                reporter,
                deadline,
            },
            Scene::Session(session) => Event::OpenedInSession {
                case,
                accused,
                role,
                fault,
                session,
                amount,
                reporter,
                deadline,
            },
        });
        amount
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_conclude(case: CaseId) -> DispatchResult {
        let row = Cases::<T>::get(case).ok_or(Error::<T>::UnknownCase)?;
        let due = Self::now() >= row.deadline;
        let ruling = match row.appeal {
            None => {
                ensure!(due, Error::<T>::TooEarly);
                None
            }
            Some(_) => {
                let ruling = slashing::ruling(Self::votes(case), due);
                Some(ruling.ok_or(Error::<T>::TooEarly)?)
            }
        };
        Cases::<T>::remove(case);
        Ballots::<T>::remove(case);
        if slashing::is_executed(row.charge.fault, ruling) {
            Self::execute(case, row, ruling);
        } else {
            Self::free(case, row, ruling);
        }
        Ok(())
    }

    fn execute(case: CaseId, row: Case<T::AccountId>, ruling: Option<Ruling>) {
        let bond_lost = match row.appeal {
            Some(bond) if ruling == Some(Ruling::Guilty) => Self::forfeit_appeal(&row, bond),
            Some(bond) => Self::return_appeal(&row, bond),
            None => 0,
        };
        let Charge { accused, role, penalty, amount, scene, ref reporter, .. } = row.charge;
        let split = slashing::split(penalty, amount);
        let harmed = Self::harmed(scene, &row.sponsor);
        let task = harmed.as_ref().and_then(|harmed| harmed.task);
        let receivers = Receivers {
            harmed: harmed.map(|harmed| (harmed.account, split.to_task)),
            reporter: reporter.clone().map(|reporter| (reporter, split.to_reporter)),
        };
        // Before the bond is gone, and perhaps its row.
        T::Reputation::note(&accused, role, Conduct::Slashed);
        let forfeited = T::Bonds::forfeit(&accused, role, amount, receivers);
        if let Some(task) = task {
            T::Escrow::recovered(task, forfeited.to_harmed);
        }
        Self::deposit_event(Event::Executed {
            case,
            accused,
            ruling,
            amount,
            to_harmed: forfeited.to_harmed,
            to_reporter: forfeited.to_reporter,
            bond_lost,
        });
    }

    fn free(case: CaseId, row: Case<T::AccountId>, ruling: Option<Ruling>) {
        if let Some(bond) = row.appeal {
            Self::return_appeal(&row, bond);
        }
        let Charge { accused, role, fault, amount, reporter, .. } = row.charge;
        T::Bonds::give_back(&accused, role, amount);
        let reporter = reporter.filter(|_| slashing::reporter_answers(fault));
        let costs = match ruling {
            Some(Ruling::Freed) => Self::pay_costs(&accused, reporter.as_ref(), row.costs),
            _ => 0,
        };
        Self::deposit_event(Event::Freed { case, accused, ruling, amount, costs });
    }

    /// Who was harmed: the task or, where it is gone, its sponsor. Nobody, where there was no task.
    pub(crate) fn harmed(
        scene: Scene,
        sponsor: &Option<T::AccountId>,
    ) -> Option<Harmed<T::AccountId>> {
        let task = scene.task()?;
        match T::Clock::status(task) {
            Some(_) => Some(Harmed { account: T::Escrow::account(task), task: Some(task) }),
            None => sponsor.clone().map(|account| Harmed { account, task: None }),
        }
    }

    pub(crate) fn now() -> BlockNumber {
        T::BlockNumberProvider::current_block_number()
    }
}
