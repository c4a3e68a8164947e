//! The model as burn sees it.

use burn::{
    module::{Module, Param},
    nn::{Gelu, Linear, Relu, Sigmoid, Tanh},
    tensor::{Device, Tensor, TensorData},
};

use crate::{
    model::{LayerSpec, ModelSpec, parameter_name},
    weights::{Weights, WeightsError},
};

#[derive(Module, Debug)]
enum Layer {
    Dense(Linear),
    Relu(Relu),
    Gelu(Gelu),
    Tanh(Tanh),
    Sigmoid(Sigmoid),
}

/// A model on a device. Its parameters are trainable where the device has autodiff.
#[derive(Module, Debug)]
pub(crate) struct Network {
    layers: Vec<Layer>,
}

impl Network {
    /// Uploads the weights. Fails unless they are this model's: burn would panic later.
    pub(crate) fn new(
        spec: &ModelSpec,
        weights: &Weights,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        if weights.parameters() != spec.parameters() {
            let expected = spec.parameter_count();
            return Err(WeightsError::Count { expected, found: weights.values().len() });
        }
        let data = |layer: usize, kind: &str| {
            let name = parameter_name(layer, kind);
            let tensor = weights.tensors().find(|(parameter, _)| parameter.name == name);
            tensor.map(|(parameter, numbers)| {
                TensorData::new(numbers.to_vec(), parameter.shape.clone())
            })
        };
        let mut layers = Vec::with_capacity(spec.layers.len());
        for (index, layer) in spec.layers.iter().enumerate() {
            layers.push(match layer {
                LayerSpec::Dense { .. } => {
                    let weight = data(index, "weight").ok_or(WeightsError::Count {
                        expected: spec.parameter_count(),
                        found: weights.values().len(),
                    })?;
                    Layer::Dense(Linear {
                        weight: Param::from_data(weight, device),
                        bias: data(index, "bias").map(|bias| Param::from_data(bias, device)),
                    })
                }
                LayerSpec::Relu => Layer::Relu(Relu::new()),
                LayerSpec::Gelu => Layer::Gelu(Gelu::new()),
                LayerSpec::Tanh => Layer::Tanh(Tanh::new()),
                LayerSpec::Sigmoid => Layer::Sigmoid(Sigmoid::new()),
            });
        }
        Ok(Self { layers })
    }

    /// Logits of shape `[rows, classes]` for features of shape `[rows, features]`.
    pub(crate) fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        self.layers.iter().fold(features, |x, layer| match layer {
            Layer::Dense(linear) => linear.forward(x),
            Layer::Relu(activation) => activation.forward(x),
            Layer::Gelu(activation) => activation.forward(x),
            Layer::Tanh(activation) => activation.forward(x),
            Layer::Sigmoid(activation) => activation.forward(x),
        })
    }

    /// Downloads the weights. Fails with [`WeightsError::NotFinite`] where training has diverged.
    pub(crate) fn weights(&self, base: &Weights) -> Result<Weights, WeightsError> {
        let mut values = Vec::with_capacity(base.values().len());
        for parameter in base.parameters() {
            for (index, layer) in self.layers.iter().enumerate() {
                let Layer::Dense(linear) = layer else { continue };
                if parameter.name == parameter_name(index, "weight") {
                    extend(&mut values, linear.weight.val());
                } else if parameter.name == parameter_name(index, "bias")
                    && let Some(bias) = &linear.bias
                {
                    extend(&mut values, bias.val());
                }
            }
        }
        base.with_values(values)
    }
}

fn extend<const D: usize>(values: &mut Vec<f32>, tensor: Tensor<D>) {
    // Reading an f32 tensor of the CPU back as f32 cannot fail; if it did, the count would be wrong,
    // which the caller checks.
    if let Ok(numbers) = tensor.into_data().as_slice::<f32>() {
        values.extend_from_slice(numbers);
    }
}

/// The device that everything runs on: burn's CPU backend in pure Rust.
pub(crate) fn device() -> Device {
    Device::flex()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn weights_come_back_as_they_went_in() {
        let spec = ModelSpec {
            version: crate::model::VERSION,
            input: vec![2, 3],
            layers: vec![
                LayerSpec::Dense { units: 5, bias: false },
                LayerSpec::Gelu,
                LayerSpec::Dense { units: 4, bias: true },
                LayerSpec::Tanh,
                LayerSpec::Sigmoid,
                LayerSpec::Dense { units: 2, bias: true },
            ],
        };
        spec.validate().unwrap();
        let weights = Weights::init(&spec, [5; 32]);
        let network = Network::new(&spec, &weights, &device().autodiff()).unwrap();
        assert_eq!(network.weights(&weights).unwrap(), weights);
    }

    #[test]
    fn the_forward_pass_agrees_with_one_by_hand() {
        let spec = ModelSpec::mlp(2, &[2], 2);
        // layers.0.bias, layers.0.weight, layers.2.bias, layers.2.weight
        let values = vec![0.5, -4.0, 1.0, 2.0, 3.0, 1.0, 0.25, 0.0, 1.0, -1.0, 7.0, 7.0];
        let weights = Weights::new(&spec, values).unwrap();
        let network = Network::new(&spec, &weights, &device()).unwrap();
        let x = Tensor::<2>::from_data(TensorData::new(vec![1.0_f32, 1.0], [1, 2]), &device());
        let logits = network.forward(x).into_data();
        // hidden = relu([1 + 3 + 0.5, 2 + 1 − 4]) = [4.5, 0]
        assert_eq!(logits.as_slice::<f32>().unwrap(), [4.75, -4.5]);
    }

    #[test]
    fn weights_of_another_model_are_refused() {
        let weights = Weights::init(&ModelSpec::mlp(2, &[2], 2), [0; 32]);
        assert!(Network::new(&ModelSpec::mlp(2, &[3], 2), &weights, &device()).is_err());
    }
}
