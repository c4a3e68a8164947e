//! Pins: roots whose blocks are to be kept.

use super::{
    Store,
    error::{At, StoreError},
    folder::{PINS, sync_folder},
};
use decentralml_types::Cid;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::ErrorKind,
    path::PathBuf,
};

impl Store {
    /// Pins a root with everything under it; all of it has to be here. Pinning twice is the same as once.
    pub fn pin(&self, cid: &Cid) -> Result<(), StoreError> {
        self.reachable([*cid])?;
        let path = self.pin_path(cid);
        // Nothing is written into the file, so it is there or not, whenever the power goes.
        File::create(&path).at(&path)?;
        sync_folder(&self.root.join(PINS))
    }

    /// Removes a pin; the blocks stay until something collects them.
    pub fn unpin(&self, cid: &Cid) -> Result<(), StoreError> {
        let path = self.pin_path(cid);
        match fs::remove_file(&path) {
            Ok(()) => sync_folder(&self.root.join(PINS)),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(StoreError::NotPinned(*cid)),
            Err(e) => Err(StoreError::io(&path, e)),
        }
    }

    /// Whether this very root is pinned.
    pub fn is_pinned(&self, cid: &Cid) -> bool {
        self.pin_path(cid).exists()
    }

    /// The pinned roots.
    pub fn pins(&self) -> Result<BTreeSet<Cid>, StoreError> {
        let folder = self.root.join(PINS);
        let mut pins = BTreeSet::new();
        for entry in fs::read_dir(&folder).at(&folder)? {
            let name = entry.at(&folder)?.file_name();
            match name.to_str().and_then(|name| name.parse().ok()) {
                Some(cid) => drop(pins.insert(cid)),
                None => tracing::warn!(file = ?name, "a file among the pins that is none"),
            }
        }
        Ok(pins)
    }

    fn pin_path(&self, cid: &Cid) -> PathBuf {
        self.root.join(PINS).join(cid.to_string())
    }
}
