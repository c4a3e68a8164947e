//! What is in a file of weights.

use decentralml_learning::{Layout, ModelSpec, Parameter, SpecError};
use serde::Serialize;

use crate::file::{DType, File, Format, ReadError, Tensor};

/// A tensor, and what its numbers are like. Statistics are those of the finite numbers; they are missing
/// where the type is not one of floats.
#[derive(Clone, Debug, Serialize)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// The type of its numbers.
    pub dtype: DType,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// How many numbers it has.
    pub numbers: usize,
    /// Bytes that they take in the file.
    pub bytes: usize,
    /// The square root of the sum of their squares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<f64>,
    /// The smallest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smallest: Option<f32>,
    /// The largest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest: Option<f32>,
    /// How many are NaN.
    pub nan: usize,
    /// How many are infinite.
    pub infinite: usize,
}

impl TensorInfo {
    fn of(tensor: &Tensor<'_>) -> Self {
        let numbers = tensor.numbers();
        let all = numbers.as_deref().unwrap_or_default();
        let finite = || all.iter().copied().filter(|number| number.is_finite());
        let squares = finite().map(|number| f64::from(number) * f64::from(number)).sum::<f64>();
        Self {
            name: tensor.name.clone(),
            dtype: tensor.dtype.clone(),
            shape: tensor.shape.clone(),
            numbers: tensor.count(),
            bytes: tensor.bytes(),
            norm: numbers.is_some().then(|| squares.sqrt()),
            smallest: finite().reduce(f32::min),
            largest: finite().reduce(f32::max),
            nan: all.iter().filter(|number| number.is_nan()).count(),
            infinite: all.iter().filter(|number| number.is_infinite()).count(),
        }
    }
}

/// What is in a file of weights.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Its format.
    pub format: Format,
    /// Its length.
    pub bytes: usize,
    /// Numbers in tensors of floats.
    pub numbers: usize,
    /// The norm of all of them together, those that are not finite left out.
    pub norm: f64,
    /// How many are NaN.
    pub nan: usize,
    /// How many are infinite.
    pub infinite: usize,
    /// The program that has written it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// The version of ONNX's operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opset: Option<u64>,
    /// Operators with how often each is used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operators: Vec<(String, usize)>,
    /// What else the file says of itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<(String, String)>,
    /// The tensors in the order of the file.
    pub tensors: Vec<TensorInfo>,
}

/// Looks at all tensors of an ONNX or a safetensors file.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, ReadError> {
    let file = File::read(bytes)?;
    let tensors: Vec<TensorInfo> = file.tensors.iter().map(TensorInfo::of).collect();
    let floats = || tensors.iter().filter(|tensor| tensor.norm.is_some());
    let squares = floats().filter_map(|tensor| tensor.norm).map(|norm| norm * norm);
    Ok(Inspection {
        format: file.format,
        bytes: bytes.len(),
        numbers: floats().map(|tensor| tensor.numbers).sum(),
        norm: squares.sum::<f64>().sqrt(),
        nan: tensors.iter().map(|tensor| tensor.nan).sum(),
        infinite: tensors.iter().map(|tensor| tensor.infinite).sum(),
        producer: file.producer,
        opset: file.opset,
        operators: file.operators,
        metadata: file.metadata,
        tensors,
    })
}

/// A layer of a model, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerInfo {
    /// How its tensors' names start.
    pub path: String,
    /// What it is.
    pub kind: &'static str,
    /// The shape of one row that goes in.
    pub input: Vec<usize>,
    /// The shape of one row that comes out.
    pub output: Vec<usize>,
    /// Its trainable numbers; of a block, those of its layers.
    pub parameters: usize,
}

/// The layers of a model, those of blocks behind their block.
pub fn layers(spec: &ModelSpec) -> Result<Vec<LayerInfo>, SpecError> {
    let parameters = spec.parameters();
    let mut all = Vec::new();
    collect(&spec.layout()?, &parameters, &mut all);
    Ok(all)
}

fn collect(layers: &[Layout<'_>], parameters: &[Parameter], all: &mut Vec<LayerInfo>) {
    for layer in layers {
        let prefix = format!("{}.", layer.path);
        let own = parameters.iter().filter(|parameter| parameter.name.starts_with(&prefix));
        all.push(LayerInfo {
            path: layer.path.clone(),
            kind: layer.layer.kind(),
            input: layer.input.clone(),
            output: layer.output.clone(),
            parameters: own.map(Parameter::count).sum(),
        });
        layer.branches.iter().for_each(|branch| collect(branch, parameters, all));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use decentralml_learning::Weights;
    use half::f16;
    use safetensors::{Dtype, serialize, tensor::TensorView};

    use super::*;

    #[test]
    fn norms_and_what_is_no_number_are_counted() {
        let floats: Vec<u8> =
            [3.0_f32, f32::NAN, -4.0, f32::INFINITY].iter().flat_map(|x| x.to_le_bytes()).collect();
        let halves: Vec<u8> = [f16::from_f32(12.0), f16::NEG_INFINITY]
            .iter()
            .flat_map(|x| x.to_bits().to_le_bytes())
            .collect();
        let tensors = [
            ("a", TensorView::new(Dtype::F32, vec![2, 2], &floats).unwrap()),
            ("b", TensorView::new(Dtype::F16, vec![2], &halves).unwrap()),
            ("c", TensorView::new(Dtype::I64, vec![1], &[1; 8]).unwrap()),
        ];
        let found = inspect(&serialize(tensors, None).unwrap()).unwrap();
        assert_eq!((found.numbers, found.nan, found.infinite), (6, 1, 2));
        assert_eq!(found.norm, 13.0);
        let named = |name: &str| found.tensors.iter().find(|tensor| tensor.name == name).unwrap();
        assert_eq!(
            (named("a").norm, named("a").smallest, named("a").largest),
            (Some(5.0), Some(-4.0), Some(3.0))
        );
        assert_eq!((named("b").dtype.to_string(), named("b").bytes), ("f16".to_owned(), 4));
        assert_eq!((named("c").norm, named("c").dtype.to_string()), (None, "i64".to_owned()));
    }

    #[test]
    fn an_exported_model_tells_what_it_is() {
        let spec = ModelSpec::named("transformer-char", Some(&[5]), Some(7)).unwrap();
        let bytes = crate::export(&spec, &Weights::init(&spec, [1; 32]), &[]).unwrap();
        let found = inspect(&bytes).unwrap();
        assert_eq!((found.format, found.opset, found.bytes), (Format::Onnx, Some(17), bytes.len()));
        assert!(found.producer.unwrap().starts_with("decentralml 0."));
        assert!(found.operators.contains(&("Softmax".to_owned(), 2)));
        assert!(found.metadata.contains(&("decentralml.outputs".to_owned(), "7".to_owned())));

        let layers = layers(&spec).unwrap();
        let total: usize =
            layers.iter().filter(|l| l.path.matches('.').count() == 1).map(|l| l.parameters).sum();
        assert_eq!(total, spec.parameter_count());
        assert!(layers.iter().any(|l| l.path == "layers.2.layers.1" && l.kind == "attention"));
    }
}
