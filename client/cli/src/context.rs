//! What commands need of the world, connected when they ask for it.

use crate::{
    config::{self, Settings},
    exit::{Kind, problem},
    keys::{self, Chosen},
};
use color_eyre::Result;
use decentralml_sdk::{AccountId, Call, Chain, Included, Signer, Task, View, Wait, keystore};
use decentralml_storage::{SourceUrl, Storage};
use decentralml_types::TaskId;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// The settings, and the ways to what they name.
pub struct Context {
    pub settings: Settings,
}

impl Context {
    /// The chain.
    pub async fn chain(&self) -> Result<Chain> {
        Ok(Chain::connect(&self.settings.chain).await?)
    }

    /// The store.
    pub async fn storage(&self) -> Result<Storage> {
        let sources = self.sources()?;
        let storage = Storage::connect(&self.settings.store).await?;
        Ok(if sources.is_empty() { storage } else { storage.with_sources(&sources) })
    }

    /// Gateways that are asked for what the store does not have.
    pub fn sources(&self) -> Result<Vec<SourceUrl>> {
        config::sources(&self.settings.sources)
    }

    /// The key that signs.
    pub fn signer(&self) -> Result<Signer> {
        keys::signer(&self.settings)
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

/// How many bytes of how many; only a terminal sees it.
pub fn transfer(message: &str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(message.to_owned());
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {bar:30} {bytes} of {total_bytes}, {eta} left")
    {
        bar.set_style(style);
    }
    bar
}

/// What turns while something is waited for; only a terminal sees it.
pub fn spinner(message: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(message.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
