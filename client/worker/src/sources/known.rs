//! Announced hosts for those who are no workers: who fetches a model, or data that were granted.

use super::{AT_A_TIME, Sources, circle};
use decentralml_sdk::{AccountId, ReadError, Task, View};
use decentralml_storage::SourceUrl;
use futures::{StreamExt, TryStreamExt, stream};

/// The accounts at which the bytes of a task may lie, at most 256: its sponsor, which has what the task began with, and its
/// evaluators.
pub async fn keepers_of(view: &View, task: &Task) -> Result<Vec<AccountId>, ReadError> {
    let mut accounts = Sources::new(Vec::new(), false).keepers(view, task).await?;
    accounts.retain(|account| *account != task.sponsor);
    accounts.insert(0, task.sponsor);
    accounts.truncate(circle::MAX_ACCOUNTS);
    Ok(accounts)
}

/// What accounts have announced and may be asked: the preferred places of all first, and none in this machine's own network unless
/// `private` says so. Nothing of what comes from there is to be trusted.
pub async fn announced_hosts(
    view: &View,
    accounts: &[AccountId],
    private: bool,
) -> Result<Vec<SourceUrl>, ReadError> {
    let sources = &Sources::new(Vec::new(), private);
    let look_up = async |account: &AccountId| {
        Ok::<_, ReadError>((*account, sources.announced(view, account).await?))
    };
    let found: Vec<_> =
        stream::iter(accounts).map(look_up).buffered(AT_A_TIME).try_collect().await?;
    let now = view.number();
    let check = async |(account, url): circle::Candidate| {
        sources.may_ask(&account, &url, now).await.then_some(url)
    };
    let checked = stream::iter(circle::by_rank(found)).map(check).buffered(AT_A_TIME);
    let mut urls: Vec<SourceUrl> = checked.filter_map(std::future::ready).collect().await;
    urls.truncate(circle::MAX_SOURCES);
    Ok(urls)
}
