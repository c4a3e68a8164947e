//! Query parameters as Kubo reads them.

use super::answer::Failure;
use crate::{WrittenCid, unixfs::DagPath};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// The value of an option, or `None` when it is not given. Given twice, it is an error.
    pub fn get(&self, name: &str) -> Result<Option<&str>, Failure> {
        let values: Vec<&str> = self.all(name).collect();
        match values[..] {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(Failure::request(format!(
                "expected key {name} to have only a single value, received [{}]",
                values.join(" ")
            ))),
        }
    }

    /// A flag, or `None` when it is not given. The name alone sets it.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        let Some(text) = self.get(name)? else { return Ok(None) };
        match text.to_lowercase().as_str() {
            "true" | "t" | "1" | "" => Ok(Some(true)),
            "false" | "f" | "0" => Ok(Some(false)),
            _ => Err(unreadable(name, text, "bool")),
        }
    }

    /// A small number, or `None` when it is not given.
    pub fn int(&self, name: &str) -> Result<Option<i32>, Failure> {
        let number = |text: &str| text.parse().map_err(|_| unreadable(name, text, "int"));
        self.get(name)?.map(number).transpose()
    }

    /// A number of bytes, or `None` when it is not given.
    pub fn bytes(&self, name: &str) -> Result<Option<u64>, Failure> {
        let number = |text: &str| {
            let number: i64 = text.parse().map_err(|_| unreadable(name, text, "int64"))?;
            u64::try_from(number)
                .map_err(|_| Failure::command(format!("cannot specify negative {name}")))
        };
        self.get(name)?.map(number).transpose()
    }

    /// Refuses an option for which there is nothing here that could do it.
    pub fn without(&self, name: &str) -> Result<(), Failure> {
        match self.get(name)? {
            None | Some("") => Ok(()),
            Some(value) => Err(Failure::command(format!("unsupported option {name}={value}"))),
        }
    }

    /// All CIDs given as `arg`, as they were written: so they are answered. At least one; `called` is the argument's name in
    /// Kubo's help.
    pub fn some_cids(&self, called: &str) -> Result<Vec<WrittenCid>, Failure> {
        let cids = self.cids()?;
        if cids.is_empty() {
            return Err(required(called));
        }
        Ok(cids)
    }

    /// [`Params::some_cids`], or none.
    pub fn cids(&self) -> Result<Vec<WrittenCid>, Failure> {
        self.args().map(cid).collect()
    }

    /// The first CID given as `arg`; commands about one take no notice of the others.
    pub fn cid(&self, called: &str) -> Result<WrittenCid, Failure> {
        self.args().next().map_or_else(|| Err(required(called)), cid)
    }

    /// The first path given as `arg`.
    pub fn path(&self, called: &str) -> Result<DagPath, Failure> {
        self.args().next().map_or_else(|| Err(required(called)), path)
    }

    /// All paths given as `arg`; at least one.
    pub fn some_paths(&self, called: &str) -> Result<Vec<DagPath>, Failure> {
        let paths = self.args().map(path).collect::<Result<Vec<_>, _>>()?;
        if paths.is_empty() {
            return Err(required(called));
        }
        Ok(paths)
    }

    /// What is given as `arg`, as it was written.
    pub fn args(&self) -> impl Iterator<Item = &str> {
        self.all("arg")
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn path(arg: &str) -> Result<DagPath, Failure> {
    DagPath::parse(arg).map_err(|error| Failure::command(format!("invalid path {arg:?}: {error}")))
}

/// A CID, as it is or as the path `/ipfs/CID`.
fn cid(arg: &str) -> Result<WrittenCid, Failure> {
    let text = arg.strip_prefix("/ipfs/").unwrap_or(arg).trim_end_matches('/');
    if text.contains('/') {
        return Err(Failure::command(format!("paths inside of a DAG are not supported: {arg}")));
    }
    WrittenCid::parse(text)
        .map_err(|error| Failure::command(format!("invalid path {arg:?}: {error}")))
}

fn required(called: &str) -> Failure {
    Failure::request(format!("argument {called:?} is required"))
}

fn unreadable(option: &str, text: &str, kind: &str) -> Failure {
    let value = if text.is_empty() { "empty value".into() } else { format!("value {text:?}") };
    Failure::request(format!(
        "could not convert {value} to type {kind:?} (for option \"-{option}\")"
    ))
}
