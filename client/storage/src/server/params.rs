//! Query parameters as Kubo reads them: names may repeat, flags are `true`, `false`, `1`, `0` or empty.

use super::answer::Failure;
use crate::parse_cid;
use decentralml_types::Cid;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// The last value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    /// A flag, or `None` when it is not given.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some("true" | "1" | "") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => Err(unreadable(name, other, "bool")),
        }
    }

    /// A number of bytes, or `None` when it is not given.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        let number = |text: &str| {
            let number: i64 = text.parse().map_err(|_| unreadable(name, text, "int64"))?;
            u64::try_from(number)
                .map_err(|_| Failure::command(format!("cannot specify negative {name}")))
        };
        self.get(name).map(number).transpose()
    }

    /// All CIDs given as `arg`, with or without `/ipfs/` before them; at least one. `called` is the argument's name in
    /// Kubo's help.
    pub fn some_cids(&self, called: &str) -> Result<Vec<Cid>, Failure> {
        let cids = self.cids()?;
        if cids.is_empty() {
            return Err(Failure::request(format!("argument {called:?} is required")));
        }
        Ok(cids)
    }

    /// [`Params::some_cids`], or none.
    pub fn cids(&self) -> Result<Vec<Cid>, Failure> {
        self.all("arg")
            .map(|arg| {
                let text = arg.strip_prefix("/ipfs/").unwrap_or(arg);
                if text.contains('/') {
                    return Err(Failure::command(format!(
                        "paths inside of a DAG are not supported: {arg}"
                    )));
                }
                Ok(parse_cid(text)?)
            })
            .collect()
    }

    /// The one CID given as `arg`. Kubo takes more for some commands.
    pub fn cid(&self, called: &str) -> Result<Cid, Failure> {
        match self.some_cids(called)?[..] {
            [cid] => Ok(cid),
            _ => Err(Failure::request(format!("only one argument {called:?} is supported"))),
        }
    }

    fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn unreadable(option: &str, text: &str, kind: &str) -> Failure {
    Failure::request(format!(
        "could not convert value {text:?} to type {kind:?} (for option \"-{option}\")"
    ))
}
