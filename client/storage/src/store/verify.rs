//! Whether all blocks are what they are called.

use super::{Store, error::StoreError, walk::Walk};
use crate::block::raw;
use decentralml_types::Cid;
use std::ops::ControlFlow;

/// Corrupt blocks that a [`Verified`] names; more are only counted.
const MAX_NAMED: usize = 1000;

/// What a check of the whole store has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Blocks that were looked at.
    pub blocks: u64,
    /// How many of them are corrupt or unreadable.
    pub corrupt: u64,
    /// The first thousand of these, as raw blocks: their files do not say what else they were.
    pub named: Vec<Cid>,
}

impl Store {
    /// Reads every block and holds it against its CID, one after the other. `progress` is told how many blocks were looked at
    /// and what is wrong with the last one, and can end it. Blocks that are added meanwhile may be left out.
    ///
    /// Corrupt blocks stay where they are: putting them again heals them, and they are served to nobody.
    pub fn verify(
        &self,
        mut progress: impl FnMut(u64, Option<&StoreError>) -> ControlFlow<()>,
    ) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        let mut ended = false;
        self.for_each_block(|digest| {
            if ended {
                return Ok(());
            }
            let fault = match self.get(&raw(digest)) {
                // It may have been known to be corrupt, and been repaired by hand.
                Ok(_) => {
                    self.shared.lock().found(&digest, true);
                    None
                }
                // Collected meanwhile.
                Err(StoreError::NotFound(_)) => return Ok(()),
                Err(fault) => Some(fault),
            };
            verified.blocks += 1;
            if fault.is_some() {
                verified.corrupt += 1;
                if verified.named.len() < MAX_NAMED {
                    verified.named.push(raw(digest));
                }
            }
            ended = progress(verified.blocks, fault.as_ref()).is_break();
            Ok(())
        })?;
        Ok(verified)
    }

    /// Looks for everything under each pin. `each` is told of every pin and of the first thousand blocks under it that are missing
    /// or known to be corrupt, none where it is whole, and can end it. Nodes are read; of leaves it is only seen that they are there.
    pub fn check_pins(
        &self,
        mut each: impl FnMut(&Cid, &[(Cid, StoreError)]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut walk = Walk::default();
        for root in self.pins()? {
            let mut faults = Vec::new();
            let lost = |cid: &Cid, error| {
                let error = super::collect::gone(error)?;
                if faults.len() < MAX_NAMED {
                    faults.push((*cid, error));
                }
                Ok(())
            };
            walk.follow(self, root, |cid| self.expect(cid), lost)?;
            // Unpinned since the list was made, and perhaps collected.
            if !faults.is_empty() && !self.is_pinned(&root) {
                continue;
            }
            if each(&root, &faults).is_break() {
                break;
            }
        }
        Ok(())
    }
}
