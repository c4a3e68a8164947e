//! Bytes into a store, from wherever they can be had.

use super::plan::Named;
use crate::exit::{Kind, problem};
use color_eyre::Result;
use decentralml_storage::Storage;
use std::{fs, path::Path};
use tempfile::TempDir;

/// A store, with sources of what it lacks.
pub struct Holder {
    store: Storage,
    max_bytes: u64,
    /// Where bytes wait until the store has them. It goes with this.
    folder: TempDir,
}

impl Holder {
    pub fn new(store: &Storage, max_bytes: u64, folder: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(".mirror-").tempdir_in(folder)?;
        Ok(Self { store: store.clone(), max_bytes, folder })
    }

    /// Pins a file under its name, fetched first where the store does not have all of it.
    pub async fn keep(&self, Named { cid, name }: &Named) -> Result<()> {
        if self.store.has(cid).await? && self.store.pin_named(cid, name).await.is_ok() {
            return Ok(());
        }
        let path = self.folder.path().join("fetched");
        self.store.fetch_to_file(cid, &path, self.max_bytes).await?;
        // The sources give blocks to us, not to the store: it gets the file anew, which has the same CID where it was made as ours
        // are.
        let before = self.store.pins().await?;
        let added = self.store.add_file(&path).await;
        fs::remove_file(&path)?;
        let added = added?.cid;
        if added != *cid {
            if !before.contains(&added) {
                self.store.unpin(&added).await?;
            }
            let why = "its blocks are not those that `decentralml ipfs add` makes of these bytes";
            return Err(problem(Kind::Data, format!("{cid} cannot be stored: {why}")));
        }
        Ok(self.store.pin_named(cid, name).await?)
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
        let error = alone.keep(&named).await.unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::NoStore);
        let with_source = storage.with_sources(&[url]);
        let limited = held_by(&with_source, 1000);
        assert!(limited.keep(&named).await.unwrap_err().to_string().contains("limit"));
        assert!(storage.pins().await.unwrap().is_empty());

        let holder = held_by(&with_source, 1 << 30);
        holder.keep(&named).await.unwrap();
        assert_eq!(storage.named_pins().await.unwrap().get(&cid), Some(&named.name));
        assert_eq!(storage.fetch(&cid, 1 << 30).await.unwrap(), bytes);
    }
}
