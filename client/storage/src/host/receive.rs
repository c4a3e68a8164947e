//! The body of an upload into the store.

use super::{
    STEP,
    desk::{Desk, working},
    fault::Fault,
    sections::Sections,
    upload::{Room, Turn, Upload},
};
use crate::{Block, Store, StoreError, pace::Pace};
use axum::body::BodyDataStream;
use futures::StreamExt;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout, timeout_at};

/// Bytes of blocks that are made durable in one go, and how many blocks at most.
const GROUP_BYTES: usize = 4 << 20;
const GROUP_BLOCKS: usize = 256;

/// What is still taken after an error, so that the answer is not lost in a connection that is reset.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 << 20;

/// How a body has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// All of the DAG is here and kept.
    Complete,
    /// The body has ended before it, at this offset.
    Part(u64),
}

/// Takes what comes until the DAG is complete. What is whole of it is in the store afterwards, whatever has happened.
pub(super) async fn receive(
    desk: &Arc<Desk>,
    turn: &mut Turn,
    room: Room,
    pieces: &mut BodyDataStream,
) -> Result<Received, Fault> {
    // Until it is put back the next request has to look for itself.
    let Some(mut progress) = turn.progress.take() else { return Err(Fault::failed()) };
    let mut sections = Sections::new(turn.upload.cid, &progress, room);
    let limit = desk.limits.step_timeout;
    let mut pace = Pace::new(STEP, limit);
    let (mut group, mut bytes) = (Vec::new(), 0);
    let ended = loop {
        match sections.next(&mut progress) {
            Ok(Some(block)) => {
                bytes += block.data().len();
                group.push(block);
                if bytes >= GROUP_BYTES || group.len() >= GROUP_BLOCKS {
                    write(desk.store(), std::mem::take(&mut group)).await?;
                    bytes = 0;
                }
                continue;
            }
            Ok(None) => {}
            Err(fault) => break Err(fault),
        }
        if progress.is_complete() {
            break Ok(true);
        }
        turn.waiting(true);
        let next = tokio::select! {
            biased;
            fault = turn.ended() => break Err(fault),
            next = timeout_at(pace.wait(Instant::now()), pieces.next()) => next,
        };
        turn.waiting(false);
        match next {
            Err(_) => break Err(Fault::stalled(limit)),
            Ok(None) => break Ok(false),
            Ok(Some(Err(error))) => break Err(Fault::cut(&error)),
            Ok(Some(Ok(piece))) => {
                pace.moved(Instant::now(), piece.len() as u64);
                sections.push(&piece);
            }
        }
    };
    write(desk.store(), group).await?;
    let offset = progress.offset;
    *turn.progress = Some(progress);
    if !ended? {
        return Ok(Received::Part(offset));
    }
    keep(desk, turn).await?;
    Ok(Received::Complete)
}

/// Takes and drops what is still sent, for a while.
pub(super) async fn linger(mut pieces: BodyDataStream) {
    let drain = async {
        let mut bytes = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            bytes += piece.len();
            if bytes > LINGER_BYTES {
                break;
            }
        }
    };
    let _ = timeout(LINGER, drain).await;
}

/// Makes blocks durable. The lease of the upload keeps them, since what is above them is here before. Where there is no room, what
/// nobody has a lease of or a pin on goes first: a process before this one may have left uploads that have not come to their end.
async fn write(store: &Arc<Store>, group: Vec<Block>) -> Result<(), Fault> {
    if group.is_empty() {
        return Ok(());
    }
    let store = store.clone();
    working(move || {
        let written = store.with_room(|| {
            let mut batch = store.batch();
            group.iter().try_for_each(|block| batch.put(block))?;
            batch.commit()
        });
        drop(written?);
        Ok(())
    })
    .await
}

/// Pins what is complete.
async fn keep(desk: &Arc<Desk>, turn: &mut Turn) -> Result<(), Fault> {
    // Nothing of it is needed any more.
    *turn.progress = None;
    let (desk, upload) = (desk.clone(), turn.upload.clone());
    let kept = working(move || {
        let Upload { cid, label, seat: (_, _, account), .. } = &*upload;
        match desk.shelf().keep(cid, label, account, upload.released()) {
            Ok(true) => {
                upload.kept();
                Ok(())
            }
            Ok(false) => Err(Fault::released()),
            // Taken away by hand, or rotten: what is there has to be looked for again.
            Err(StoreError::NotFound(_) | StoreError::Corrupt { .. }) => {
                Err(Fault::offset(0, "a block was lost; ask again for the offset"))
            }
            Err(error) => Err(error.into()),
        }
    });
    kept.await
}
