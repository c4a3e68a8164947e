//! What is expected of a store, whichever it is: the same tests for the embedded one and for a real Kubo.
//!
//! Those for the embedded store run always. `scripts/kubo.sh` starts a Kubo and runs the others; by hand:
//! `DECENTRALML_KUBO=http://127.0.0.1:5001 cargo test --release -p decentralml-storage --test contract -- --ignored`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod suite;
#[path = "../support/mod.rs"]
mod support;

use decentralml_storage::Storage;
use std::net::{SocketAddr, ToSocketAddrs};
use support::{Daemon, patient};
use tokio::sync::RwLock;

/// A store that is there to be used. Its content is not known: a Kubo has what other tests have left in it.
struct Backend {
    addr: SocketAddr,
    client: Storage,
    /// Held for writing by who collects, for reading by who needs a block that nothing pins.
    loose: &'static RwLock<()>,
    /// Stops with it.
    _daemon: Option<Daemon>,
}

impl Backend {
    async fn embedded() -> Self {
        let daemon = Daemon::start().await;
        let (addr, client) = (daemon.addr, daemon.client().await);
        // Each test has a store of its own.
        let loose: &'static RwLock<()> = Box::leak(Box::default());
        Self { addr, client, loose, _daemon: Some(daemon) }
    }

    async fn kubo() -> Self {
        static LOOSE: RwLock<()> = RwLock::const_new(());
        let url =
            std::env::var("DECENTRALML_KUBO").expect("DECENTRALML_KUBO is the URL of a Kubo's RPC");
        let host = url.strip_prefix("http://").expect("http://host:port").trim_end_matches('/');
        let addr = host.to_socket_addrs().unwrap().next().unwrap();
        let client = Storage::connect_with(&url, patient()).await.unwrap();
        Self { addr, client, loose: &LOOSE, _daemon: None }
    }
}

/// Makes two tests of each: one for either store.
macro_rules! contract {
    ($($name:ident,)*) => {
        mod embedded {
            $(
                #[tokio::test]
                async fn $name() {
                    crate::suite::$name(crate::Backend::embedded().await).await;
                }
            )*
        }
        mod kubo {
            $(
                #[tokio::test]
                #[ignore = "needs a Kubo: scripts/kubo.sh"]
                async fn $name() {
                    crate::suite::$name(crate::Backend::kubo().await).await;
                }
            )*
        }
    };
}

contract! {
    files_of_every_size_come_back_as_they_were,
    parts_of_files_are_read,
    directories_are_added_listed_and_read,
    blocks_are_put_read_described_and_removed,
    pins_have_names_and_come_and_go,
    dags_leave_and_enter_as_cars,
    what_is_missing_is_said_to_be_missing,
    what_is_wrong_is_refused,
    a_collection_takes_what_no_pin_reaches_and_nothing_else,
    what_is_there_is_counted,
}
