//! Telling the chain where an account's host is.

use decentralml_sdk::{Chain, Deposits, Signer, Wait, call};
use decentralml_storage::SourceUrl;
use decentralml_types::{Balance, Url, Urls, host};

use crate::error::WorkerError;

/// What the chain holds from an account for as long as it announces these hosts, in planck.
pub fn deposit(deposits: &Deposits, urls: &[SourceUrl]) -> Balance {
    urls.iter().fold(0, |sum: Balance, url| {
        let bytes = deposits.host_byte.saturating_mul(url.as_str().len() as Balance);
        sum.saturating_add(deposits.host).saturating_add(bytes)
    })
}

/// Announces these hosts in the place of those that were announced, if they are others, and waits until that is final. Says
/// whether there was anything to change; with no hosts at all nothing is changed.
pub async fn announce(
    chain: &Chain,
    signer: &Signer,
    urls: &[SourceUrl],
) -> Result<bool, WorkerError> {
    if urls.is_empty() {
        return Ok(false);
    }
    let list = listed(urls)?;
    let before = chain.best().await?.hosts(&signer.account()).await?;
    if before.iter().map(String::as_str).eq(urls.iter().map(SourceUrl::as_str)) {
        return Ok(false);
    }
    let held = chain.properties().tokens(deposit(&chain.deposits().await?, urls));
    let hosts = names(urls);
    tracing::info!(%hosts, deposit = %held, "announces where updates can be handed over: the deposit is held until it is withdrawn");
    chain.submit(signer, &call::set_hosts(list), Wait::Finalized).await?;
    Ok(true)
}

fn names(urls: &[SourceUrl]) -> String {
    urls.iter().map(SourceUrl::as_str).collect::<Vec<_>>().join(", ")
}

fn listed(urls: &[SourceUrl]) -> Result<Urls, WorkerError> {
    let too_many =
        || WorkerError::Hosts(format!("an account announces at most {} hosts", host::MAX_HOSTS));
    let url = |url: &SourceUrl| {
        let bytes = Url::try_from(url.as_str().as_bytes().to_vec());
        bytes
            .ok()
            .filter(|bytes| host::is_plain(bytes))
            .ok_or_else(|| WorkerError::Hosts(format!("the chain takes no such host: {url}")))
    };
    let list = urls.iter().map(url).collect::<Result<Vec<_>, _>>()?;
    Urls::try_from(list).map_err(|_| too_many())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn urls(count: usize) -> Vec<SourceUrl> {
        (0..count).map(|n| format!("http://host-{n}").parse().unwrap()).collect()
    }

    #[test]
    fn a_deposit_grows_with_hosts_and_their_length() {
        let deposits = Deposits { host: 1000, host_byte: 10, key: 0, content: 0, grant: 0 };
        assert_eq!(deposit(&deposits, &urls(0)), 0);
        assert_eq!(deposit(&deposits, &urls(2)), 2 * (1000 + 10 * 13));
    }

    #[test]
    fn more_hosts_than_the_chain_takes_are_refused_here() {
        let most = host::MAX_HOSTS as usize;
        assert_eq!(listed(&urls(most)).unwrap().len(), most);
        let error = listed(&urls(most + 1)).unwrap_err().to_string();
        assert!(error.contains("at most 4"), "{error}");
    }
}
