//! Bytes into a store, from wherever they can be had.

use super::plan::Named;
use crate::{
    exit::{Kind, problem},
    transfer::{self, Bar},
};
use color_eyre::Result;
use decentralml_storage::Storage;
use decentralml_types::Cid;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A store to be filled.
pub struct Holder {
    store: Storage,
    max_bytes: u64,
    /// Where bytes wait until the store has them. What was being fetched there when this was killed is gone on with.
    folder: PathBuf,
}

impl Holder {
    pub fn new(store: &Storage, max_bytes: u64, folder: &Path) -> Result<Self> {
        let folder = folder.join("mirror");
        fs::create_dir_all(&folder)?;
        transfer::sweep(&folder);
        Ok(Self { store: store.clone(), max_bytes, folder })
    }

    /// Pins a file under its name, fetched from `sources` first where the store does not have all of it.
    pub async fn keep(&self, named: &Named, sources: &Storage, bar: &Bar) -> Result<()> {
        let Named { cid, name } = named;
        if self.store.has(cid).await? && self.store.pin_named(cid, name).await.is_ok() {
            return Ok(());
        }
        let path = self.folder.join(cid.to_string());
        // One that an earlier process has left may be of that name only.
        if !(path.is_file() && self.store_file(cid, &path, bar).await?) {
            transfer::to_file(sources, cid, &path, self.max_bytes, bar).await?;
            if !self.store_file(cid, &path, bar).await? {
                let why =
                    "its blocks are not those that `decentralml ipfs add` makes of these bytes";
                return Err(problem(Kind::Data, format!("{cid} cannot be stored: {why}")));
            }
        }
        Ok(self.store.pin_named(cid, name).await?)
    }

    /// Gives a file to the store, and removes it; returns whether it is the right one. The sources give blocks to us, not to the store:
    /// it gets the file anew, which has the same CID where it was made as ours are.
    async fn store_file(&self, cid: &Cid, path: &Path, bar: &Bar) -> Result<bool> {
        let before = self.store.pins().await?;
        let added = transfer::add(&self.store, path, false, bar).await?.cid;
        fs::remove_file(path)?;
        if added != *cid && !before.contains(&added) {
            self.store.unpin(&added).await?;
        }
        Ok(added == *cid)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::commands::data::testing::store;
    use decentralml_storage::{SourceUrl, gateway::Gateway};
    use std::{future::pending, net::SocketAddr};

    #[tokio::test]
    async fn what_the_store_lacks_comes_from_a_gateway() {
        let (_elsewhere, theirs, their_storage) = store().await;
        let bytes: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
        let cid = their_storage.add(bytes.clone()).await.unwrap().cid;
        let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let gateway = Gateway::bind(theirs, address).await.unwrap();
        let url: SourceUrl = gateway.url().parse().unwrap();
        tokio::spawn(gateway.run(pending()));

        let (folder, _own, storage) = store().await;
        let named = Named { cid, name: "released model 0/1".to_owned() };
        let held_by =
            |storage: &Storage, max_bytes| Holder::new(storage, max_bytes, folder.path()).unwrap();
        let alone = held_by(&storage, 1 << 30);
        let keep =
            async |holder: &Holder, from: &Storage| holder.keep(&named, from, &Bar::hidden()).await;
        let error = keep(&alone, &storage).await.unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::NoStore);
        let with_source = storage.with_sources(&[url]);
        let limited = held_by(&storage, 1000);
        let error = keep(&limited, &with_source).await.unwrap_err();
        assert!(error.to_string().contains("limit"), "{error}");
        assert!(storage.pins().await.unwrap().is_empty());

        // Something else that lies there under its name is not taken for it.
        let waiting = folder.path().join("mirror");
        fs::write(waiting.join(cid.to_string()), b"something else").unwrap();
        let holder = held_by(&storage, 1 << 30);
        keep(&holder, &with_source).await.unwrap();
        assert_eq!(fs::read_dir(waiting).unwrap().count(), 0);
        assert_eq!(storage.pins().await.unwrap(), [cid]);
        assert_eq!(storage.named_pins().await.unwrap().get(&cid), Some(&named.name));
        assert_eq!(storage.fetch(&cid, 1 << 30).await.unwrap(), bytes);
    }
}
