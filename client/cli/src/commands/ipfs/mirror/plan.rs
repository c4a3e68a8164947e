//! What is to be pinned, and what to be let go of.

use crate::commands::hex;
use decentralml_sdk::{ModelStatus, ModelVersion};
use decentralml_types::{Cid, Hash, TaskId, Version};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of the genesis hash in a name: enough to tell the chains of one store apart.
const MARK: usize = 4;

/// A file and what its pin is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    pub cid: Cid,
    pub name: String,
}

/// What the pins of this command are called, for one chain. By them it tells its own.
pub struct Names {
    ending: String,
}

/// What a pin of this command holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Model(TaskId, Version),
    Layers(TaskId),
}

impl Names {
    pub fn new(genesis: &Hash) -> Self {
        Self { ending: format!(", chain {}", hex(&genesis[..MARK])) }
    }

    fn model(&self, task: TaskId, version: Version) -> String {
        format!("released model {task}/{version}{}", self.ending)
    }

    fn layers(&self, task: TaskId) -> String {
        format!("layers of task {task}{}", self.ending)
    }

    /// What a pin of this name holds, if it is of this command and chain.
    fn parse(&self, name: &str) -> Option<Holds> {
        let rest = name.strip_suffix(&self.ending)?;
        let holds = match rest.strip_prefix("released model ") {
            Some(rest) => {
                let (task, version) = rest.split_once('/')?;
                Holds::Model(task.parse().ok()?, version.parse().ok()?)
            }
            None => Holds::Layers(rest.strip_prefix("layers of task ")?.parse().ok()?),
        };
        let again = match holds {
            Holds::Model(task, version) => self.model(task, version),
            Holds::Layers(task) => self.layers(task),
        };
        (again == name).then_some(holds)
    }
}

/// What a look at chain and store comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// To be kept, and pinned already: by this command, or under another name.
    pub kept: Vec<Named>,
    /// To be pinned.
    pub pin: Vec<Named>,
    /// Pinned by this command, and no longer to be kept.
    pub let_go: Vec<Named>,
}

impl Plan {
    /// `layers` are those that tasks with released versions name, and `pins` what the store has.
    ///
    /// Only what the chain says was recalled is let go of: a chain that knows nothing of a model, as one that begins anew, is no
    /// reason to lose it.
    pub fn new(
        names: &Names,
        models: &[ModelVersion],
        layers: &BTreeMap<TaskId, Option<Cid>>,
        pins: &BTreeMap<Cid, String>,
    ) -> Self {
        let is_released =
            |model: &&ModelVersion| matches!(model.status, ModelStatus::Released { .. });
        let is_recalled =
            |model: &&ModelVersion| matches!(model.status, ModelStatus::Recalled { .. });
        let mut wanted: BTreeMap<Cid, String> = BTreeMap::new();
        let mut tasks = BTreeSet::new();
        for model in models.iter().filter(is_released) {
            wanted.entry(model.cid).or_insert_with(|| names.model(model.task, model.version));
            tasks.insert(model.task);
        }
        for task in &tasks {
            if let Some(Some(cid)) = layers.get(task) {
                wanted.entry(*cid).or_insert_with(|| names.layers(*task));
            }
        }
        let recalled: BTreeSet<(TaskId, Version)> =
            models.iter().filter(is_recalled).map(|model| (model.task, model.version)).collect();
        let is_over = |holds| match holds {
            Holds::Model(task, version) => recalled.contains(&(task, version)),
            Holds::Layers(task) => {
                !tasks.contains(&task) && recalled.iter().any(|(recalled, _)| *recalled == task)
            }
        };
        let let_go = pins
            .iter()
            .filter(|(cid, _)| !wanted.contains_key(*cid))
            .filter(|(_, name)| names.parse(name).is_some_and(is_over))
            .map(|(cid, name)| Named { cid: *cid, name: name.clone() })
            .collect();
        let named = wanted.into_iter().map(|(cid, name)| Named { cid, name });
        let (kept, pin) = named.partition(|named| pins.contains_key(&named.cid));
        Self { kept, pin, let_go }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use decentralml_types::Codec;

    pub fn released() -> ModelStatus {
        ModelStatus::Released { at: 5 }
    }

    pub fn recalled() -> ModelStatus {
        ModelStatus::Recalled { at: 9, reason: "a leak".to_owned() }
    }

    pub fn model(task: TaskId, version: Version, cid: Cid, status: ModelStatus) -> ModelVersion {
        ModelVersion {
            task,
            version,
            cid,
            parent: None,
            round: 1,
            metric: 0,
            updates: 3,
            license: "Apache-2.0".to_owned(),
            recorded_at: 1,
            status,
        }
    }

    fn cid(digest: u8) -> Cid {
        Cid { codec: Codec::Raw, digest: [digest; 32] }
    }

    fn names() -> Names {
        Names::new(&[0xab; 32])
    }

    fn cids(named: &[Named]) -> Vec<Cid> {
        named.iter().map(|named| named.cid).collect()
    }

    #[test]
    fn names_are_read_back_and_others_are_not_ours() {
        let names = names();
        assert_eq!(names.model(7, 2), "released model 7/2, chain 0xabababab");
        assert_eq!(names.parse(&names.model(7, 2)), Some(Holds::Model(7, 2)));
        assert_eq!(names.parse(&names.layers(7)), Some(Holds::Layers(7)));
        for other in [
            "",
            "released model 7/2",
            "released model 7/2, chain 0xcdcdcdcd",
            "released model 07/2, chain 0xabababab",
            "released model 7, chain 0xabababab",
            "my released model 7/2, chain 0xabababab",
            "layers of task -1, chain 0xabababab",
        ] {
            assert_eq!(names.parse(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_released_is_pinned_with_its_layers_and_nothing_else() {
        let models = [
            model(1, 1, cid(1), released()),
            model(1, 2, cid(2), ModelStatus::Candidate),
            model(2, 1, cid(3), recalled()),
        ];
        let layers = BTreeMap::from([(1, Some(cid(9))), (2, Some(cid(8)))]);
        let plan = Plan::new(&names(), &models, &layers, &BTreeMap::new());
        assert_eq!(cids(&plan.pin), [cid(1), cid(9)]);
        assert_eq!((plan.kept.len(), plan.let_go.len()), (0, 0));
    }

    #[test]
    fn pins_of_others_stay_as_they_are() {
        let models = [model(1, 1, cid(1), released()), model(2, 1, cid(2), recalled())];
        let pins = BTreeMap::from([
            (cid(1), String::new()),
            (cid(2), "mine".to_owned()),
            (cid(3), "released model 2/1, chain 0x00000000".to_owned()),
        ]);
        let plan = Plan::new(&names(), &models, &BTreeMap::new(), &pins);
        assert_eq!(cids(&plan.kept), [cid(1)]);
        assert_eq!((plan.pin.len(), plan.let_go.len()), (0, 0));
    }

    #[test]
    fn only_what_was_recalled_is_let_go_of_and_layers_with_the_last_version() {
        let names = names();
        let pins = BTreeMap::from([
            (cid(1), names.model(1, 1)),
            (cid(2), names.model(1, 2)),
            (cid(9), names.layers(1)),
            // Of a task that this chain does not know, or no longer.
            (cid(5), names.model(5, 1)),
            (cid(6), names.layers(5)),
        ]);
        let layers = BTreeMap::from([(1, Some(cid(9)))]);
        let one = [model(1, 1, cid(1), recalled()), model(1, 2, cid(2), released())];
        let plan = Plan::new(&names, &one, &layers, &pins);
        assert_eq!(cids(&plan.let_go), [cid(1)]);
        assert_eq!(cids(&plan.kept), [cid(2), cid(9)]);
        let both = [model(1, 1, cid(1), recalled()), model(1, 2, cid(2), recalled())];
        let plan = Plan::new(&names, &both, &layers, &pins);
        assert_eq!(cids(&plan.let_go), [cid(1), cid(2), cid(9)]);
    }

    #[test]
    fn layers_of_a_task_that_was_removed_are_kept_while_a_version_is_released() {
        let names = names();
        let pins = BTreeMap::from([(cid(9), names.layers(1))]);
        let models = [model(1, 1, cid(1), released()), model(1, 2, cid(2), recalled())];
        let plan = Plan::new(&names, &models, &BTreeMap::from([(1, None)]), &pins);
        assert_eq!((cids(&plan.pin), plan.let_go.len()), (vec![cid(1)], 0));
    }

    #[test]
    fn the_same_bytes_released_and_recalled_are_kept() {
        let names = names();
        let models = [model(1, 1, cid(1), recalled()), model(2, 1, cid(1), released())];
        let pins = BTreeMap::from([(cid(1), names.model(1, 1))]);
        let plan = Plan::new(&names, &models, &BTreeMap::new(), &pins);
        assert_eq!((cids(&plan.kept), plan.let_go.len()), (vec![cid(1)], 0));
    }
}
