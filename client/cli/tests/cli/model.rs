//! `model export`, `import`, `inspect` and `predict`, without a chain.

use crate::{decentralml, run, stderr};
use decentralml_learning::{ModelSpec, Weights};
use decentralml_storage::unixfs::canonical_cid;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

const LAYERS: &str = "version = 1\ninput = [3]\nlayers = [{ dense = { units = 4 } }, \"relu\", { dense = { units = 2 } }]\n";

/// The words of a command, in whose place a name of a file in `folder` stands for its path.
fn words(folder: &Path, words: &str) -> Vec<PathBuf> {
    let path = |word: &str| match word.contains('.') {
        true => folder.join(word),
        false => word.into(),
    };
    words.split(' ').map(path).collect()
}

/// What a command prints, as JSON.
fn json(folder: &Path, command: &str) -> Value {
    let output = run(decentralml(folder).args(words(folder, command)).arg("--json"));
    assert!(output.status.success(), "{command}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(folder: &Path, command: &str, code: i32, word: &str) {
    let output = run(decentralml(folder).args(words(folder, command)));
    assert_eq!(output.status.code(), Some(code), "{command}: {}", stderr(&output));
    assert!(stderr(&output).contains(word), "{command}: {}", stderr(&output));
}

#[test]
fn a_model_goes_out_as_onnx_and_comes_back_with_the_same_cid() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let spec = ModelSpec::from_toml(LAYERS).unwrap();
    let weights = Weights::init(&spec, [7; 32]).to_bytes();
    let cid = canonical_cid(&weights).to_string();
    fs::write(folder.join("layers.toml"), LAYERS).unwrap();
    fs::write(folder.join("first.safetensors"), &weights).unwrap();

    // Weights do not say which layers they have; an exported model does.
    refused(folder, "model export first.safetensors --out m.onnx", 2, "--layers");
    let export = "model export first.safetensors --layers layers.toml --out m.onnx";
    let exported = json(folder, export);
    assert_eq!((&exported["format"], &exported["parameters"]), (&"onnx".into(), &26.into()));
    assert_eq!(exported["bytes"], fs::metadata(folder.join("m.onnx")).unwrap().len());
    refused(folder, export, 2, "--force");
    assert_eq!(json(folder, &format!("{export} --force"))["cid"], exported["cid"]);

    let inspected = json(folder, "model inspect m.onnx");
    assert_eq!((&inspected["format"], &inspected["fits"]), (&"onnx".into(), &true.into()));
    assert_eq!((&inspected["parameters"], &inspected["nan"]), (&26.into(), &0.into()));
    assert_eq!(inspected["cid"], exported["cid"]);

    let imported = json(folder, "model import m.onnx --out again.safetensors");
    assert_eq!((&imported["cid"], &imported["matching"]), (&cid.clone().into(), &"names".into()));
    assert_eq!(fs::read(folder.join("again.safetensors")).unwrap(), weights);
    let canonical = json(folder, "model export m.onnx --format safetensors --out b.safetensors");
    assert_eq!(canonical["cid"], cid);
    let narrower = LAYERS.replace("units = 4", "units = 5");
    fs::write(folder.join("narrower.toml"), narrower).unwrap();
    refused(
        folder,
        "model import m.onnx --layers narrower.toml --out n.safetensors",
        8,
        "layers.0",
    );
    assert!(!folder.join("n.safetensors").exists());
}

#[test]
fn a_model_answers_rows_alike_from_either_format() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let spec = ModelSpec::from_toml(LAYERS).unwrap();
    fs::write(folder.join("layers.toml"), LAYERS).unwrap();
    fs::write(folder.join("m.safetensors"), Weights::init(&spec, [7; 32]).to_bytes()).unwrap();
    // The second with a label, which is left out.
    fs::write(folder.join("rows.csv"), "0.5,1,-2\n3,0,1\n-1,-1,4\n").unwrap();
    fs::write(folder.join("labels.csv"), "0.5,1,-2,0\n3,0,1,1\n-1,-1,4,0\n").unwrap();
    json(folder, "model export m.safetensors --layers layers.toml --out m.onnx");
    let expected = json(folder, "model predict m.safetensors --layers layers.toml --data rows.csv");
    let rows = expected.as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row["row"], index + 1);
        let shares: Vec<f64> = serde_json::from_value(row["probabilities"].clone()).unwrap();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{row}");
        let label = row["label"].as_u64().unwrap() as usize;
        assert!(shares[label] >= shares[1 - label], "{row}");
    }
    for data in ["rows.csv", "labels.csv"] {
        assert_eq!(
            json(folder, &format!("model predict m.onnx --data {data}")),
            expected,
            "{data}"
        );
    }
    json(folder, "model predict m.onnx --data rows.csv --out answers.csv");
    let answers = fs::read_to_string(folder.join("answers.csv")).unwrap();
    assert!(answers.starts_with("row,label,name,probability,p0,p1\n1,"), "{answers}");
    assert_eq!(answers.lines().count(), 4);
    refused(folder, "model predict m.onnx --data rows.csv --out answers.csv", 2, "--force");
    fs::write(folder.join("narrow.csv"), "1,2\n").unwrap();
    refused(folder, "model predict m.onnx --data narrow.csv", 8, "line 1");
}
