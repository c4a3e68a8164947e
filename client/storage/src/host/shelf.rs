//! What is kept, and until when: labels in the names of pins, so that a host finds them again after a restart.
//!
//! The name of such a pin is `upload:ENTRY,ENTRY…`, an entry `LABEL@TAG` or `LABEL`. The tag names the account that handed it over, so that
//! a host still knows after a restart how many CIDs an account has used up. Where a name has no room for tags, it does without: many
//! accounts have handed over the same bytes then. A pin with another name is somebody else's and stays as it is.

use super::MAX_LABEL;
use crate::{Store, StoreError, store::MAX_PIN_NAME};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use decentralml_types::Cid;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// How the names of our pins begin.
const MARK: &str = "upload:";

/// Bytes of an account in its tag: too many to find another account with the same ones.
const TAG_BYTES: usize = 9;

/// The pins of a host.
#[derive(Debug)]
pub(super) struct Shelf {
    store: Arc<Store>,
    /// Held while a name is read and replaced. `None` until the pins were read.
    taken: Mutex<Option<Taken>>,
}

/// What each account has handed over under each label, of what is kept.
type Taken = HashMap<(String, String), BTreeSet<Cid>>;

/// What it is kept for: a label, and the tag of who handed it over where there is one.
type Entry<'a> = (&'a str, Option<&'a str>);

/// Whether something may be kept under it.
pub(super) fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b',' | b'@');
    (1..=MAX_LABEL).contains(&text.len()) && text.bytes().all(plain)
}

fn tag(account: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(&account[..TAG_BYTES])
}

/// The entries in the name of a pin, if it is one of ours.
fn entries(name: &str) -> Option<BTreeSet<Entry<'_>>> {
    let entry = |text| match str::split_once(text, '@') {
        Some((label, tag)) => (label, Some(tag)),
        None => (text, None),
    };
    let all = name.strip_prefix(MARK)?.split(',').map(entry);
    Some(all.filter(|(label, _)| is_label(label)).collect())
}

/// The labels in the name of a pin, if it is one of ours.
fn labels(name: &str) -> Option<BTreeSet<&str>> {
    Some(entries(name)?.into_iter().map(|(label, _)| label).collect())
}

/// A name for these entries, with the tags if there is room for them.
fn name(entries: &BTreeSet<Entry<'_>>) -> String {
    let text = |entry: &Entry<'_>| match entry {
        (label, Some(tag)) => format!("{label}@{tag}"),
        (label, None) => (*label).to_owned(),
    };
    let tagged: Vec<String> = entries.iter().map(text).collect();
    let tagged = format!("{MARK}{}", tagged.join(","));
    if tagged.len() <= MAX_PIN_NAME {
        return tagged;
    }
    let labels: BTreeSet<&str> = entries.iter().map(|(label, _)| *label).collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    format!("{MARK}{}", labels.join(","))
}

impl Shelf {
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, taken: Mutex::default() }
    }

    /// Whether it is kept, under this label or by somebody else.
    pub fn has(&self, cid: &Cid, label: &str) -> Result<bool, StoreError> {
        let name = self.store.pin_name(cid)?;
        Ok(name.is_some_and(|name| labels(&name).is_none_or(|labels| labels.contains(label))))
    }

    /// Keeps a DAG of this account, all of which has to be here; false where its label has been released meanwhile.
    pub fn keep(
        &self,
        cid: &Cid,
        label: &str,
        account: &[u8; 32],
        released: &AtomicBool,
    ) -> Result<bool, StoreError> {
        let mut alone = self.alone();
        if released.load(Ordering::SeqCst) {
            return Ok(false);
        }
        let found = self.store.pin_name(cid)?.unwrap_or_else(|| MARK.into());
        if let Some(mut entries) = entries(&found) {
            let tag = tag(account);
            entries.insert((label, Some(&tag)));
            self.store.pin_named(cid, &name(&entries))?;
            if let Some(taken) = &mut *alone {
                taken.entry((label.to_owned(), tag)).or_default().insert(*cid);
            }
        }
        Ok(true)
    }

    /// What this account has handed over under a label, of what is kept. Reads the pins when it is called first.
    pub fn taken(&self, label: &str, account: &[u8; 32]) -> Result<BTreeSet<Cid>, StoreError> {
        let mut alone = self.alone();
        let taken = match &mut *alone {
            Some(taken) => taken,
            none => none.insert(self.read_taken()?),
        };
        Ok(taken.get(&(label.to_owned(), tag(account))).cloned().unwrap_or_default())
    }

    fn read_taken(&self) -> Result<Taken, StoreError> {
        let mut taken = Taken::new();
        for (cid, name) in self.store.named_pins()? {
            for (label, tag) in entries(&name).unwrap_or_default() {
                if let Some(tag) = tag {
                    taken.entry((label.to_owned(), tag.to_owned())).or_default().insert(cid);
                }
            }
        }
        Ok(taken)
    }

    /// Takes a label from all pins and removes those that have no other; returns how many these were.
    pub fn release(&self, label: &str) -> Result<usize, StoreError> {
        let mut alone = self.alone();
        if let Some(taken) = &mut *alone {
            taken.retain(|(other, _), _| other != label);
        }
        let mut removed = 0;
        for (cid, found) in self.store.named_pins()? {
            let Some(mut entries) = entries(&found) else { continue };
            let before = entries.len();
            entries.retain(|(other, _)| *other != label);
            if entries.len() == before {
                continue;
            }
            if entries.is_empty() {
                self.store.unpin(&cid)?;
                removed += 1;
            } else {
                self.store.pin_named(&cid, &name(&entries))?;
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
    fn alone(&self) -> MutexGuard<'_, Option<Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
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
            assert!(shelf.keep(cid, label, &[0; 32], &free).unwrap());
            assert!(shelf.has(cid, label).unwrap());
        }
        assert!(!shelf.has(&cid, "1/4").unwrap());
        assert_eq!(
            store.pin_name(&cid).unwrap().unwrap(),
            "upload:1/2@AAAAAAAAAAAA,1/3@AAAAAAAAAAAA"
        );
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
        assert!(!shelf.keep(&cid, "1/3", &[0; 32], &AtomicBool::new(true)).unwrap());
        assert!(!store.is_pinned(&cid));
    }

    #[test]
    fn what_an_account_has_handed_over_is_known_after_a_restart_until_its_label_is_released() {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::open(folder.path().join("store")).unwrap());
        let free = AtomicBool::new(false);
        let cids = [b"a", b"b", b"c"].map(|data| store.add(&data[..], false).unwrap().cid);
        let [mine, other] = [[1; 32], [2; 32]];
        {
            let shelf = Shelf::new(store.clone());
            assert!(shelf.taken("1/2", &mine).unwrap().is_empty());
            shelf.keep(&cids[0], "1/2", &mine, &free).unwrap();
            shelf.keep(&cids[0], "1/2", &other, &free).unwrap();
            shelf.keep(&cids[1], "1/2", &mine, &free).unwrap();
            shelf.keep(&cids[2], "1/3", &mine, &free).unwrap();
            assert_eq!(shelf.taken("1/2", &mine).unwrap(), [cids[0], cids[1]].into());
        }
        let shelf = Shelf::new(store.clone());
        assert_eq!(shelf.taken("1/2", &mine).unwrap(), [cids[0], cids[1]].into());
        assert_eq!(shelf.taken("1/2", &other).unwrap(), [cids[0]].into());
        assert_eq!(shelf.release("1/2").unwrap(), 2);
        assert!(shelf.taken("1/2", &mine).unwrap().is_empty());
        assert_eq!(shelf.taken("1/3", &mine).unwrap(), [cids[2]].into());
        assert!(!store.is_pinned(&cids[0]) && store.is_pinned(&cids[2]));
    }

    #[test]
    fn names_of_before_there_were_tags_are_read_and_crowded_ones_do_without() {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Store::open(folder.path().join("store")).unwrap());
        let cid = store.add_named(&b"zeros"[..], Some("upload:1/1")).unwrap().cid;
        let shelf = Shelf::new(store.clone());
        let free = AtomicBool::new(false);
        for account in 0..40 {
            assert!(shelf.keep(&cid, "1/2", &[account; 32], &free).unwrap());
            assert!(store.pin_name(&cid).unwrap().unwrap().len() <= MAX_PIN_NAME);
        }
        assert_eq!(shelf.kept().unwrap()[&cid], ["1/1".to_owned(), "1/2".to_owned()].into());
        shelf.release("1/2").unwrap();
        assert_eq!(store.pin_name(&cid).unwrap().unwrap(), "upload:1/1");
        shelf.release("1/1").unwrap();
        assert!(!store.is_pinned(&cid));
    }

    #[test]
    fn labels_fit_into_the_name_of_a_pin() {
        assert!(is_label("7/3") && is_label(&"x".repeat(MAX_LABEL)));
        for text in ["", "a,b", "a@b", "a b", "\u{fc}", &"x".repeat(MAX_LABEL + 1)] {
            assert!(!is_label(text), "{text}");
        }
    }
}
