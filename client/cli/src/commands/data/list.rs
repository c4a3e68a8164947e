//! `decentralml data list`.

use crate::{
    commands::hex,
    context::Context,
    output::{Out, count, table},
};
use clap::Args;
use color_eyre::Result;
use decentralml_sdk::AccountId;
use decentralml_types::{BlockNumber, Cid};
use serde::Serialize;

/// List the content that an account has registered, and what others have granted to it.
#[derive(Args, Debug)]
pub struct Opts {
    /// An address, or the name of a key [default: the key that signs].
    #[arg(value_name = "ACCOUNT")]
    who: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    account: AccountId,
    owned: Vec<Owned>,
    granted: Vec<Granted>,
    /// False where the chain has more content or grants than were looked at.
    complete: bool,
}

#[derive(Serialize)]
struct Owned {
    cid: Cid,
    size: u64,
    plain_hash: String,
    /// Planck; without those of the grants.
    deposit: u128,
    granted_to: Vec<AccountId>,
}

#[derive(Serialize)]
struct Granted {
    cid: Cid,
    /// None where the content has been retired meanwhile.
    owner: Option<AccountId>,
    size: Option<u64>,
    plain_hash: Option<String>,
    since: BlockNumber,
    envelope: Cid,
}

/// Reads the finalized state.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let account = context.account_or_own(opts.who.as_deref())?;
    let view = context.chain().await?.finalized().await?;
    let contents = view.contents_of(&account).await?;
    let grants = view.grants_to(&account).await?;
    let mut complete = contents.complete && grants.complete;
    let mut owned = Vec::new();
    for (cid, content) in contents.rows {
        let readers = view.grants_of(&cid).await?;
        complete &= readers.complete;
        owned.push(Owned {
            cid,
            size: content.size,
            plain_hash: hex(&content.plain_hash),
            deposit: content.deposit,
            granted_to: readers.rows.into_iter().map(|(reader, _)| reader).collect(),
        });
    }
    let mut granted = Vec::new();
    for (cid, grant) in grants.rows {
        let content = view.content(&cid).await?;
        if content.is_some_and(|content| content.owner == account) {
            continue;
        }
        granted.push(Granted {
            cid,
            owner: content.map(|content| content.owner),
            size: content.map(|content| content.size),
            plain_hash: content.map(|content| hex(&content.plain_hash)),
            since: grant.since,
            envelope: grant.envelope,
        });
    }
    out.result(&Listed { account, owned, granted, complete }, people)
}

fn people(listed: &Listed) -> String {
    let mut parts = Vec::new();
    if !listed.owned.is_empty() {
        let row = |one: &Owned| {
            let others = one.granted_to.iter().filter(|reader| **reader != listed.account).count();
            let readers = count(others as u64, "other");
            vec![one.cid.to_string(), one.size.to_string(), readers, one.plain_hash.clone()]
        };
        let header = ["own content", "bytes", "granted to", "SHA2-256 of the plain bytes"];
        parts.push(table(header.map(str::to_owned).to_vec(), listed.owned.iter().map(row)));
    }
    if !listed.granted.is_empty() {
        let row = |one: &Granted| {
            let owner = one.owner.map_or("(retired)".to_owned(), |owner| owner.to_string());
            let size = one.size.map_or("-".to_owned(), |size| size.to_string());
            vec![one.cid.to_string(), size, one.since.to_string(), owner]
        };
        let header = ["granted content", "bytes", "since block", "by"];
        parts.push(table(header.map(str::to_owned).to_vec(), listed.granted.iter().map(row)));
    }
    if parts.is_empty() {
        parts.push(format!("{} has no content, and was granted none", listed.account));
    }
    if !listed.complete {
        parts.push("The chain has more than was looked at: this is not all.".to_owned());
    }
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use decentralml_types::Codec;

    #[test]
    fn own_and_granted_content_are_two_tables_and_a_part_is_told_to_be_one() {
        let cid = |digest| Cid { codec: Codec::Raw, digest: [digest; 32] };
        let [own, other] = [1, 2].map(|id| AccountId::from([id; 32]));
        let mut listed =
            Listed { account: own, owned: Vec::new(), granted: Vec::new(), complete: true };
        assert!(people(&listed).contains("no content"));
        listed.owned.push(Owned {
            cid: cid(1),
            size: 1234,
            plain_hash: hex(&[7; 32]),
            deposit: 5,
            granted_to: vec![own, other],
        });
        listed.granted.push(Granted {
            cid: cid(2),
            owner: Some(other),
            size: Some(77),
            plain_hash: None,
            since: 9,
            envelope: cid(3),
        });
        let text = people(&listed);
        for part in ["own content", "1234", "1 other ", "granted content", "77", "since block"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("not all"), "{text}");
        listed.complete = false;
        assert!(people(&listed).contains("not all"));
    }
}
