//! Nothing in the store of a sealed task is a plain update.

use super::rounds::Updates;
use crate::{
    exit::{Kind, problem},
    output::{Out, count},
};
use color_eyre::Result;
use decentralml_learning::{Encoding, ModelSpec, Update};
use decentralml_storage::{Error, Storage, seal::max_sealed_bytes};
use decentralml_types::{Cid, TaskSpec};
use decentralml_worker::convert;
use std::collections::BTreeSet;

/// How every file of the `age` format begins.
const SEALED: &[u8] = b"age-encryption.org/v1\n";

/// Reads what was revealed, and all that is pinned, as anybody can. Fails where one of them is an update in plain, or what was
/// revealed is not sealed.
pub async fn check(
    updates: &Updates,
    spec: &TaskSpec,
    model: &ModelSpec,
    storage: &Storage,
    out: &mut Out<'_>,
) -> Result<()> {
    let longest = max_sealed_bytes(spec.max_update_bytes);
    let sealed = look(updates, longest, model, convert::encoding(spec)?, storage).await?;
    out.line(&format!(
        "\nsealed   {} in the store, none readable without the keys of the drawn evaluators",
        count(sealed, "update")
    ))
}

/// How many of the updates are there, all of them sealed.
async fn look(
    updates: &Updates,
    longest: u64,
    model: &ModelSpec,
    encoding: Encoding,
    storage: &Storage,
) -> Result<u64> {
    let pinned: BTreeSet<Cid> = storage.pins().await?.into_iter().collect();
    let mut sealed = 0;
    for cid in updates.union(&pinned) {
        let bytes = match storage.fetch(cid, longest).await {
            Ok(bytes) => bytes,
            // Let go of; or longer than any update, or no file at all.
            Err(Error::NotFound { .. } | Error::TooLarge { .. } | Error::NotAFile { .. }) => {
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if Update::from_bytes(&bytes, model, encoding).is_ok() {
            return Err(problem(
                Kind::Other,
                format!("{cid} is an update that everybody can read"),
            ));
        }
        if updates.contains(cid) {
            if !bytes.starts_with(SEALED) {
                return Err(problem(Kind::Other, format!("the update {cid} is not sealed")));
            }
            sealed += 1;
        }
    }
    match sealed {
        0 => Err(problem(Kind::Other, "none of the updates is in the store")),
        sealed => Ok(sealed),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::commands::data::testing::store;
    use decentralml_storage::seal::{SecretKey, seal_to_one};

    #[tokio::test(flavor = "multi_thread")]
    async fn an_update_in_plain_is_found_wherever_it_lies_and_sealed_ones_are_counted() {
        let (_folder, _store, storage) = store().await;
        let (model, encoding) = (ModelSpec::mlp(4, &[3], 2), Encoding::new(16, 6, 100).unwrap());
        let look = async |updates: &[Cid]| {
            let updates = updates.iter().copied().collect();
            look(&updates, 1 << 20, &model, encoding, &storage).await
        };

        assert!(look(&[]).await.is_err(), "nothing was looked at");
        let plain = Update::zero(&model, encoding).to_bytes();
        let mut ciphertext = Vec::new();
        let (_, _): (SecretKey, _) = seal_to_one(&plain[..], &mut ciphertext).unwrap();
        let sealed = storage.add(ciphertext).await.unwrap().cid;
        let other = storage.add(b"a model, or rows".to_vec()).await.unwrap().cid;
        assert_eq!(look(&[sealed]).await.unwrap(), 1);
        let unsealed = look(&[sealed, other]).await.unwrap_err();
        assert!(unsealed.to_string().contains("not sealed"), "{unsealed}");
        let plain = storage.add(plain).await.unwrap().cid;
        for updates in [&[sealed][..], &[sealed, plain]] {
            let error = look(updates).await.unwrap_err();
            assert!(error.to_string().contains("everybody can read"), "{error}");
            assert!(error.to_string().contains(&plain.to_string()), "{error}");
        }
    }
}
