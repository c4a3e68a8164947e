//! Tests by behavior.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answering;
mod attacks;
mod challenging;
mod concluding;
mod state;

use crate::{Blocks, Bytes, Error, Event, Path, Records, Stage, mock::*};
use frame_support::dispatch::DispatchResultWithPostInfo;
use sp_runtime::DispatchResult;

fn path(links: &[u16]) -> Path {
    Path::try_from(links.to_vec()).unwrap()
}

fn challenge(who: AccountId, trainer: AccountId, links: &[u16]) -> DispatchResult {
    Challenges::challenge(RuntimeOrigin::signed(who), TASK, ROUND, trainer, path(links))
}

fn blocks(blocks: &[&[u8]]) -> Blocks {
    let blocks: Vec<Bytes> =
        blocks.iter().map(|block| block.to_vec().try_into().unwrap()).collect();
    blocks.try_into().unwrap()
}

fn answer(who: AccountId, trainer: AccountId, with: &[&[u8]]) -> DispatchResultWithPostInfo {
    Challenges::answer(RuntimeOrigin::signed(who), TASK, ROUND, trainer, blocks(with))
}

fn conclude(who: AccountId, trainer: AccountId) -> DispatchResultWithPostInfo {
    Challenges::conclude(RuntimeOrigin::signed(who), TASK, ROUND, trainer)
}

fn stage(trainer: AccountId) -> Option<Stage<AccountId>> {
    Records::<Test>::get((TASK, ROUND, trainer)).map(|record| record.stage)
}
