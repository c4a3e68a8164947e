//! Models by name.

use super::{LayerSpec, ModelSpec, SpecError, Task};

/// The names that [`ModelSpec::named`] knows.
pub const READY: [&str; 6] =
    ["mlp", "2nn", "mcmahan-cnn", "resnet-gn", "gru-char", "transformer-char"];

/// Steps of a text that the models of characters see, where nothing else is asked for.
pub const CHARACTERS: u32 = 80;

impl ModelSpec {
    /// A ready model, for rows of shape `input` and so many classes, or tokens; those that the model
    /// is known for where they are left out. With one output it is a regression, as no classification has
    /// one class; [`named_for`](Self::named_for) says what it is for. The result is validated.
    ///
    /// | Name | Input | Outputs | Layers |
    /// | --- | --- | --- | --- |
    /// | `mlp` | `[64]` | 10 | one hidden layer of 128 with ReLU |
    /// | `2nn` | `[784]` | 10 | two of 200 with ReLU (McMahan et al. 2017) |
    /// | `mcmahan-cnn` | `[1, 28, 28]` | 10 | two 5 × 5 convolutions, 512 dense: 1,663,370 parameters (ibid.) |
    /// | `resnet-gn` | `[3, 32, 32]` | 10 | the 20 layers of He et al. 2016 for CIFAR, with group norm |
    /// | `gru-char` | `[80]` | 96 | embedding of 8, two GRU of 256, next token |
    /// | `transformer-char` | `[80]` | 96 | width 128, two causal blocks of four heads, next token |
    pub fn named(
        name: &str,
        input: Option<&[u32]>,
        outputs: Option<u32>,
    ) -> Result<Self, SpecError> {
        let task = if outputs == Some(1) { Task::Regression } else { Task::Classification };
        Self::named_for(task, name, input, outputs)
    }

    /// [`named`](Self::named) for a task: in a regression the outputs are quantities. The models of
    /// characters predict the next token also where a classification is asked for, and have no regression.
    pub fn named_for(
        task: Task,
        name: &str,
        input: Option<&[u32]>,
        outputs: Option<u32>,
    ) -> Result<Self, SpecError> {
        let spec = match READY.iter().find(|ready| **ready == name) {
            Some(&"mlp") => mlp(input.unwrap_or(&[64]), outputs.unwrap_or(10), &[128]),
            Some(&"2nn") => mlp(input.unwrap_or(&[784]), outputs.unwrap_or(10), &[200, 200]),
            Some(&"mcmahan-cnn") => {
                mcmahan_cnn(input.unwrap_or(&[1, 28, 28]), outputs.unwrap_or(10))?
            }
            Some(&"resnet-gn") => resnet_gn(input.unwrap_or(&[3, 32, 32]), outputs.unwrap_or(10))?,
            Some(&name @ ("gru-char" | "transformer-char")) => {
                let steps = match input.unwrap_or(&[CHARACTERS]) {
                    &[steps] => steps,
                    found => return Err(wrong(name, "[steps]", found)),
                };
                let tokens = outputs.unwrap_or(96);
                if name == "gru-char" {
                    gru_char(steps, tokens)
                } else {
                    transformer(steps, tokens)
                }
            }
            _ => return Err(SpecError::Unknown { name: name.to_owned(), known: &READY }),
        };
        let spec = if task == Task::Classification { spec } else { spec.with_task(task) };
        spec.validate()?;
        Ok(spec)
    }
}

fn wrong(name: &'static str, expected: &'static str, found: &[u32]) -> SpecError {
    SpecError::Ready { name, expected, found: found.to_vec() }
}

fn mlp(input: &[u32], classes: u32, hidden: &[u32]) -> ModelSpec {
    let mut layers: Vec<LayerSpec> =
        hidden.iter().flat_map(|&units| [LayerSpec::dense(units), LayerSpec::Relu]).collect();
    layers.push(LayerSpec::dense(classes));
    // A model of dense layers alone sees any row flattened.
    ModelSpec::new(input.to_vec(), layers)
}

fn mcmahan_cnn(input: &[u32], classes: u32) -> Result<ModelSpec, SpecError> {
    if input.len() != 3 {
        return Err(wrong("mcmahan-cnn", "[channels, height, width]", input));
    }
    let pool = LayerSpec::MaxPool { size: 2, stride: 2, padding: 0 };
    let layers = vec![
        LayerSpec::conv(32, 5),
        LayerSpec::Relu,
        pool.clone(),
        LayerSpec::conv(64, 5),
        LayerSpec::Relu,
        pool,
        LayerSpec::Flatten,
        LayerSpec::dense(512),
        LayerSpec::Relu,
        LayerSpec::dense(classes),
    ];
    Ok(ModelSpec::new(input.to_vec(), layers))
}

fn resnet_gn(input: &[u32], classes: u32) -> Result<ModelSpec, SpecError> {
    if input.len() != 3 {
        return Err(wrong("resnet-gn", "[channels, height, width]", input));
    }
    // A norm has its own offset.
    let conv = |filters, kernel: u32, stride| LayerSpec::Conv2d {
        filters,
        kernel,
        stride,
        padding: kernel / 2,
        bias: false,
    };
    let norm = || LayerSpec::GroupNorm { groups: 8 };
    let mut layers = vec![conv(16, 3, 1), norm(), LayerSpec::Relu];
    for (filters, first_stride) in [(16, 1), (32, 2), (64, 2)] {
        for block in 0..3 {
            let stride = if block == 0 { first_stride } else { 1 };
            let shortcut = match stride {
                1 => Vec::new(),
                _ => vec![conv(filters, 1, stride), norm()],
            };
            let branch = vec![
                conv(filters, 3, stride),
                norm(),
                LayerSpec::Relu,
                conv(filters, 3, 1),
                norm(),
            ];
            layers.push(LayerSpec::Residual { layers: branch, shortcut });
            layers.push(LayerSpec::Relu);
        }
    }
    layers.extend([LayerSpec::GlobalPool, LayerSpec::dense(classes)]);
    Ok(ModelSpec::new(input.to_vec(), layers))
}

fn gru_char(steps: u32, tokens: u32) -> ModelSpec {
    let layers = vec![
        LayerSpec::Embedding { vocabulary: tokens, units: 8 },
        LayerSpec::Gru { units: 256 },
        LayerSpec::Gru { units: 256 },
        LayerSpec::dense(tokens),
    ];
    ModelSpec::new(vec![steps], layers).with_task(Task::NextToken)
}

fn transformer(steps: u32, tokens: u32) -> ModelSpec {
    const WIDTH: u32 = 128;
    let mut layers =
        vec![LayerSpec::Embedding { vocabulary: tokens, units: WIDTH }, LayerSpec::Position];
    let residual = |layers| LayerSpec::Residual { layers, shortcut: Vec::new() };
    for _ in 0..2 {
        let attention = LayerSpec::Attention { heads: 4, causal: true };
        layers.push(residual(vec![LayerSpec::LayerNorm, attention]));
        layers.push(residual(vec![
            LayerSpec::LayerNorm,
            LayerSpec::dense(4 * WIDTH),
            LayerSpec::Gelu,
            LayerSpec::dense(WIDTH),
        ]));
    }
    layers.extend([LayerSpec::LayerNorm, LayerSpec::dense(tokens)]);
    ModelSpec::new(vec![steps], layers).with_task(Task::NextToken)
}
