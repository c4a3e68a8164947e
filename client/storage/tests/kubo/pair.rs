//! The same request to a real Kubo and to an embedded store, and whether the answers are alike.

use crate::{
    addr,
    support::{Answer, Daemon, bytes, post, request, upload},
};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

/// A part with a file's name.
pub const NAMED: &str = "name=\"file\"; filename=\"words.txt\"";
/// A part without one.
pub const UNNAMED: &str = "name=\"path\"";
/// A part of a block.
pub const DATA: &str = "name=\"data\"";

/// How alike two answers have to be. Status, kind of content and stream are the same in any case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Alike {
    /// Byte for byte.
    Equal,
    /// The same names, and values of the same types: versions, sizes, paths, peers.
    Shape,
    /// An error of a command. The sentence is our own, since it says what this store can do, but both say these words, by
    /// which clients tell errors apart.
    Failed(&'static str),
}
pub use Alike::{Equal, Failed, Shape};

/// The types of a JSON value.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, v)| (name.clone(), shape(v))).collect(),
        // An empty list and a full one are of the same type.
        Value::Array(_) => json!("list"),
        Value::String(_) => json!("string"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("bool"),
        Value::Null => Value::Null,
    }
}

/// The beginning of an answer, fit for a terminal.
fn excerpt(answer: &Answer) -> String {
    let text = answer.text().escape_debug().take(300).collect::<String>();
    format!("{} bytes, {text}", answer.body.len())
}

/// In what two answers differ, if they do.
fn difference(alike: Alike, kubo: &Answer, ours: &Answer) -> Option<String> {
    if kubo.status != ours.status {
        let statuses = format!("{} and {}", kubo.status, ours.status);
        return Some(format!("status {statuses}: {} and {}", excerpt(kubo), excerpt(ours)));
    }
    for header in [
        "allow",
        "content-type",
        "x-chunked-output",
        "x-content-length",
        "x-content-type-options",
        "x-stream-output",
    ] {
        let (kubo, ours) = (kubo.header(header), ours.header(header));
        if kubo != ours {
            return Some(format!("{header}: {kubo:?} and {ours:?}"));
        }
    }
    let same = match alike {
        Equal => kubo.body == ours.body,
        Shape => shape(&kubo.json()) == shape(&ours.json()),
        Failed(words) => {
            let essence = |answer: &Answer| {
                let value = answer.json();
                let says = value["Message"].as_str().is_some_and(|text| text.contains(words));
                (says, shape(&value), value["Code"].clone(), value["Type"].clone())
            };
            let (kubo_essence, our_essence) = (essence(kubo), essence(ours));
            kubo.status == 500 && kubo_essence.0 && kubo_essence == our_essence
        }
    };
    (!same).then(|| format!("{} and {}", excerpt(kubo), excerpt(ours)))
}

/// Sends the same requests to a real Kubo and to an embedded store, and keeps a list of what they answer differently.
pub struct Pair {
    pub kubo: SocketAddr,
    pub daemon: Daemon,
    differences: RefCell<Vec<String>>,
}

impl Pair {
    pub async fn start() -> Self {
        Self { kubo: addr(), daemon: Daemon::start().await, differences: RefCell::default() }
    }

    /// A request without a body.
    pub async fn ask(&self, command: &str, alike: Alike) {
        // Kubo looks no further than its own repository, as the embedded store does.
        let offline =
            format!("{command}{}offline=true", if command.contains('?') { '&' } else { '?' });
        let answers = (post(self.kubo, &offline).await, post(self.daemon.addr, &offline).await);
        self.compare(command, alike, answers);
    }

    /// An upload of one part.
    pub async fn give(&self, command: &str, part: &str, data: &[u8], alike: Alike) {
        let answers = (
            upload(self.kubo, command, part, data).await,
            upload(self.daemon.addr, command, part, data).await,
        );
        self.compare(command, alike, answers);
    }

    /// A request of another method or with other headers. `PORT` stands for the port that it goes to.
    pub async fn send(
        &self,
        method: &str,
        command: &str,
        headers: &str,
        body: &[u8],
        alike: Alike,
    ) {
        let to = async |addr: SocketAddr| {
            let headers = headers.replace("PORT", &addr.port().to_string());
            request(addr, method, command, &headers, body).await
        };
        let answers = (to(self.kubo).await, to(self.daemon.addr).await);
        self.compare(&format!("{method} {command} with {headers:?}"), alike, answers);
    }

    fn compare(&self, command: &str, alike: Alike, (kubo, ours): (Answer, Answer)) {
        let found = difference(alike, &kubo, &ours);
        self.differences.borrow_mut().extend(found.map(|found| format!("{command}: {found}")));
    }

    pub fn finish(self) {
        let differences = self.differences.into_inner();
        assert!(differences.is_empty(), "Kubo's answers and ours:\n{}", differences.join("\n"));
    }
}

/// Bytes that this Kubo has never seen, from another test or an earlier run: only then is what it has, has pinned, and has
/// pinned through what, the same as in an empty store.
pub fn fresh(size: usize) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().to_le_bytes();
    bytes(size).iter().zip(now.iter().cycle()).map(|(byte, salt)| byte ^ salt).collect()
}
