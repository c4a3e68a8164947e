//! Pins: roots whose blocks are to be kept.
//!
//! A pin is a file with the name of its root that holds the name of the pin, in UTF-8 and without a line end. Stores of
//! before pins had names have empty files, which is the same as a pin without a name: the layout is the same in both directions.

use super::{
    Store,
    error::{At, StoreError},
    folder::{PINS, sync_folder},
    state::Hold,
    walk::Walk,
};
use decentralml_types::Cid;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::{MutexGuard, PoisonError},
};

/// Most bytes of a pin's name, as in Kubo.
pub const MAX_PIN_NAME: usize = 255;

impl Store {
    /// Pins a root with everything under it; all of it has to be here. Pinning twice is the same as once.
    pub fn pin(&self, cid: &Cid) -> Result<(), StoreError> {
        self.pin_named(cid, "")
    }

    /// [`Store::pin`] with a name of at most [`MAX_PIN_NAME`] bytes, which replaces an earlier one. Several pins may have the
    /// same name; the empty one is none, and takes an earlier name away, as in Kubo. The pin is on the disk after the blocks.
    pub fn pin_named(&self, cid: &Cid, name: &str) -> Result<(), StoreError> {
        check_name(name)?;
        let mut hold = Hold::new(&self.shared);
        let mut shards = BTreeSet::new();
        let meet = |cid: &Cid| {
            hold.add(cid.digest);
            shards.insert(cid.digest[0]);
            self.expect(cid)
        };
        Walk::default().follow(self, *cid, meet, |_, error| Err(error))?;
        self.sync_shards(&shards)?;
        // Aside, synced, renamed: the name that a file has is never half of one.
        let temporary = self.temporary_path(self.next_number());
        let written = File::create_new(&temporary).and_then(|mut file| {
            file.write_all(name.as_bytes())?;
            file.sync_all()
        });
        let path = self.pin_path(cid);
        let renamed = written.at(&temporary).and_then(|()| {
            let _alone = self.pinning();
            fs::rename(&temporary, &path).at(&path)
        });
        if renamed.is_err() {
            // What stays is swept when the store is opened again.
            let _ = fs::remove_file(&temporary);
        }
        renamed?;
        sync_folder(&self.root.join(PINS))?;
        drop(hold);
        Ok(())
    }

    /// Removes a pin; the blocks stay until [`Store::gc`].
    pub fn unpin(&self, cid: &Cid) -> Result<(), StoreError> {
        let path = self.pin_path(cid);
        let removed = {
            let _alone = self.pinning();
            fs::remove_file(&path)
        };
        match removed {
            Ok(()) => {
                self.shared.lock().unpinned();
                sync_folder(&self.root.join(PINS))
            }
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
        // A folder that is changed while it is read may not show all that was in it all the time.
        let _alone = self.pinning();
        for entry in fs::read_dir(&folder).at(&folder)? {
            let name = entry.at(&folder)?.file_name();
            match name.to_str().and_then(|name| name.parse().ok()) {
                Some(cid) => drop(pins.insert(cid)),
                None => tracing::warn!(file = ?name, "a file among the pins that is none"),
            }
        }
        Ok(pins)
    }

    /// The pinned roots with the names of their pins, empty where there is none.
    pub fn named_pins(&self) -> Result<BTreeMap<Cid, String>, StoreError> {
        let mut pins = BTreeMap::new();
        for cid in self.pins()? {
            if let Some(name) = self.pin_name(&cid)? {
                pins.insert(cid, name);
            }
        }
        Ok(pins)
    }

    /// The name of a pin, empty where it has none; `None` where there is no such pin.
    pub fn pin_name(&self, cid: &Cid) -> Result<Option<String>, StoreError> {
        let path = self.pin_path(cid);
        match read_name(&path) {
            Ok(name) => Ok(Some(name)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::io(&path, e)),
        }
    }

    fn pinning(&self) -> MutexGuard<'_, ()> {
        self.pinning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pin_path(&self, cid: &Cid) -> PathBuf {
        self.root.join(PINS).join(cid.to_string())
    }
}

/// Whether a pin may be called so.
pub(crate) fn check_name(name: &str) -> Result<(), StoreError> {
    match name.len() {
        0..=MAX_PIN_NAME => Ok(()),
        length => Err(StoreError::PinName(length)),
    }
}

/// A pin whose name has rotted is a pin without one.
fn read_name(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_PIN_NAME as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_PIN_NAME {
        bytes.clear();
    }
    Ok(String::from_utf8(bytes).unwrap_or_else(|_| {
        tracing::warn!(file = %path.display(), "the name of a pin is not readable");
        String::new()
    }))
}
