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
            Some(other) => Err(Failure::request(format!("option {name:?} is no flag: {other:?}"))),
        }
    }

    /// A number of bytes, or `None` when it is not given.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        let number = |text: &str| {
            text.parse()
                .map_err(|_| Failure::request(format!("option {name:?} is no size: {text:?}")))
        };
        self.get(name).map(number).transpose()
    }

    /// All CIDs given as `arg`, with or without `/ipfs/` before them.
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

    /// The one CID given as `arg`.
    pub fn cid(&self) -> Result<Cid, Failure> {
        match self.cids()?[..] {
            [cid] => Ok(cid),
            [] => Err(Failure::request("argument \"arg\" is required")),
            _ => Err(Failure::request("only one argument \"arg\" is allowed")),
        }
    }

    fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
