//! What is kept, and until when: labels in the names of pins, so that a host finds them again after a restart.
//!
//! The name of such a pin is `upload:LABEL,LABEL…`. A pin with another name is somebody else's and stays as it is.

use super::MAX_LABEL;
use crate::{Store, StoreError};
use decentralml_types::Cid;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// How the names of our pins begin.
const MARK: &str = "upload:";

/// The pins of a host.
#[derive(Debug)]
pub(super) struct Shelf {
    store: Arc<Store>,
    /// Held while a name is read and replaced.
    alone: Mutex<()>,
}

/// Whether something may be kept under it.
pub(super) fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b',';
    (1..=MAX_LABEL).contains(&text.len()) && text.bytes().all(plain)
}

/// The labels in the name of a pin, if it is one of ours.
fn labels(name: &str) -> Option<BTreeSet<&str>> {
    Some(name.strip_prefix(MARK)?.split(',').filter(|label| is_label(label)).collect())
}

fn name(labels: &BTreeSet<&str>) -> String {
    let labels: Vec<_> = labels.iter().copied().collect();
    format!("{MARK}{}", labels.join(","))
}

impl Shelf {
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, alone: Mutex::new(()) }
    }

    /// Whether it is kept, under this label or by somebody else.
    pub fn has(&self, cid: &Cid, label: &str) -> Result<bool, StoreError> {
        let name = self.store.pin_name(cid)?;
        Ok(name.is_some_and(|name| labels(&name).is_none_or(|labels| labels.contains(label))))
    }

    /// Keeps a DAG, all of which has to be here; false where its label has been released meanwhile.
    pub fn keep(&self, cid: &Cid, label: &str, released: &AtomicBool) -> Result<bool, StoreError> {
        let _alone = self.alone();
        if released.load(Ordering::SeqCst) {
            return Ok(false);
        }
        let found = self.store.pin_name(cid)?.unwrap_or_else(|| MARK.into());
        if let Some(mut labels) = labels(&found) {
            labels.insert(label);
            self.store.pin_named(cid, &name(&labels))?;
        }
        Ok(true)
    }

    /// Takes a label from all pins and removes those that have no other; returns how many these were.
    pub fn release(&self, label: &str) -> Result<usize, StoreError> {
        let _alone = self.alone();
        let mut removed = 0;
        for (cid, found) in self.store.named_pins()? {
            let Some(mut labels) = labels(&found).filter(|labels| labels.contains(label)) else {
                continue;
            };
            labels.remove(label);
            if labels.is_empty() {
                self.store.unpin(&cid)?;
                removed += 1;
            } else {
                self.store.pin_named(&cid, &name(&labels))?;
            }
        }
        Ok(removed)
    }

    /// All that is kept.
    pub fn kept(&self) -> Result<BTreeMap<Cid, BTreeSet<String>>, StoreError> {
        let pins = self.store.named_pins()?.into_iter();
        Ok(pins
            .filter_map(|(cid, name)| {
                let labels = labels(&name)?.into_iter().map(str::to_owned).collect();
                Some((cid, labels))
            })
            .collect())
    }

    /// No panic leaves a name half made.
    fn alone(&self) -> MutexGuard<'_, ()> {
        self.alone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn a_dag_stays_until_its_last_label_is_released() {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::open(folder.path().join("store")).unwrap());
        let shelf = Shelf::new(store.clone());
        let cid = store.add(&b"update"[..], false).unwrap().cid;
        let mine = store.add_named(&b"mine"[..], Some("mine")).unwrap().cid;
        let free = AtomicBool::new(false);
        for (cid, label) in [(&cid, "1/2"), (&cid, "1/3"), (&cid, "1/3"), (&mine, "1/2")] {
            assert!(shelf.keep(cid, label, &free).unwrap());
            assert!(shelf.has(cid, label).unwrap());
        }
        assert!(!shelf.has(&cid, "1/4").unwrap());
        assert_eq!(store.pin_name(&cid).unwrap().unwrap(), "upload:1/2,1/3");
        assert_eq!(
            shelf.kept().unwrap().len(),
            1,
            "what is somebody else's is not ours to release"
        );

        assert_eq!(shelf.release("1/2").unwrap(), 0);
        assert!(store.is_pinned(&cid) && !shelf.has(&cid, "1/2").unwrap());
        assert_eq!(shelf.release("1/3").unwrap(), 1);
        assert!(!store.is_pinned(&cid));
        assert_eq!(store.pin_name(&mine).unwrap().unwrap(), "mine");
        assert!(!shelf.keep(&cid, "1/3", &AtomicBool::new(true)).unwrap());
        assert!(!store.is_pinned(&cid));
    }

    #[test]
    fn labels_fit_into_the_name_of_a_pin() {
        assert!(is_label("7/3") && is_label(&"x".repeat(MAX_LABEL)));
        for text in ["", "a,b", "a b", "\u{fc}", &"x".repeat(MAX_LABEL + 1)] {
            assert!(!is_label(text), "{text}");
        }
    }
}
