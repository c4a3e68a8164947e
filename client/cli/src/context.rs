//! What commands need of the world, connected when they ask for it.

use crate::{
    config::{self, Settings},
    exit::{Kind, problem},
    keys::{self, Chosen},
    transfer,
};
use color_eyre::Result;
use decentralml_sdk::{AccountId, Call, Chain, Included, Signer, Task, View, Wait, keystore};
use decentralml_storage::{SourceUrl, Storage};
use decentralml_types::TaskId;
use decentralml_worker::{announced_hosts, keepers_of};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// The settings, and the ways to what they name.
pub struct Context {
    pub settings: Settings,
}

/// Says so where a token goes over the network as it is.
pub fn warn_if_readable(storage: &Storage) {
    let url = storage.url();
    if !storage.is_on_this_machine() && !url.starts_with("https:") {
        tracing::warn!(%url, "the store's token is sent unencrypted: use a URL with https, or a tunnel");
    }
}

impl Context {
    /// The chain.
    pub async fn chain(&self) -> Result<Chain> {
        Ok(Chain::connect(&self.settings.chain).await?)
    }

    /// The store.
    pub async fn storage(&self) -> Result<Storage> {
        let sources = self.sources()?;
        let (url, token) = (&self.settings.store, self.settings.store_token()?);
        let storage = Storage::connect_as(url, token.as_ref(), Default::default()).await?;
        if token.is_some() {
            warn_if_readable(&storage);
        }
        Ok(if sources.is_empty() { storage } else { storage.with_sources(&sources) })
    }

    /// A store, with the hosts that accounts have announced as further sources, after those of the settings. Without them where
    /// the chain does not tell.
    pub async fn with_hosts(
        &self,
        storage: &Storage,
        chain: &Chain,
        view: &View,
        accounts: &[AccountId],
    ) -> Result<Storage> {
        let private = self.settings.allow_private_hosts || chain.is_development();
        let hosts = announced_hosts(view, accounts, private).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "announced hosts could not be read");
            Vec::new()
        });
        Ok(if hosts.is_empty() {
            storage.clone()
        } else {
            storage.with_sources(&[self.sources()?, hosts].concat())
        })
    }

    /// The store, with the hosts of a task's sponsor and evaluators as further sources. A task that the chain has removed has
    /// none.
    pub async fn storage_for_task(
        &self,
        chain: &Chain,
        view: &View,
        task: Option<&Task>,
    ) -> Result<Storage> {
        let storage = self.storage().await?;
        let Some(task) = task else { return Ok(storage) };
        let accounts = keepers_of(view, task).await?;
        self.with_hosts(&storage, chain, view, &accounts).await
    }

    /// Gateways that are asked for what the store does not have.
    pub fn sources(&self) -> Result<Vec<SourceUrl>> {
        config::sources(&self.settings.sources)
    }

    /// The key that signs.
    pub fn signer(&self) -> Result<Signer> {
        keys::signer(&self.settings)
    }

    /// The key of a sponsor for which a trainer makes gold results.
    pub fn gold_sponsor(&self, name: Option<&str>) -> Result<Signer> {
        keys::gold_sponsor(&self.settings, name)
    }

    /// An account: an address, or the name of a key.
    pub fn account(&self, text: &str) -> Result<AccountId> {
        if let Ok(account) = text.parse() {
            return Ok(account);
        }
        let path = keys::path(&self.settings.keystore, text)?;
        if !path.is_file() {
            let message = format!("`{text}` is neither an address nor a key of the keystore");
            return Err(problem(Kind::NotFound, message));
        }
        Ok(keystore::info(&path)?.account)
    }

    /// `text` as an account, or the one that signs.
    pub fn account_or_own(&self, text: Option<&str>) -> Result<AccountId> {
        match (text, keys::chosen(&self.settings)) {
            (Some(text), _) => self.account(text),
            // The address of a key file needs no passphrase.
            (None, Some(Chosen::Name(name))) => self.account(name),
            (None, _) => Ok(self.signer()?.account()),
        }
    }

    /// Signs and sends; waits until the call is final, and says so meanwhile.
    pub async fn submit(&self, chain: &Chain, call: &Call) -> Result<Included> {
        let signer = self.signer()?;
        let waiting = spinner("waiting until it is final …");
        let included = chain.submit(&signer, call, Wait::Finalized).await;
        waiting.finish_and_clear();
        Ok(included?)
    }
}

/// A task that must be there.
pub async fn task(view: &View, id: TaskId) -> Result<Task> {
    let task = view.task(id).await?;
    task.ok_or_else(|| {
        problem(
            Kind::NotFound,
            format!("there is no task {id}; `decentralml task list` shows those that there are"),
        )
    })
}

/// What turns while something is waited for; only a terminal sees it.
pub fn spinner(message: &str) -> ProgressBar {
    let bar = transfer::show(ProgressBar::new_spinner().with_message(message.to_owned()));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
