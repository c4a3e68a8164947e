//! Writes models as ONNX, with rows and what this program makes of them: the ready models, and every
//! kind of layer in small. `scripts/onnx.sh` has other runtimes evaluate them.
//!
//! For each there are `NAME.onnx`, `NAME.input` and `NAME.output`, plain numbers in little endian;
//! `cases.json` says what they are.
//!
//! ```text
//! cargo run --release --example onnx_cases FOLDER
//! ```

use std::{collections::BTreeSet, error::Error, fs, path::Path};

use decentralml_learning::{LayerSpec, ModelSpec, Predictor, Weights, model::READY};
use decentralml_onnx::{export, layers};
use serde_json::{Value, json};

/// Rows of every case.
const ROWS: usize = 3;

/// Every kind of layer that the language of models has, by its name.
const KINDS: [&str; 21] = [
    "dense",
    "relu",
    "gelu",
    "tanh",
    "sigmoid",
    "conv2d",
    "max_pool",
    "avg_pool",
    "global_pool",
    "group_norm",
    "layer_norm",
    "dropout",
    "flatten",
    "reshape",
    "residual",
    "embedding",
    "position",
    "gru",
    "lstm",
    "attention",
    "last_step",
];

/// What is small: a name, the input, and the layers before the last dense one of 3 units.
const SMALL: [(&str, &str, &str); 28] = [
    ("dense", "[5]", "{ dense = { units = 4 } }"),
    ("dense-no-bias", "[5]", "{ dense = { units = 4, bias = false } }"),
    (
        "dense-steps",
        "[4, 5]",
        "{ dense = { units = 3 } }, { dense = { units = 2, bias = false } }, \"flatten\"",
    ),
    ("relu", "[5]", "{ dense = { units = 8 } }, \"relu\""),
    ("gelu", "[5]", "{ dense = { units = 8 } }, \"gelu\""),
    ("tanh", "[5]", "{ dense = { units = 8 } }, \"tanh\""),
    ("sigmoid", "[5]", "{ dense = { units = 8 } }, \"sigmoid\""),
    (
        "conv2d",
        "[2, 7, 6]",
        "{ conv2d = { filters = 4, kernel = 3, stride = 2, padding = 1 } }, \"flatten\"",
    ),
    (
        "conv2d-no-bias",
        "[2, 7, 6]",
        "{ conv2d = { filters = 4, kernel = 4, padding = 2, bias = false } }, \"flatten\"",
    ),
    ("max-pool", "[2, 7, 6]", "{ max_pool = { size = 3, stride = 2 } }, \"flatten\""),
    (
        "max-pool-padded",
        "[2, 7, 6]",
        "{ max_pool = { size = 3, stride = 2, padding = 1 } }, \"flatten\"",
    ),
    ("avg-pool", "[2, 7, 6]", "{ avg_pool = { size = 3, stride = 2 } }, \"flatten\""),
    ("global-pool", "[4, 5, 3]", "\"global_pool\""),
    ("group-norm", "[6, 4, 5]", "{ group_norm = { groups = 3 } }, \"flatten\""),
    ("group-norm-one", "[4, 3, 3]", "{ group_norm = { groups = 1 } }, \"flatten\""),
    ("layer-norm", "[7]", "\"layer_norm\""),
    ("layer-norm-steps", "[4, 6]", "\"layer_norm\", \"flatten\""),
    ("dropout", "[7]", "{ dense = { units = 6 } }, { dropout = { percent = 50 } }"),
    (
        "reshape",
        "[24]",
        "{ reshape = { shape = [2, 3, 4] } }, { conv2d = { filters = 2, kernel = 2 } }, { reshape = { shape = [2, 6] } }, \"flatten\"",
    ),
    ("residual", "[6]", "{ residual = { layers = [{ dense = { units = 6 } }, \"tanh\"] } }"),
    (
        "residual-shortcut",
        "[6]",
        "{ residual = { layers = [{ dense = { units = 4 } }, { residual = { layers = [\"gelu\"] } }], shortcut = [{ dense = { units = 4 } }] } }",
    ),
    ("embedding", "[5]", "{ embedding = { vocabulary = 9, units = 4 } }, \"flatten\""),
    (
        "position",
        "[5]",
        "{ embedding = { vocabulary = 9, units = 4 } }, \"position\", \"last_step\"",
    ),
    ("gru", "[6, 3]", "{ gru = { units = 5 } }, \"flatten\""),
    ("lstm", "[6, 3]", "{ lstm = { units = 5 } }, \"last_step\""),
    ("attention", "[5, 8]", "{ attention = { heads = 2 } }, \"flatten\""),
    ("attention-causal", "[5, 8]", "{ attention = { heads = 4, causal = true } }, \"flatten\""),
    (
        "recurrent-stack",
        "[6, 3]",
        "{ gru = { units = 4 } }, { lstm = { units = 4 } }, \"layer_norm\", { gru = { units = 2 } }, \"last_step\"",
    ),
];

/// Ways to normalize rows of shape `[2, 3, 4]`: one for all, one per channel, one per row of pixels, one per
/// pixel.
const NORMALIZED: [usize; 4] = [1, 2, 6, 24];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let mut covered = BTreeSet::new();
    let mut cases = Vec::new();
    for (name, spec) in models()? {
        covered.extend(layers(&spec)?.into_iter().map(|layer| layer.kind));
        cases.push(write(folder, &name, &spec)?);
    }
    let missing: Vec<&str> = KINDS.into_iter().filter(|kind| !covered.contains(kind)).collect();
    if !missing.is_empty() || covered.len() != KINDS.len() {
        return Err(format!("not every kind of layer has a case: {missing:?}").into());
    }
    let document = json!({ "kinds": KINDS, "rows": ROWS, "cases": cases });
    fs::write(folder.join("cases.json"), serde_json::to_vec_pretty(&document)?)?;
    println!("{} models in {}", cases.len(), folder.display());
    Ok(())
}

fn models() -> Result<Vec<(String, ModelSpec)>, Box<dyn Error>> {
    let mut models = Vec::new();
    for name in READY {
        models.push((name.to_owned(), ModelSpec::named(name, None, None)?));
    }
    for (name, input, layers) in SMALL {
        // Dense layers and activations alone are the first version of the format.
        let read = |version: u32| {
            ModelSpec::from_toml(&format!(
                "version = {version}\ninput = {input}\nlayers = [{layers}, {{ dense = {{ units = 3 }} }}]"
            ))
        };
        models.push((name.to_owned(), read(1).or_else(|_| read(2))?));
    }
    for parts in NORMALIZED {
        let list = |first: f32| -> Vec<f32> {
            (0..parts).map(|index| first + index as f32 / parts as f32).collect()
        };
        let text = format!(
            "version = 2\ninput = [2, 3, 4]\nlayers = [\"flatten\", {{ dense = {{ units = 3 }} }}]\n[rows.normalize]\nmean = {:?}\ndeviation = {:?}",
            list(-0.25),
            list(0.5)
        );
        models.push((format!("normalized-{parts}"), ModelSpec::from_toml(&text)?));
    }
    models.push((
        "flattened".to_owned(),
        ModelSpec::new(vec![2, 3, 2, 2], vec![LayerSpec::dense(3)]),
    ));
    let regression =
        "version = 2\ninput = [5]\ntask = \"regression\"\nlayers = [{ dense = { units = 1 } }]";
    models.push(("regression".to_owned(), ModelSpec::from_toml(regression)?));
    Ok(models)
}

/// Numbers in -1 to 1, the same every time (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn bits(&mut self) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    fn next(&mut self) -> f32 {
        self.bits() as f32 / (1_u32 << 30) as f32 - 1.0
    }
}

fn write(folder: &Path, name: &str, spec: &ModelSpec) -> Result<Value, Box<dyn Error>> {
    let mut numbers = Numbers(name.bytes().fold(1, |seed, byte| seed * 31 + u64::from(byte)));
    // Fresh biases are 0 and gains 1: a mistake with them would not show.
    let fresh = Weights::init(spec, [1; 32]);
    let mut values = Vec::with_capacity(fresh.values().len());
    for (parameter, tensor) in fresh.tensors() {
        let most = if parameter.shape.len() == 1 { 0.3 } else { 0.0 };
        values.extend(tensor.iter().map(|value| value + most * numbers.next()));
    }
    let weights = Weights::new(spec, values)?;
    let rows: Vec<f32> = match spec.tokens() {
        Some(tokens) => {
            (0..ROWS * spec.features()).map(|_| (numbers.bits() as usize % tokens) as f32).collect()
        }
        None => (0..ROWS * spec.features()).map(|_| 2.0 * numbers.next()).collect(),
    };
    let outputs = Predictor::new(spec, &weights)?.outputs(&rows)?;

    let file = export(spec, &weights, &[])?;
    fs::write(folder.join(format!("{name}.onnx")), &file)?;
    let input: Vec<u8> = match spec.tokens() {
        Some(_) => rows.iter().flat_map(|&token| (token as i64).to_le_bytes()).collect(),
        None => rows.iter().flat_map(|number| number.to_le_bytes()).collect(),
    };
    fs::write(folder.join(format!("{name}.input")), input)?;
    let bytes: Vec<u8> = outputs.iter().flat_map(|number| number.to_le_bytes()).collect();
    fs::write(folder.join(format!("{name}.output")), bytes)?;
    let kinds: BTreeSet<&str> = layers(spec)?.into_iter().map(|layer| layer.kind).collect();
    Ok(json!({
        "name": name,
        "layers": kinds,
        "input": spec.input,
        "tokens": spec.tokens().is_some(),
        "outputs": outputs.len() / ROWS,
        "parameters": spec.parameter_count(),
        "bytes": file.len(),
    }))
}
