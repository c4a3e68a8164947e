//! `decentralml data`: what the rows look like, how to divide them, and how to share files that only some may read.
//!
//! ```text
//!  add    file ──► sealed to a key of its own ──► store     register(CID, hash and length of the plain bytes)
//!                                      └── envelope for the owner ──► store     grant(CID, owner, envelope)
//!  grant  the owner's envelope ──► key ──► envelope for the account ──► store   grant(CID, account, envelope)
//!  fetch  own envelope ──► key; sealed file ──► plain bytes, held against the hash
//! ```

mod add;
mod draft;
mod envelope;
mod fetch;
mod grant;
mod inspect;
mod list;
mod plot;
mod retire;
mod revoke;
mod split;

pub use split::{Division, Parts, divide};

use crate::{
    config,
    context::Context,
    exit::{Kind, problem},
    output::Out,
    units::Size,
};
use clap::{Args, Subcommand};
use color_eyre::Result;
use decentralml_learning::data::{Dataset, Limits, Read, ReadOptions, digits, read};
use decentralml_sdk::{AccountId, Content, SubmitError, View};
use decentralml_storage::Storage;
use decentralml_types::Cid;
use std::path::PathBuf;

/// What everything that these commands keep in the store is called there.
const PIN: &str = "data";

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Add(add::Opts),
    Grant(grant::Opts),
    Revoke(revoke::Opts),
    List(list::Opts),
    Fetch(fetch::Opts),
    Retire(retire::Opts),
    Inspect(inspect::Opts),
    Split(split::Opts),
}

/// Does what was asked for.
pub async fn run(command: Command, context: &Context, out: &mut Out<'_>) -> Result<()> {
    match command {
        Command::Add(opts) => add::run(opts, context, out).await,
        Command::Grant(opts) => grant::run(opts, context, out).await,
        Command::Revoke(opts) => revoke::run(opts, context, out).await,
        Command::List(opts) => list::run(opts, context, out).await,
        Command::Fetch(opts) => fetch::run(opts, context, out).await,
        Command::Retire(opts) => retire::run(opts, context, out).await,
        Command::Inspect(opts) => inspect::run(opts, out),
        Command::Split(opts) => split::run(opts, out),
    }
}

/// Content that must be registered.
async fn content(view: &View, cid: &Cid) -> Result<Content> {
    view.content(cid).await?.ok_or_else(|| {
        problem(
            Kind::NotFound,
            format!(
                "{cid} is not registered on this chain, or was retired; `decentralml data list` shows what is yours or was \
                 granted to you"
            ),
        )
    })
}

/// Content that must be the account's own.
async fn own_content(view: &View, cid: &Cid, account: &AccountId) -> Result<Content> {
    let content = content(view, cid).await?;
    if content.owner != *account {
        return Err(problem(
            Kind::Refused,
            format!(
                "{cid} belongs to {}, who alone can grant, revoke and retire it",
                content.owner
            ),
        ));
    }
    Ok(content)
}

/// Stores bytes under the name of these commands.
async fn keep(storage: &Storage, bytes: Vec<u8>) -> Result<Cid> {
    let cid = storage.add(bytes).await?.cid;
    storage.pin_named(&cid, PIN).await?;
    Ok(cid)
}

/// Lets go in the store of what these commands keep there; returns how many of them that were. What is called otherwise stays.
async fn let_go(storage: &Storage, cids: &[Cid]) -> Result<usize> {
    let pins = storage.named_pins().await?;
    let mut gone = 0;
    for cid in cids.iter().filter(|cid| pins.get(cid).is_some_and(|name| name == PIN)) {
        gone += usize::from(storage.unpin(cid).await?);
    }
    Ok(gone)
}

/// Whether the chain has certainly not done what was submitted, so that what was stored for it serves nothing.
fn is_refused(error: &color_eyre::Report) -> bool {
    use SubmitError::{CannotPay, DevelopmentKey, Dispatch, NoFunds, Rejected};
    let error = error.downcast_ref::<SubmitError>();
    error.is_some_and(|error| {
        matches!(
            error,
            Rejected { .. } | Dispatch(_) | NoFunds { .. } | CannotPay(_) | DevelopmentKey
        )
    })
}

/// [`let_go`] where that is not what was asked for: a failure is only logged.
async fn tidy(context: &Context, cids: &[Cid]) -> usize {
    let tidied = async { let_go(&context.storage().await?, cids).await };
    tidied.await.unwrap_or_else(|error| {
        tracing::warn!(
            %error,
            "the store still keeps what was pinned for this; `decentralml ipfs pin` lists it, under the name {PIN}"
        );
        0
    })
}

/// Which rows, and how their file is to be understood.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Data")]
pub struct DataOpts {
    /// CSV (.csv, .csv.gz), the first of an IDX or NPY pair, NPZ, text (.txt), or a folder with a folder of PNG and JPEG for each
    /// class; `digits` is the embedded UCI digits.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Labels of an IDX or NPY pair.
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Column of the label, or of a single quantity, of a CSV file with a header [default: the last column].
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// Number of classes [default: one more than the largest label].
    #[arg(long, value_name = "N")]
    pub classes: Option<usize>,
    /// Names of the classes, in the order of their labels, where the labels of a CSV file are texts, or for folders of images.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub class_names: Vec<String>,
    /// Quantities to predict per row, in place of a label: the last columns of a CSV file.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub quantities: usize,
    /// Column of a CSV file that says which rows belong together, and is no feature.
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// Characters per row of a text [default: 80].
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// The characters of a text [default: the end of a line, and what ASCII prints].
    #[arg(long, value_name = "CHARACTERS")]
    pub vocabulary: Option<String>,
    /// Rows that may be left out because they cannot be used; each is named.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub skip_rows: usize,
    /// Multiplies every feature [default: 1/255 for images and arrays of bytes, 1 for others].
    #[arg(long, value_name = "FACTOR")]
    pub scale: Option<f32>,
    /// Rows that are read into memory at most [default: 10000000].
    #[arg(long, value_name = "N")]
    pub max_rows: Option<usize>,
    /// Bytes that are read into memory at most, after decompression [default: 2 GiB].
    #[arg(long, value_name = "SIZE")]
    pub max_bytes: Option<Size>,
}

impl DataOpts {
    /// What the flags leave open is taken from the configuration file.
    pub fn or_settings(self, settings: &config::Trainer) -> Self {
        // The file's description belongs to the file's data: other data have their own.
        if self.data.is_some() {
            return self;
        }
        let number = |flag: usize, setting: usize| if flag == 0 { setting } else { flag };
        Self {
            data: settings.data.clone(),
            labels: self.labels.or_else(|| settings.labels.clone()),
            label_column: self.label_column.or_else(|| settings.label_column.clone()),
            classes: self.classes.or(settings.classes),
            class_names: match self.class_names.is_empty() {
                true => settings.class_names.clone(),
                false => self.class_names,
            },
            quantities: number(self.quantities, settings.quantities),
            group_column: self.group_column.or_else(|| settings.group_column.clone()),
            steps: self.steps.or(settings.steps),
            vocabulary: self.vocabulary.or_else(|| settings.vocabulary.clone()),
            skip_rows: number(self.skip_rows, settings.skip_rows),
            scale: self.scale.or(settings.scale),
            max_rows: self.max_rows.or(settings.max_rows),
            max_bytes: self.max_bytes.or(settings.max_bytes),
        }
    }

    /// Reads the rows. Errors say where in the file; rows that are left out are logged.
    pub fn read(&self) -> Result<Dataset> {
        if self.is_embedded() {
            return Ok(digits()?);
        }
        let Read { data, bad, .. } = self.read_file()?;
        for message in bad.messages() {
            tracing::warn!("left out: {message}");
        }
        if bad.count() > 0 {
            tracing::warn!("{} rows were left out, {} are used", bad.count(), data.rows());
        }
        Ok(data)
    }

    /// Whether the rows come with this program.
    fn is_embedded(&self) -> bool {
        self.data.as_ref().is_some_and(|path| path.as_os_str() == "digits")
    }

    /// Reads the rows of a file, with what there is to say about it.
    fn read_file(&self) -> Result<Read> {
        let Some(path) = &self.data else {
            return Err(problem(Kind::Usage, "no data are named: give --data <FILE>"));
        };
        let default = Limits::default();
        let options = ReadOptions {
            label: self.label_column.clone(),
            scale: self.scale,
            classes: self.classes,
            names: self.class_names.clone(),
            quantities: self.quantities,
            group: self.group_column.clone(),
            steps: self.steps,
            vocabulary: self.vocabulary.clone(),
            skip: self.skip_rows,
            limits: Limits {
                rows: self.max_rows.unwrap_or(default.rows),
                bytes: self.max_bytes.map_or(default.bytes, |size| size.0),
            },
            ..ReadOptions::default()
        };
        Ok(read(path, self.labels.as_deref(), &options)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use color_eyre::Report;

    #[tokio::test]
    async fn only_what_these_commands_have_pinned_is_let_go_of() {
        let (_folder, _store, storage) = testing::store().await;
        let own = keep(&storage, b"an envelope".to_vec()).await.unwrap();
        let other = storage.add(b"somebody's model".to_vec()).await.unwrap().cid;
        let gone = decentralml_storage::unixfs::canonical_cid(b"not there");
        assert_eq!(let_go(&storage, &[own, other, gone]).await.unwrap(), 1);
        assert_eq!(storage.pins().await.unwrap(), [other]);
    }

    #[test]
    fn the_files_description_of_rows_belongs_to_the_files_rows() {
        let settings = config::Trainer {
            data: Some("rows.csv".into()),
            class_names: vec!["no".to_owned(), "yes".to_owned()],
            quantities: 2,
            group_column: Some("who".to_owned()),
            steps: Some(16),
            vocabulary: Some("ab".to_owned()),
            skip_rows: 3,
            ..config::Trainer::default()
        };
        let file = DataOpts::default().or_settings(&settings);
        assert_eq!((&file.data, &file.class_names), (&settings.data, &settings.class_names));
        assert_eq!((file.quantities, file.steps, file.skip_rows), (2, Some(16), 3));
        assert_eq!(
            (file.vocabulary, file.group_column),
            (settings.vocabulary.clone(), settings.group_column.clone())
        );
        let flags = DataOpts {
            quantities: 1,
            skip_rows: 9,
            class_names: vec!["a".to_owned()],
            ..DataOpts::default()
        };
        let both = flags.clone().or_settings(&settings);
        assert_eq!((both.quantities, both.skip_rows, both.class_names.len()), (1, 9, 1));
        let other = DataOpts { data: Some("other.csv".into()), ..flags }.or_settings(&settings);
        assert_eq!((other.steps, other.vocabulary), (None, None));
    }

    #[test]
    fn what_may_still_be_included_is_not_taken_for_refused() {
        let rejected = SubmitError::Rejected {
            pallet: "Data".to_owned(),
            name: "AlreadyRegistered".to_owned(),
            explanation: String::new(),
        };
        assert!(is_refused(&Report::new(rejected)));
        for open in [
            SubmitError::Unknown("gone".to_owned()),
            SubmitError::Invalid("dropped".to_owned()),
            SubmitError::Timeout { state: "included", limit: std::time::Duration::ZERO },
        ] {
            assert!(!is_refused(&Report::new(open)));
        }
        assert!(!is_refused(&Report::msg("something else")));
    }
}

#[cfg(test)]
pub(crate) mod testing {
    #![allow(clippy::unwrap_used)]
    use decentralml_storage::{Storage, Store, server::Server};
    use std::{future::pending, net::SocketAddr, sync::Arc};

    /// A store that answers as long as the test's runtime lives, with its folder.
    pub(crate) async fn store() -> (tempfile::TempDir, Arc<Store>, Storage) {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path().join("store")).unwrap());
        let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let server = Server::bind(store.clone(), address).await.unwrap();
        let url = server.url();
        tokio::spawn(server.run(pending()));
        (folder, store, Storage::connect(&url).await.unwrap())
    }
}
