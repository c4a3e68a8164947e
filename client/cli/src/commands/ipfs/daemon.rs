//! `decentralml ipfs daemon`.

use crate::{
    context::Context,
    daemon::{DaemonOpts, StopRequest},
    output::Out,
};
use clap::Args;
use color_eyre::Result;
use decentralml_storage::{Store, server::Server};
use serde::{Deserialize, Serialize};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

/// Kubo's port.
const PORT: u16 = 5001;

/// Run the embedded store: blocks in a folder, behind the RPC of Kubo, for one machine.
///
/// Prints its address once it listens. Over the internet run a real Kubo in its place; nothing else changes.
#[derive(Args, Debug)]
pub struct Opts {
    /// Where to listen: loopback only; port 0 takes a free one [default: 127.0.0.1:5001].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
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
}

/// Answers until it is stopped.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let settings = &context.settings.ipfs;
    let listen = opts
        .listen
        .or(settings.listen)
        .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
    let folder = opts.folder.or_else(|| settings.folder.clone()).unwrap_or_default();
    let mut stop = StopRequest::listen(opts.daemon)?;
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let store = Arc::new(tokio::task::spawn_blocking(move || Store::open(folder)).await??);
    let server = Server::bind(store.clone(), listen).await?;
    let listening = Listening { url: server.url(), folder: store.path().to_owned() };
    out.result(&listening, |listening| {
        format!("listening on {}, blocks in {}", listening.url, listening.folder.display())
    })?;
    server.run(async move { stop.wait().await }).await?;
    Ok(())
}
