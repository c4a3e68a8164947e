//! Encrypted content, who may read it, and what accounts say about themselves for it.

use decentralml_types::{Cid, PublicKey, host};
use subxt::utils::Static;

use super::{View, text};
use crate::{
    AccountId,
    api::{self, data::storage as stored},
    error::ReadError,
    record::{Content, Grant, Listing},
};

/// Rows of all content, or of all grants, that are looked at: an account without content may be looked for among many.
const MAX_SEEN: usize = 100_000;

impl View {
    /// Where an account offers bytes, the preferred one first; none where it has announced nothing.
    pub async fn hosts(&self, account: &AccountId) -> Result<Vec<String>, ReadError> {
        let hosts = api::storage().participants().hosts();
        let Some(row) = self.get("hosts", hosts, (*account,)).await? else {
            return Ok(Vec::new());
        };
        // The chain takes no others; an endpoint may tell of some.
        let plain = row.urls.0.into_iter().map(|url| url.0).filter(|url| host::is_plain(url));
        Ok(plain.take(host::MAX_HOSTS as usize).map(|url| text(&url)).collect())
    }

    /// The key that bytes for an account are to be encrypted to.
    pub async fn encryption_key(
        &self,
        account: &AccountId,
    ) -> Result<Option<PublicKey>, ReadError> {
        let keys = api::storage().participants().encryption_keys();
        Ok(self.get("an encryption key", keys, (*account,)).await?.map(|row| row.key))
    }

    /// Encrypted content; `None` where nobody has registered it, or it was retired.
    pub async fn content(&self, cid: &Cid) -> Result<Option<Content>, ReadError> {
        let contents = api::storage().data().contents();
        let row = self.get("encrypted content", contents, (Static(*cid),)).await?;
        Ok(row.map(read_content))
    }

    /// That an account may read content; `None` where it was not granted, or revoked.
    pub async fn grant(&self, cid: &Cid, account: &AccountId) -> Result<Option<Grant>, ReadError> {
        let grants = api::storage().data().grants();
        let row = self.get("a grant", grants, (Static(*cid), *account)).await?;
        Ok(row.map(read_grant))
    }

    /// What an account has registered, by CID.
    pub async fn contents_of(
        &self,
        owner: &AccountId,
    ) -> Result<Listing<(Cid, Content)>, ReadError> {
        let contents = api::storage().data().contents();
        let of_owner = |(cid,): (Static<Cid>,), row: stored::contents::Output| {
            (row.owner == *owner).then(|| (cid.0, read_content(row)))
        };
        let mut found = self.search("encrypted content", contents, (), MAX_SEEN, of_owner).await?;
        found.rows.sort_by_key(|(cid, _)| *cid);
        Ok(found)
    }

    /// To whom content is granted, by account.
    pub async fn grants_of(&self, cid: &Cid) -> Result<Listing<(AccountId, Grant)>, ReadError> {
        let grants = api::storage().data().grants();
        let all = |(_, account): (Static<Cid>, AccountId), row: stored::grants::Output| {
            Some((account, read_grant(row)))
        };
        let mut found = self.search("grants", grants, (Static(*cid),), MAX_SEEN, all).await?;
        found.rows.sort_by_key(|(account, _)| account.0);
        Ok(found)
    }

    /// What an account was granted, by CID.
    pub async fn grants_to(&self, account: &AccountId) -> Result<Listing<(Cid, Grant)>, ReadError> {
        let grants = api::storage().data().grants();
        let to_account = |(cid, who): (Static<Cid>, AccountId), row: stored::grants::Output| {
            (who == *account).then(|| (cid.0, read_grant(row)))
        };
        let mut found = self.search("grants", grants, (), MAX_SEEN, to_account).await?;
        found.rows.sort_by_key(|(cid, _)| *cid);
        Ok(found)
    }
}

fn read_content(row: stored::contents::Output) -> Content {
    Content {
        owner: row.owner,
        plain_hash: row.plain_hash,
        size: row.size,
        grants: row.grants,
        deposit: row.deposit,
    }
}

fn read_grant(row: stored::grants::Output) -> Grant {
    Grant { envelope: row.envelope.0, since: row.since, deposit: row.deposit }
}
