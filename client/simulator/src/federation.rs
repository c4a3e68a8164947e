//! A run file with all that it names: rows, clients and the model.

use std::path::Path;

use decentralml_learning::{
    Dataset, Encoding, ModelSpec, Task, Weights,
    compress::Codec,
    data::{self, Partition, ReadOptions},
};
use decentralml_protocol::draw;
use sha2::{Digest, Sha256};

use crate::{
    Clients, RunFile, SimulateError,
    file::{DataFile, Hostile, ModelFile},
    folder::read_at_most,
    random::{Purpose, key},
};

/// Bytes that a file of layers may have.
const MAX_MODEL_BYTES: u64 = 1 << 20;

/// All that a run works with. It never changes.
#[derive(Debug)]
pub struct Federation {
    /// What is run.
    pub file: RunFile,
    /// The model.
    pub spec: ModelSpec,
    /// The rows of all clients.
    pub rows: Dataset,
    /// The rows that no client has.
    pub test: Dataset,
    /// Who has which rows.
    pub clients: Clients,
    /// What names the run: SHA2-256 of this program's version, the run file's fields, the model
    /// and the rows.
    pub digest: [u8; 32],
    pub(crate) encoding: Encoding,
    pub(crate) codec: Option<Codec>,
    /// Of the changes of control variates, which are gradients: fine, and up to 128.
    pub(crate) variates: Encoding,
}

impl Federation {
    /// Reads and divides the rows; files are meant from `folder`.
    pub fn load(file: &RunFile, folder: &Path) -> Result<Self, SimulateError> {
        file.check()?;
        if !file.sweep.is_empty() || !file.seeds.is_empty() {
            return Err(SimulateError::field("sweep", "has several runs; load one of them"));
        }
        let (rows, test) = rows(&file.data, folder, file.seed)?;
        let spec = model(&file.model, folder, &rows)?;
        spec.check_rows(&rows)?;
        spec.check_rows(&test)?;
        if spec.task != Task::Regression && file.target.is_some_and(|target| target > 1.0) {
            let problem = "is an accuracy here: 0 to 1, such as 0.95";
            return Err(SimulateError::field("target", problem));
        }
        let flips = file.attack.is_some_and(|attack| attack.kind == Hostile::LabelFlip);
        if flips && rows.quantities() > 0 {
            let problem = "label_flip: these rows have quantities, and no labels";
            return Err(SimulateError::field("attack.kind", problem));
        }
        let clients = match (&file.rows_per_client, &file.partition) {
            (Some(each), _) => Clients::sharing(&rows, *each, file.clients, file.seed)?,
            (None, how) => {
                let how = how.unwrap_or(Partition::Iid);
                Clients::divided(&rows, &how, file.clients, file.seed)?
            }
        };
        let digest = digest(file, &spec, [&rows, &test])?;
        let (encoding, codec) = (file.encoding.exact()?, file.encoding.codec()?);
        let variates = Encoding::new(32, 24, i32::MAX)
            .map_err(|error| SimulateError::field("scaffold", error.to_string()))?;
        let file = file.clone();
        Ok(Self { file, spec, rows, test, clients, digest, encoding, codec, variates })
    }

    /// The digest in hexadecimal digits.
    pub fn name(&self) -> String {
        hex(&self.digest)
    }

    /// The model before the first round.
    pub fn first_model(&self) -> Weights {
        Weights::init(&self.spec, key(self.file.seed, Purpose::Model, 0, 0))
    }

    /// Who takes part in a round, by the draw of the chain.
    pub fn cohort(&self, round: u32) -> Vec<u32> {
        let (drawn, all) = (self.file.cohort(), self.clients.count());
        if drawn == all {
            return (0..all).collect();
        }
        let seed = key(self.file.seed, Purpose::Cohort, round, 0);
        let key = draw::key(&seed, b"simulate/cohort");
        (0..drawn).map(|place| draw::slot_at(&key, place, all)).collect()
    }

    /// Whether a client is hostile: as many as the run file says are drawn.
    pub fn is_hostile(&self, client: u32) -> bool {
        let hostile = self.file.hostile();
        if hostile == 0 {
            return false;
        }
        let seed = key(self.file.seed, Purpose::Hostile, 0, 0);
        let key = draw::key(&seed, b"simulate/hostile");
        draw::place_of(&key, client, self.clients.count()) < hostile
    }
}

/// Rows to train on, and rows to evaluate on.
fn rows(file: &DataFile, folder: &Path, run: u64) -> Result<(Dataset, Dataset), SimulateError> {
    let read_as = |path: &Path, labels: Option<&Path>, options: &ReadOptions| {
        let labels = labels.map(|labels| folder.join(labels));
        data::read_file(&folder.join(path), labels.as_deref(), options)
    };
    let read = |path: &Path, labels: Option<&Path>| read_as(path, labels, &file.options());
    let all = match file.file.as_os_str() == "digits" {
        true => data::digits()?,
        false => read(&file.file, file.labels.as_deref())?,
    };
    let (rows, test) = match &file.test {
        Some(test) => {
            let mut options = file.options();
            // Folders of images are numbered as they come: a class may be missing from one of the two.
            if options.names.is_empty() && folder.join(test).is_dir() {
                options.names = all.names().to_vec();
            }
            let test = read_as(test, file.test_labels.as_deref(), &options)?;
            (all, test)
        }
        None => {
            // Millionths of a share between 0 and 1.
            let held_out = (file.held_out.unwrap_or(0.2) * 1e6) as u32;
            let shares = [1_000_000 - held_out.min(1_000_000), held_out];
            let mut parts = all.split(&shares, key(run, Purpose::HeldOut, 0, 0)).into_iter();
            match (parts.next(), parts.next()) {
                (Some(rows), Some(test)) if test.rows() > 0 => (rows, test),
                _ => {
                    return Err(SimulateError::field(
                        "data.held_out",
                        format!("of {} rows it leaves none for the evaluation", all.rows()),
                    ));
                }
            }
        }
    };
    let rows = match file.rows.map(|rows| rows as usize) {
        Some(wanted) if wanted > rows.rows() => {
            let problem = format!("{wanted}, but there are {} to train on", rows.rows());
            return Err(SimulateError::field("data.rows", problem));
        }
        Some(wanted) => {
            let order = rows.partition(&Partition::Iid, 1, key(run, Purpose::Limit, 0, 0))?;
            let order: Vec<usize> = order.into_iter().flatten().take(wanted).collect();
            rows.subset(&order)
        }
        None => rows,
    };
    Ok((rows, test))
}

fn model(file: &ModelFile, folder: &Path, rows: &Dataset) -> Result<ModelSpec, SimulateError> {
    if let Some(path) = &file.file {
        let path = folder.join(path);
        let bytes = read_at_most(&path, MAX_MODEL_BYTES)?;
        return Ok(match path.extension().is_some_and(|ending| ending == "json") {
            true => ModelSpec::from_json(&bytes)?,
            false => ModelSpec::from_toml(&String::from_utf8_lossy(&bytes))?,
        });
    }
    let name = file.name.as_deref().unwrap_or_default();
    let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
    let input = match &file.input {
        Some(input) => input.clone(),
        None => rows.shape().iter().map(|&length| size(length)).collect(),
    };
    let outputs = match (file.outputs, rows.quantities()) {
        (Some(outputs), _) => outputs,
        (None, 0) => size(rows.classes()),
        (None, quantities) => size(quantities),
    };
    let spec = ModelSpec::named(name, Some(&input), Some(outputs))?;
    let spec = match rows.quantities() {
        0 => spec,
        _ => spec.with_task(Task::Regression),
    };
    let Some(meaning) = &file.rows else { return Ok(spec) };
    let spec = spec.with_rows(meaning.clone());
    spec.validate()?;
    Ok(spec)
}

/// What a checkpoint must agree with. The name and how often something is written are left out: they
/// change no number.
fn digest(
    file: &RunFile,
    spec: &ModelSpec,
    data: [&Dataset; 2],
) -> Result<[u8; 32], SimulateError> {
    let told = |error: serde_json::Error| SimulateError::Other(error.to_string());
    let file = RunFile { name: String::new(), checkpoint_every: 0, ..file.clone() };
    let mut hash = Sha256::new();
    // Another version may draw, train or aggregate in another way.
    let version = env!("CARGO_PKG_VERSION").as_bytes().to_vec();
    for part in [version, serde_json::to_vec(&file).map_err(told)?, spec.to_canonical_json()?] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    for data in data {
        let (groups, shape) = (data.groups(), data.shape());
        let sizes = [data.rows(), data.columns(), data.quantities(), data.classes()];
        for &size in sizes.iter().chain([&groups.len(), &shape.len()]).chain(shape) {
            hash.update((size as u64).to_le_bytes());
        }
        groups.iter().for_each(|group| hash.update(group.to_le_bytes()));
        let numbers = |numbers: &[f32]| -> Vec<u8> {
            numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
        };
        data.features().chunks(1 << 16).for_each(|chunk| hash.update(numbers(chunk)));
        for chunk in data.labels().chunks(1 << 16) {
            let labels: Vec<u8> = chunk.iter().flat_map(|label| label.to_le_bytes()).collect();
            hash.update(labels);
        }
        (0..data.rows()).for_each(|row| hash.update(numbers(data.quantities_of(row))));
    }
    Ok(hash.finalize().into())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::file::{Attack, Cohort, EXAMPLE};

    fn file() -> RunFile {
        RunFile::from_toml(EXAMPLE).unwrap()
    }

    fn load(file: &RunFile) -> Federation {
        Federation::load(file, Path::new("")).unwrap()
    }

    #[test]
    fn a_cohort_has_different_clients_and_another_round_others() {
        let mut file = file();
        file.clients_per_round = Cohort::Count(file.clients / 2);
        let federation = load(&file);
        let first = federation.cohort(0);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), file.clients as usize / 2);
        assert!(sorted.iter().all(|&client| client < file.clients));
        assert_ne!(first, federation.cohort(1));
        assert_eq!(first, federation.cohort(0));
        file.seed += 1;
        assert_ne!(first, load(&file).cohort(0));
    }

    #[test]
    fn as_many_clients_are_hostile_as_the_file_says() {
        let mut file = file();
        file.attack = Some(Attack { share: 0.3, kind: Hostile::FreeRider });
        let federation = load(&file);
        let found = (0..file.clients).filter(|&client| federation.is_hostile(client)).count();
        assert_eq!(found as u32, file.hostile());
        assert!(found > 0);
    }

    #[test]
    fn the_digest_follows_what_changes_numbers_and_nothing_else() {
        let mut file = file();
        let first = load(&file).digest;
        file.name = "another".to_owned();
        file.checkpoint_every += 1;
        assert_eq!(load(&file).digest, first);
        file.rounds += 1;
        assert_ne!(load(&file).digest, first);
        file.rounds -= 1;
        file.data.held_out = Some(0.3);
        assert_ne!(load(&file).digest, first);
    }

    #[test]
    fn the_digest_follows_groups_shape_and_classes() {
        let (file, rows) = (file(), data::digits().unwrap());
        let spec = ModelSpec::mlp(64, &[], 10);
        let of = |rows: &Dataset| digest(&file, &spec, [rows, rows]).unwrap();
        let as_rows = rows.clone().with_shape(vec![64]).unwrap();
        let as_image = rows.clone().with_shape(vec![8, 8]).unwrap();
        let grouped = rows.clone().with_groups(vec![0; rows.rows()]).unwrap();
        let (features, labels) = (rows.features().to_vec(), rows.labels().to_vec());
        let more = Dataset::new(features, labels, 64, 11).unwrap().with_shape(vec![64]).unwrap();
        assert_ne!(of(&as_rows), of(&as_image));
        assert_ne!(of(&rows), of(&grouped));
        assert_ne!(of(&as_rows), of(&more));
    }

    #[test]
    fn targets_and_attacks_have_to_fit_the_rows() {
        let folder = tempfile::tempdir().unwrap();
        let rows = "1,2,3\n".repeat(40);
        std::fs::write(folder.path().join("rows.csv"), rows).unwrap();
        let refused =
            |file: &RunFile| Federation::load(file, folder.path()).unwrap_err().to_string();
        let error = refused(&RunFile { target: Some(95.0), ..file() });
        assert!(error.starts_with("`target`"), "{error}");
        let data = DataFile { file: "rows.csv".into(), quantities: 2, ..DataFile::default() };
        let flipping = RunFile {
            data,
            clients: 4,
            clients_per_round: Cohort::Share(1.0),
            partition: None,
            rows_per_client: Some(2),
            target: Some(2.0),
            model: ModelFile { name: Some("mlp".to_owned()), ..ModelFile::default() },
            attack: Some(Attack { share: 0.3, kind: Hostile::LabelFlip }),
            ..file()
        };
        let error = refused(&flipping);
        assert!(error.contains("label_flip"), "{error}");
        let honest = RunFile { attack: None, ..flipping };
        Federation::load(&honest, folder.path()).unwrap();
    }

    #[test]
    fn a_ready_model_is_told_what_its_rows_mean() {
        let with = |rows: &str| {
            let file = EXAMPLE.replacen("[model]\n", &format!("[model]\nrows = {rows}\n"), 1);
            RunFile::from_toml(&file).and_then(|file| Federation::load(&file, Path::new("")))
        };
        let normal = with("{ normalize = { mean = [0.3], deviation = [0.4] } }").unwrap();
        assert!(normal.spec.rows.normalize.is_some());
        assert_ne!(normal.digest, load(&file()).digest);
        let error = with("{ labels = [\"one\"] }").unwrap_err().to_string();
        assert!(error.contains("1 labels for 10 classes"), "{error}");
    }

    /// A gray image of one pixel.
    const PNG: &[u8] = &[
        137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0,
        0, 0, 0, 58, 126, 155, 85, 0, 0, 0, 10, 73, 68, 65, 84, 120, 156, 99, 104, 0, 0, 0, 130, 0,
        129, 119, 205, 114, 182, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
    ];

    #[test]
    fn a_folder_of_test_images_has_the_labels_of_the_training_set() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["train/a", "train/b", "train/c", "test/b", "test/c"] {
            let class = folder.path().join(class);
            std::fs::create_dir_all(&class).unwrap();
            std::fs::write(class.join("1.png"), PNG).unwrap();
        }
        let file =
            DataFile { file: "train".into(), test: Some("test".into()), ..DataFile::default() };
        let (all, test) = rows(&file, folder.path(), 1).unwrap();
        assert_eq!((all.labels(), test.labels()), ([0, 1, 2].as_slice(), [1, 2].as_slice()));
        assert_eq!(test.classes(), 3);
    }

    #[test]
    fn training_rows_and_held_out_rows_are_all_rows_once() {
        let federation = load(&file());
        assert_eq!(federation.rows.rows() + federation.test.rows(), 1_797);
        let limited = RunFile {
            data: DataFile { rows: Some(100), ..file().data },
            clients: 5,
            clients_per_round: Cohort::Share(1.0),
            ..file()
        };
        assert_eq!(load(&limited).rows.rows(), 100);
    }
}
