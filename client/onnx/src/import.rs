//! A file's weights as those of a declared model.

use std::collections::{BTreeMap, BTreeSet};

use decentralml_learning::{
    LayerSpec, Layout, ModelSpec, Parameter, SpecError, Weights, WeightsError,
};
use serde::Serialize;

use crate::{
    file::{File, ReadError, Tensor},
    flow, natural,
};

/// Tensors that an error lists at most.
const LISTED: usize = 24;

/// How the tensors were told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Matching {
    /// All tensors of the model are in the file under their names.
    Names,
    /// Names differ; shapes, and the order among those of one shape, leave one way only.
    Shapes,
}

/// A model's weights, and where they came from.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The weights.
    pub weights: Weights,
    /// How they were matched.
    pub matching: Matching,
    /// Each tensor of the model with the file's tensor that it is, in the order of the layers.
    pub matched: Vec<(String, String)>,
    /// Tensors of floats that the file has beyond those.
    pub unused: Vec<String>,
}

/// Why a file is not a model's weights.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The layers contradict themselves.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A tensor of the right name that is something else.
    #[error("tensor `{name}` is {found}, the model's is f32 {expected:?}{}", hint(.transposed))]
    Other {
        /// The tensor.
        name: String,
        /// The model's shape.
        expected: Vec<usize>,
        /// Type and shape in the file.
        found: String,
        /// Whether the shape is right once rows and columns are exchanged.
        transposed: bool,
    },
    /// Tensors that fit nowhere, or in several places.
    #[error("the file's tensors do not say which is which of the model's: {0}")]
    NoFit(String),
    /// A weight that is NaN or infinite.
    #[error(
        "{0}: these weights cannot be trained; export them again from before training diverged"
    )]
    NotFinite(#[from] WeightsError),
}

fn hint(transposed: &bool) -> &'static str {
    match transposed {
        true => {
            ": rows and columns are exchanged. Dense weights are [inputs, units] here and [units, inputs] in PyTorch; save them transposed"
        }
        false => ": give the layers that the file was made for, or convert it",
    }
}

/// Reads the weights of `spec` from an ONNX or a safetensors file; floats of 16 bits are widened.
///
/// Weights that an ONNX graph uses in a `Gemm` with `transB` are `[units, inputs]` there, whatever their sizes: they are exchanged first.
///
/// Tensors are found by their names. If one is missing, all are found by their shapes instead: where the
/// file has as many of a shape as the model, in order. Among several of one shape that order is that of the
/// numbers in the names, if these differ in nothing else, or that in which data flow through an ONNX graph, if it
/// leaves one only; if the model's are of different kinds, such as gain and offset of a norm, the names must
/// say which are biases. Whatever remains unclear is an error that lists what fits what.
pub fn import(bytes: &[u8], spec: &ModelSpec) -> Result<Imported, ImportError> {
    let layers = spec.layout()?;
    let mut file = File::read(bytes)?;
    if let Some(graph) = file.graph {
        let exchanged = flow::exchanged(graph);
        let tensors = file.tensors.into_iter();
        let tensors = tensors.map(|tensor| match exchanged.contains(tensor.name.as_bytes()) {
            true => tensor.exchanged(),
            false => tensor,
        });
        file.tensors = tensors.collect();
    }
    let parameters = spec.parameters();
    let mut ordered: Vec<&Parameter> = Vec::with_capacity(parameters.len());
    in_order(&layers, &parameters, &mut ordered);

    let by_name: BTreeMap<&str, &Tensor<'_>> =
        file.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let named = ordered.iter().all(|parameter| by_name.contains_key(parameter.name.as_str()));
    let (matching, found) = if named {
        let found = ordered.iter().copied().filter_map(|parameter| {
            let name = parameter.name.as_str();
            Some((name, *by_name.get(name)?))
        });
        let found: BTreeMap<&str, &Tensor<'_>> = found.collect();
        (Matching::Names, found)
    } else {
        (Matching::Shapes, by_shape(&ordered, &file)?)
    };

    let mut values = Vec::with_capacity(spec.parameter_count());
    for parameter in &parameters {
        let tensor = found.get(parameter.name.as_str()).copied();
        let numbers = tensor.filter(|tensor| tensor.shape == parameter.shape);
        match numbers.and_then(Tensor::numbers) {
            Some(numbers) => values.extend(numbers),
            None => return Err(other(parameter, tensor)),
        }
    }
    let weights = Weights::new(spec, values)?;
    let used: BTreeSet<&str> = found.values().map(|tensor| tensor.name.as_str()).collect();
    let floats = file.tensors.iter().filter(|tensor| tensor.is_float());
    let unused =
        floats.filter(|tensor| !used.contains(tensor.name.as_str()) && !is_constant(tensor));
    let matched = ordered.iter().filter_map(|parameter| {
        let tensor = found.get(parameter.name.as_str())?;
        Some((parameter.name.clone(), tensor.name.clone()))
    });
    let matched = matched.collect();
    let unused = unused.map(|tensor| tensor.name.clone()).collect();
    Ok(Imported { weights, matching, matched, unused })
}

/// Whether it is one of the numbers that this program's own ONNX files have beside the weights.
fn is_constant(tensor: &Tensor<'_>) -> bool {
    tensor.name.starts_with("constant.")
}

fn other(parameter: &Parameter, tensor: Option<&Tensor<'_>>) -> ImportError {
    let found = tensor.map_or_else(
        || "missing".to_owned(),
        |tensor| format!("{} {:?}", tensor.dtype, tensor.shape),
    );
    let transposed = tensor.is_some_and(|tensor| is_transposed(&tensor.shape, &parameter.shape));
    let (name, expected) = (parameter.name.clone(), parameter.shape.clone());
    ImportError::Other { name, expected, found, transposed }
}

fn is_transposed(found: &[usize], expected: &[usize]) -> bool {
    matches!((found, expected), ([a, b], [c, d]) if (a, b) == (d, c) && a != b)
}

/// The tensors in the order of the layers, and within a layer in that of its documentation.
fn in_order<'a>(layers: &[Layout<'_>], all: &'a [Parameter], ordered: &mut Vec<&'a Parameter>) {
    const KINDS: [&str; 8] = [
        "weight",
        "bias",
        "input_weight",
        "input_bias",
        "hidden_weight",
        "hidden_bias",
        "output_weight",
        "output_bias",
    ];
    for layer in layers {
        for kind in KINDS {
            let name = format!("{}.{kind}", layer.path);
            ordered.extend(all.iter().find(|parameter| parameter.name == name));
        }
        if let LayerSpec::Residual { .. } = layer.layer {
            layer.branches.iter().for_each(|branch| in_order(branch, all, ordered));
        }
    }
}

/// The file's tensors for the model's, told by their shapes.
fn by_shape<'a, 'f>(
    parameters: &[&'a Parameter],
    file: &'f File<'_>,
) -> Result<BTreeMap<&'a str, &'f Tensor<'f>>, ImportError> {
    let mut found = BTreeMap::new();
    let mut problems = Vec::new();
    let shapes: BTreeSet<&[usize]> = parameters.iter().map(|one| one.shape.as_slice()).collect();
    for shape in shapes {
        let wanted: Vec<&'a Parameter> =
            parameters.iter().copied().filter(|one| one.shape == shape).collect();
        let candidates =
            || file.tensors.iter().filter(|tensor| tensor.is_float() && !is_constant(tensor));
        let fitting: Vec<&Tensor<'_>> = candidates().filter(|one| one.shape == shape).collect();
        match pairs(&wanted, &fitting, file.graph) {
            Ok(pairs) => {
                found.extend(pairs.into_iter().map(|(one, tensor)| (one.name.as_str(), tensor)))
            }
            Err(why) => {
                let transposed = candidates().filter(|one| is_transposed(&one.shape, shape));
                let transposed: Vec<&str> = transposed.map(|one| one.name.as_str()).collect();
                let mut line = format!(
                    "{} of {shape:?}: {why}",
                    names(wanted.iter().map(|one| one.name.as_str()))
                );
                if fitting.is_empty() && !transposed.is_empty() {
                    let others = names(transposed.into_iter());
                    line += &format!(
                        ", but {others} would with rows and columns exchanged: dense weights are [inputs, units] here, \
                         [units, inputs] in PyTorch"
                    );
                }
                problems.push(line);
            }
        }
    }
    if problems.is_empty() {
        return Ok(found);
    }
    let more = problems.len().saturating_sub(LISTED);
    problems.truncate(LISTED);
    let mut text = problems.join("; ");
    if more > 0 {
        text += &format!("; and {more} shapes more");
    }
    text += ". Rename the file's tensors as the model calls them, or give the layers that it was made for";
    Err(ImportError::NoFit(text))
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match all.get(..LISTED.min(8)) {
        Some(first) if all.len() > 8 => format!("{} and {} more", first.join(", "), all.len() - 8),
        _ => all.join(", "),
    }
}

/// What a tensor is for, as far as its name says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Weight,
    Bias,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let last = name.rsplit(['.', '/', ':']).next().unwrap_or(name).to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| last.contains(word));
        match last.as_str() {
            "b" => Some(Self::Bias),
            "w" => Some(Self::Weight),
            _ if has(&["bias", "beta", "offset"]) => Some(Self::Bias),
            _ if has(&["weight", "kernel", "gamma", "scale", "gain"]) => Some(Self::Weight),
            _ => None,
        }
    }
}

type Pairs<'a, 'f> = Vec<(&'a Parameter, &'f Tensor<'f>)>;

/// One tensor for each of the model's, all of one shape; or why that cannot be said.
fn pairs<'a, 'f>(
    wanted: &[&'a Parameter],
    fitting: &[&'f Tensor<'f>],
    graph: Option<&[u8]>,
) -> Result<Pairs<'a, 'f>, String> {
    if fitting.len() != wanted.len() {
        return Err(match fitting.len() {
            0 => "nothing in the file fits".to_owned(),
            _ => format!("there fit {}", names(fitting.iter().map(|one| one.name.as_str()))),
        });
    }
    let last =
        |parameter: &&Parameter| parameter.name.rsplit('.').next().unwrap_or_default().to_owned();
    let kinds: BTreeSet<String> = wanted.iter().map(last).collect();
    if kinds.len() <= 1 {
        return lined_up(wanted, fitting, graph);
    }
    // The model's are of different kinds: the file has to tell them apart.
    let told = kinds.iter().all(|kind| kind == "weight" || kind == "bias")
        && fitting.iter().all(|one| Kind::of(&one.name).is_some());
    if !told {
        let fitting = names(fitting.iter().map(|one| one.name.as_str()));
        return Err(format!("{fitting} fit, and nothing says in which order"));
    }
    let mut all = Vec::with_capacity(wanted.len());
    for kind in [Kind::Weight, Kind::Bias] {
        let of = |name: &str| Kind::of(name) == Some(kind);
        let wanted: Vec<&Parameter> = wanted.iter().copied().filter(|one| of(&one.name)).collect();
        let fitting: Vec<&Tensor<'_>> =
            fitting.iter().copied().filter(|one| of(&one.name)).collect();
        if wanted.len() != fitting.len() {
            return Err(format!(
                "there fit {}",
                names(fitting.iter().map(|one| one.name.as_str()))
            ));
        }
        all.extend(lined_up(&wanted, &fitting, graph)?);
    }
    Ok(all)
}

/// As many of one kind and shape as the model has, in order.
fn lined_up<'a, 'f>(
    wanted: &[&'a Parameter],
    fitting: &[&'f Tensor<'f>],
    graph: Option<&[u8]>,
) -> Result<Pairs<'a, 'f>, String> {
    let mut fitting = fitting.to_vec();
    if fitting.len() > 1 {
        let patterns: BTreeSet<String> =
            fitting.iter().map(|one| natural::pattern(&one.name)).collect();
        let unknown: Vec<&str> = fitting.iter().map(|one| one.name.as_str()).collect();
        if patterns.len() == 1 {
            fitting.sort_by_key(|one| natural::key(&one.name));
        } else if let Some(order) = graph.and_then(|graph| flow::order(graph, &unknown)) {
            fitting = order.into_iter().filter_map(|place| fitting.get(place).copied()).collect();
        } else {
            let fitting = names(unknown.into_iter());
            return Err(format!("{fitting} fit, and nothing says in which order"));
        }
    }
    Ok(wanted.iter().copied().zip(fitting).collect())
}

#[cfg(test)]
mod tests;
