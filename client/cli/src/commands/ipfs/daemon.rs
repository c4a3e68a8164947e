//! `decentralml ipfs daemon`.

use crate::{
    config::first_line,
    context::Context,
    daemon::{DaemonOpts, StopRequest},
    exit::{Kind, problem},
    output::Out,
    units::Size,
};
use clap::Args;
use color_eyre::Result;
use decentralml_storage::{
    Store, StoreOptions,
    gateway::Gateway,
    server::{Access, Server, Token},
};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Kubo's port.
const PORT: u16 = 5001;

/// Run the embedded store: blocks in a folder, behind the RPC of Kubo, for one machine.
///
/// Prints its address once it listens. Over the internet run a real Kubo in its place; nothing else changes.
#[derive(Args, Debug)]
pub struct Opts {
    /// Where to listen: loopback, or with a token any address; port 0 takes a free one [default: 127.0.0.1:5001].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// File whose first line every request has to send as `Authorization: Bearer TOKEN`; our commands and workers do where
    /// --store-token-file names it.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Also show what is in the store, read-only, to whoever reaches this address: `/ipfs/CID`, `?format=raw|car`; port 0 takes a free
    /// one [default: to nobody].
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<SocketAddr>,
    /// Bytes that all blocks together may have, such as `20 GiB`; more is refused [default: as many as the disk holds].
    #[arg(long, value_name = "SIZE")]
    max_storage: Option<Size>,
    /// Folder of blocks and pins [default: $XDG_DATA_HOME/decentralml/ipfs].
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    daemon: DaemonOpts,
}

/// What is printed once it listens.
#[derive(Debug, Deserialize, Serialize)]
pub struct Listening {
    pub url: String,
    pub folder: PathBuf,
    /// The URL of the gateway, where there is one.
    #[serde(default)]
    pub gateway: Option<String>,
}

/// Answers until it is stopped.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let settings = &context.settings.ipfs;
    let listen = opts
        .listen
        .or(settings.listen)
        .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
    let folder = opts.folder.or_else(|| settings.folder.clone()).unwrap_or_default();
    let token_file = opts.token_file.or_else(|| settings.token_file.clone());
    let token = token_file.as_deref().map(token).transpose()?;
    let max_bytes = opts.max_storage.or(settings.max_storage).map(|Size(bytes)| bytes);
    let mut stop = StopRequest::listen(opts.daemon)?;
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let open = move || Store::open_with(folder, StoreOptions { max_bytes });
    let store = Arc::new(tokio::task::spawn_blocking(open).await??);
    let server = Server::bind(store.clone(), Access { listen, token }).await?;
    let gateway = match opts.gateway.or(settings.gateway) {
        Some(addr) => Some(Gateway::bind(store.clone(), addr).await?),
        None => None,
    };
    let listening = Listening {
        url: server.url(),
        folder: store.path().to_owned(),
        gateway: gateway.as_ref().map(Gateway::url),
    };
    out.result(&listening, |Listening { url, folder, gateway }| {
        let also = gateway.iter().map(|url| format!(", gateway on {url}"));
        format!("listening on {url}{}, blocks in {}", also.collect::<String>(), folder.display())
    })?;
    let stopped = async move { stop.wait().await }.shared();
    let reading = async {
        if let Some(gateway) = gateway {
            gateway.run(stopped.clone()).await;
        }
    };
    let (served, ()) = tokio::join!(server.run(stopped.clone()), reading);
    served?;
    Ok(())
}

/// The token in the first line of a file.
fn token(path: &Path) -> Result<Token> {
    let wrong = |error| problem(Kind::Usage, format!("{}: {error}", path.display()));
    Token::new(&first_line(path)?).map_err(wrong)
}
