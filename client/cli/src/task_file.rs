//! A task as people write it: a TOML file in human units, and what becomes of it on chain.

mod aggregation;
mod encoding;
mod training;

use crate::{
    exit::{Kind, OfKind, problem},
    units::{Amount, PaidIn, Share, Size},
};
use aggregation::{Aggregate, Server};
use color_eyre::Result;
use decentralml_learning::{LayerSpec, ModelSpec, RowSpec, Task, data};
use decentralml_protocol::spec::check;
use decentralml_sdk::Properties;
use decentralml_types::{
    Cid, Seed,
    limits::MAX_UPDATE_BYTES,
    spec::{
        Chances, Committee, Custody, Deadlines, InitialModel, Objective, TaskSpec, Terms, Text,
        TrainerCount,
    },
};
use decentralml_worker::model::update_length;
use encoding::Wire;
use serde::{Deserialize, Deserializer};
use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};
use training::Training;

/// A task file. `client/cli/examples/digits.toml` explains every key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    pub name: String,
    pub license: String,
    pub rounds: u32,
    pub target: Option<Share>,
    pub max_retries: u8,
    pub seed: Option<Hex>,
    pub weights: Option<Cid>,
    /// What an update of the model has, or has at most, where it is left out.
    pub max_update_size: Option<Size>,
    pub validation: Validation,
    pub objective: Rows,
    pub model: Model,
    pub training: Training,
    pub aggregation: Aggregate,
    /// The change is added as it is where it is left out.
    pub server: Option<Server>,
    /// 16 bits, rounded to the nearest, where it is left out.
    #[serde(default)]
    pub encoding: Wire,
    /// Open, and in the trainers' own stores alone, where it is left out.
    #[serde(default)]
    pub custody: Custody,
    pub trainers: TrainerCount,
    pub committee: Committee,
    pub deadlines: Deadlines,
    pub terms: Money,
}

/// Table `[validation]`: a file, or the CID of one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    pub file: Option<PathBuf>,
    pub cid: Option<Cid>,
    pub max_size: Size,
}

/// Table `[objective]`: the shape of a row, with a label or with quantities.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    pub features: u32,
    pub classes: Option<u32>,
    pub quantities: Option<u32>,
}

impl Rows {
    fn on_chain(self) -> Result<Objective> {
        let features = self.features;
        match (self.classes, self.quantities) {
            (Some(classes), None) => Ok(Objective::Classification { features, classes }),
            (None, Some(quantities)) => Ok(Objective::Regression { features, quantities }),
            _ => Err(wrong("[objective]: give either `classes` or `quantities`")),
        }
    }
}

/// Table `[model]`: layers, the file that has them, or the name of a ready model.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub name: Option<String>,
    pub file: Option<PathBuf>,
    pub input: Option<Vec<u32>>,
    pub layers: Option<Vec<LayerSpec>>,
    /// What the layers are for: what the objective says, where it is left out.
    pub task: Option<Task>,
    /// What a row means to them: normalization, names of classes, vocabulary.
    pub rows: Option<RowSpec>,
}

impl Model {
    /// The layers in a file.
    pub fn in_file(path: PathBuf) -> Self {
        Self { file: Some(path), ..Self::default() }
    }
}

/// Table `[terms]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// What the next two are in.
    #[serde(default)]
    pub asset: PaidIn,
    pub reward_per_round: Amount,
    pub fee_per_seat: Amount,
    pub trainer_bond: Amount,
    pub evaluator_bond: Amount,
    /// Anybody may take part where it is left out.
    #[serde(default)]
    pub min_reputation: u16,
    /// Every account has the same chance where it is left out.
    #[serde(default)]
    pub draw: Chances,
    /// None are announced where it is left out.
    #[serde(default)]
    pub golds: u8,
}

/// 32 bytes as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex(pub Seed);

impl FromStr for Hex {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut bytes = [0; 32];
        let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            let pair = digits.then(|| text.get(at..at + 2)).flatten();
            let value = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            *byte = value.ok_or("expected 64 hexadecimal digits")?;
        }
        Ok(Self(bytes))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What the spec refers to by CID and is known only once it is in the store.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    pub model: Cid,
    pub validation_set: Cid,
}

impl TaskFile {
    /// Reads a file; the paths in it are meant from its folder.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| wrong(format!("{name}: {error}; check the path")))?;
        let mut file = Self::parse(&text).map_err(|error| wrong(format!("{name}: {error}")))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for path in [&mut file.validation.file, &mut file.model.file].into_iter().flatten() {
            *path = folder.join(&*path);
        }
        Ok(file)
    }

    /// Reads the text of a file. Errors show the line.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).of_kind(Kind::Usage)
    }

    /// The layers, checked against the objective.
    pub fn model_spec(&self) -> Result<ModelSpec> {
        let objective = self.objective.on_chain()?;
        let (task, features, outputs) = match objective {
            Objective::Classification { features, classes } => {
                (Task::Classification, features, classes)
            }
            Objective::Regression { features, quantities } => {
                (Task::Regression, features, quantities)
            }
        };
        let Model { name, file, input, layers, task: given, rows } = &self.model;
        let spec = match (name, file, input, layers, given) {
            (None, Some(path), None, None, None) => read_model(path)?,
            (None, None, Some(input), Some(layers), given) => {
                ModelSpec::new(input.clone(), layers.clone()).with_task(given.unwrap_or(task))
            }
            (Some(name), None, input, None, None) => {
                let spec = ModelSpec::named_for(task, name, input.as_deref(), Some(outputs));
                spec.map_err(|error| wrong(format!("[model]: {error}")))?
            }
            _ => {
                return Err(wrong(
                    "[model]: give either `file`, or `input` and `layers`, with the `task` that they are for where [objective] \
                     does not say it, or the `name` of a ready model, with its `input` where that is another than usual",
                ));
            }
        };
        let spec = match (rows, file) {
            (None, _) => spec,
            (Some(rows), None) => spec.with_rows(rows.clone()),
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "[model]: with a `file`, `rows` stand in that file: move them there",
                ));
            }
        };
        spec.validate().map_err(|error| wrong(format!("[model]: {error}")))?;
        if (spec.task == Task::Regression) != (task == Task::Regression) {
            return Err(wrong(format!(
                "[model]: it is for a {}, but [objective] has {}",
                spec.task.name(),
                if task == Task::Regression { "quantities" } else { "classes" },
            )));
        }
        if (spec.features(), spec.classes()) != (features as usize, outputs as usize) {
            let found = spec.classes();
            let what = match task {
                Task::Regression => format!("predicts {found} quantities"),
                _ => format!("tells {found} classes apart"),
            };
            return Err(wrong(format!(
                "[model]: it takes {} features and {what}, but [objective] says {features} and {outputs}",
                spec.features(),
            )));
        }
        Ok(spec)
    }

    /// The rows of the validation file as the CSV that goes into the store: label or quantities last, no header.
    ///
    /// `None` where the file names a CID.
    pub fn validation_rows(&self) -> Result<Option<Vec<u8>>> {
        let path = match (&self.validation.file, &self.validation.cid) {
            (Some(path), None) => path,
            (None, Some(_)) => return Ok(None),
            _ => return Err(wrong("[validation]: give either `file` or `cid`")),
        };
        let model = self.model_spec()?;
        let RowSpec { labels, vocabulary, .. } = model.rows.clone();
        let options = data::ReadOptions {
            classes: self.objective.classes.map(|classes| classes as usize),
            quantities: self.objective.quantities.map_or(0, |quantities| quantities as usize),
            names: labels,
            steps: Some(self.objective.features as usize),
            vocabulary,
            ..data::ReadOptions::default()
        };
        let rows = data::read_file(path, None, &options)?;
        if rows.columns() != self.objective.features as usize {
            return Err(problem(
                Kind::Data,
                format!(
                    "{}: {} features in a row, but [objective] says {}",
                    path.display(),
                    rows.columns(),
                    self.objective.features
                ),
            ));
        }
        let suit = model.check_rows(&rows);
        suit.map_err(|error| problem(Kind::Data, format!("{}: {error}", path.display())))?;
        let mut bytes = Vec::new();
        data::write_csv(&rows, &mut bytes, &path.display().to_string())?;
        let limit = self.validation.max_size.0;
        if bytes.len() as u64 > limit {
            let size = bytes.len();
            return Err(wrong(format!("[validation]: {size} bytes, more than `max_size` {limit}")));
        }
        Ok(Some(bytes))
    }

    /// The spec as the chain keeps it, checked by the rules of the protocol and against the model. Rewards and fees are written in
    /// `unit`, all else in `token`.
    pub fn spec(
        &self,
        model: &ModelSpec,
        stored: Stored,
        random: Seed,
        token: &Properties,
        unit: &Properties,
    ) -> Result<TaskSpec> {
        let mut spec = TaskSpec {
            name: text("name", &self.name)?,
            license: text("license", &self.license)?,
            model: stored.model,
            initial: self.initial(random)?,
            objective: self.objective.on_chain()?,
            training: self.training.on_chain(&self.trainers)?,
            aggregation: self.aggregation.on_chain(self.server, &self.trainers)?,
            encoding: self.encoding.on_chain(),
            max_update_bytes: self.max_update_size.map_or(MAX_UPDATE_BYTES, |size| size.0),
            custody: self.custody.clone(),
            validation_set: stored.validation_set,
            max_validation_bytes: self.validation.max_size.0,
            rounds: self.rounds,
            target: self.target.map(|target| target.0),
            max_retries: self.max_retries,
            trainers: self.trainers.clone(),
            committee: self.committee.clone(),
            deadlines: self.deadlines.clone(),
            terms: self.terms.on_chain(token, unit)?,
        };
        check(&spec).map_err(|error| wrong(error.to_string()))?;
        let needed = update_length(model, &spec).map_err(|error| wrong(error.to_string()))?;
        let allowed = spec.max_update_bytes;
        // No model that is valid comes near the protocol's limit.
        if needed > allowed {
            return Err(wrong(format!(
                "`max_update_size` allows {allowed} bytes, but {} of this model has {needed} at {} bits; set it to {needed} or \
                 more, or leave it out",
                if spec.encoding.is_packed() { "the longest update" } else { "every update" },
                spec.encoding.bits
            )));
        }
        if self.max_update_size.is_none() {
            spec.max_update_bytes = needed;
        }
        Ok(spec)
    }

    fn initial(&self, random: Seed) -> Result<InitialModel> {
        match (self.seed, self.weights) {
            (Some(_), Some(_)) => Err(wrong("give either `seed` or `weights`, not both")),
            (Some(Hex(seed)), None) => Ok(InitialModel::Seed(seed)),
            (None, Some(cid)) => Ok(InitialModel::Weights(cid)),
            (None, None) => Ok(InitialModel::Seed(random)),
        }
    }
}

impl Money {
    fn on_chain(&self, token: &Properties, unit: &Properties) -> Result<Terms> {
        let smallest = |name: &str, amount: &Amount, unit| {
            amount.planck(unit).map_err(|error| wrong(format!("[terms] `{name}`: {error}")))
        };
        Ok(Terms {
            asset: self.asset.0,
            reward_per_round: smallest("reward_per_round", &self.reward_per_round, unit)?,
            fee_per_seat: smallest("fee_per_seat", &self.fee_per_seat, unit)?,
            trainer_bond: smallest("trainer_bond", &self.trainer_bond, token)?,
            evaluator_bond: smallest("evaluator_bond", &self.evaluator_bond, token)?,
            min_reputation: self.min_reputation,
            draw: self.draw,
            golds: self.golds,
        })
    }
}

/// Reads the layers of a model: TOML, or JSON by the ending of the name.
pub fn read_model(path: &Path) -> Result<ModelSpec> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| wrong(format!("{name}: {error}; check the path")))?;
    let spec = match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => ModelSpec::from_json(text.as_bytes()),
        _ => ModelSpec::from_toml(&text),
    };
    spec.map_err(|error| wrong(format!("{name}: {error}")))
}

fn text(field: &str, text: &str) -> Result<Text> {
    Text::try_from(text.as_bytes().to_vec())
        .map_err(|_| wrong(format!("`{field}` has {} bytes, at most 64 are allowed", text.len())))
}

fn wrong(message: impl Into<String>) -> color_eyre::Report {
    problem(Kind::Usage, message)
}

#[cfg(test)]
mod tests;
