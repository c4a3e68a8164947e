//! Where a run goes on after it was stopped or killed.
//!
//! The file: a line of JSON, which says what follows and has its hash, then the model and the server's
//! state as they are stored everywhere.

use std::path::Path;

use decentralml_learning::{ControlVariate, ModelSpec, ServerOptimizer, ServerState, Weights};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    SimulateError,
    federation::hex,
    folder::{read_at_most, write_whole},
    report::RoundRecord,
};

/// Bytes that the line of JSON may have: a million rounds.
const MAX_HEAD: u64 = 1 << 29;

/// A run after some of its rounds.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    /// What names the run.
    pub(crate) digest: [u8; 32],
    pub(crate) model: Weights,
    pub(crate) server: ServerState,
    /// The server's control variate, of SCAFFOLD.
    pub(crate) variate: Option<ControlVariate>,
    /// The rounds that are done.
    pub(crate) rounds: Vec<RoundRecord>,
    /// The first round that reached the target.
    pub(crate) reached: Option<u32>,
    /// The devices on which its clients trained, in that order.
    pub(crate) devices: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    run: String,
    /// Of what follows.
    sha256: String,
    model_bytes: u64,
    server_bytes: u64,
    /// 0 where there is none.
    variate_bytes: u64,
    reached: Option<u32>,
    #[serde(default)]
    devices: Vec<String>,
    rounds: Vec<RoundRecord>,
}

impl Checkpoint {
    pub(crate) fn write(
        &self,
        path: &Path,
        spec: &ModelSpec,
        optimizer: &ServerOptimizer,
    ) -> Result<(), SimulateError> {
        let model = self.model.to_bytes();
        let server = self.server.to_bytes(optimizer, spec)?;
        let variate = self.variate.as_ref().map(ControlVariate::to_bytes).unwrap_or_default();
        let head = Head {
            run: hex(&self.digest),
            sha256: hash(&[&model, &server, &variate]),
            model_bytes: model.len() as u64,
            server_bytes: server.len() as u64,
            variate_bytes: variate.len() as u64,
            reached: self.reached,
            devices: self.devices.clone(),
            rounds: self.rounds.clone(),
        };
        let mut head =
            serde_json::to_vec(&head).map_err(|error| SimulateError::Other(error.to_string()))?;
        head.push(b'\n');
        write_whole(path, &[&head, &model, &server, &variate])
    }

    /// Reads the checkpoint of this run; nothing where there is none. Fails with
    /// [`SimulateError::Changed`] for the checkpoint of another run.
    pub(crate) fn read(
        path: &Path,
        digest: [u8; 32],
        spec: &ModelSpec,
        optimizer: &ServerOptimizer,
    ) -> Result<Option<Self>, SimulateError> {
        if !path.exists() {
            return Ok(None);
        }
        let weights = Weights::byte_length(spec);
        let sizes = [2 * weights, ServerState::byte_length(optimizer, spec)];
        let most = sizes.iter().map(|&size| size as u64).sum::<u64>() + MAX_HEAD;
        let bytes = read_at_most(path, most)?;
        let broken = |problem: &str| SimulateError::Broken {
            path: path.to_owned(),
            problem: format!("{problem}: start anew with --restart"),
        };
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let (head, rest) = bytes.split_at(end.ok_or_else(|| broken("is no checkpoint"))?);
        let rest = rest.get(1..).unwrap_or_default();
        let head: Head = serde_json::from_slice(head)
            .map_err(|error| broken(&format!("is no checkpoint of this version ({error})")))?;
        if head.run != hex(&digest) {
            let path = path.parent().unwrap_or(path).to_owned();
            return Err(SimulateError::Changed { path, round: head.rounds.len() as u32 });
        }
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let parts = rest.split_at_checked(size(head.model_bytes)).and_then(|(model, rest)| {
            let (server, variate) = rest.split_at_checked(size(head.server_bytes))?;
            Some((model, server, variate))
        });
        let Some((model, server, variate)) =
            parts.filter(|parts| parts.2.len() as u64 == head.variate_bytes)
        else {
            return Err(broken("is cut off"));
        };
        if hash(&[model, server, variate]) != head.sha256 {
            return Err(broken("is damaged"));
        }
        let malformed = |source| SimulateError::Malformed { path: path.to_owned(), source };
        Ok(Some(Self {
            digest,
            model: Weights::from_bytes(model, spec).map_err(malformed)?,
            server: ServerState::from_bytes(server, optimizer, spec).map_err(malformed)?,
            variate: match variate {
                [] => None,
                bytes => Some(ControlVariate::from_bytes(bytes, spec).map_err(malformed)?),
            },
            rounds: head.rounds,
            reached: head.reached,
            devices: head.devices,
        }))
    }
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_checkpoint_comes_back_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let spec = ModelSpec::mlp(4, &[3], 2);
        let optimizer = ServerOptimizer::FedAvgM { rate: 1.0, momentum: 0.9 };
        let read = |digest| Checkpoint::read(&path, digest, &spec, &optimizer);
        assert!(read([1; 32]).unwrap().is_none());
        let checkpoint = Checkpoint {
            digest: [1; 32],
            model: Weights::init(&spec, [5; 32]),
            server: optimizer.start(&spec).unwrap(),
            variate: Some(ControlVariate::zero(&spec)),
            rounds: vec![RoundRecord::default(); 3],
            reached: Some(2),
            devices: vec!["cpu".to_owned(), "cuda:1".to_owned()],
        };
        checkpoint.write(&path, &spec, &optimizer).unwrap();
        let found = read([1; 32]).unwrap().unwrap();
        assert_eq!((found.model, found.server), (checkpoint.model, checkpoint.server));
        assert_eq!(found.variate, checkpoint.variate);
        assert_eq!((found.rounds.len(), found.reached), (3, Some(2)));
        assert_eq!(found.devices, ["cpu", "cuda:1"]);
        let error = read([2; 32]).unwrap_err().to_string();
        assert!(error.contains("after round 3 of another run"), "{error}");

        let bytes = std::fs::read(&path).unwrap();
        for (damaged, expected) in [
            (bytes[..bytes.len() - 1].to_vec(), "is cut off"),
            ([&bytes[..bytes.len() - 1], b"x"].concat(), "is damaged"),
            (b"{}".to_vec(), "is no checkpoint"),
            (b"{}\n".to_vec(), "is no checkpoint of this version"),
        ] {
            std::fs::write(&path, damaged).unwrap();
            let error = read([1; 32]).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("--restart"), "{error}");
        }
    }
}
