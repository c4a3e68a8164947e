//! The model as burn sees it.
//!
//! Between two layers everything is a matrix of shape `[rows, numbers]`; a layer that takes images or
//! sequences sees it in its own shape, which costs nothing. Shapes are those that
//! `model/shapes.rs` has checked, so no operation of burn can be given one that it would refuse.

mod attention;
mod layers;
mod plan;
mod recurrent;
mod stack;

use std::sync::Arc;

use burn::{
    module::{Module, Param},
    tensor::{Device, FloatDType, Tensor, TensorData, TensorReadError},
};

use crate::{
    data::Dataset,
    model::ModelSpec,
    random::Seed,
    weights::{Weights, WeightsError},
};
use plan::{Operation, Plan};
pub(crate) use stack::{Droppings, Stack};

/// A model on a device. Its parameters are trainable where the device has autodiff.
#[derive(Module, Debug)]
pub(crate) struct Network {
    vectors: Vec<Param<Tensor<1>>>,
    matrices: Vec<Param<Tensor<2>>>,
    kernels: Vec<Param<Tensor<4>>>,
    #[module(skip)]
    plan: Arc<Plan>,
    /// What products and convolutions are computed in; parameters and all else are `f32`.
    #[module(skip)]
    products: FloatDType,
}

/// A network's parameters, by their number of dimensions.
pub(crate) type Lists<'a> =
    (&'a [Param<Tensor<1>>], &'a [Param<Tensor<2>>], &'a [Param<Tensor<4>>]);

/// Where a tensor is kept: in which of a network's lists, and in which place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Vector(usize),
    Matrix(usize),
    Kernel(usize),
}

/// The draws of dropout in one training step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropping {
    pub(crate) seed: Seed,
    pub(crate) step: u32,
}

impl Network {
    /// Uploads the weights. Fails unless they are this model's: burn would panic later.
    pub(crate) fn new(
        spec: &ModelSpec,
        weights: &Weights,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let plan = Arc::new(Plan::new(spec, weights)?);
        let (mut vectors, mut matrices, mut kernels) = (Vec::new(), Vec::new(), Vec::new());
        for ((parameter, numbers), slot) in weights.tensors().zip(&plan.order) {
            let data = TensorData::new(numbers.to_vec(), parameter.shape.clone());
            match slot {
                Slot::Vector(_) => vectors.push(Param::from_data(data, device)),
                Slot::Matrix(_) => matrices.push(Param::from_data(data, device)),
                Slot::Kernel(_) => kernels.push(Param::from_data(data, device)),
            }
        }
        Ok(Self { vectors, matrices, kernels, plan, products: FloatDType::F32 })
    }

    /// The same, with products and convolutions in other numbers.
    pub(crate) fn with_products(self, products: FloatDType) -> Self {
        Self { products, ..self }
    }

    /// What the last layer gives, of shape `[rows, outputs]`, for features of shape
    /// `[rows, features]`: per row the logits, the quantities, or the logits of each step one after
    /// the other. Numbers are dropped where `dropping` says how.
    pub(crate) fn forward(&self, features: Tensor<2>, dropping: Option<Dropping>) -> Tensor<2> {
        self.run(&self.plan.operations, features, dropping)
    }

    fn run(
        &self,
        operations: &[Operation],
        features: Tensor<2>,
        dropping: Option<Dropping>,
    ) -> Tensor<2> {
        operations.iter().fold(features, |x, operation| self.apply(operation, x, dropping))
    }

    // Slots are made together with the lists that they point into, and both never change.
    fn vector(&self, slot: usize) -> Tensor<1> {
        self.vectors[slot].val()
    }

    fn matrix(&self, slot: usize) -> Tensor<2> {
        self.matrices[slot].val()
    }

    /// A matrix to multiply with, in the numbers of products.
    fn factor(&self, slot: usize) -> Tensor<2> {
        self.matrix(slot).cast(self.products)
    }

    /// A convolution's weights, in the numbers of products.
    fn kernel(&self, slot: usize) -> Tensor<4> {
        self.kernels[slot].val().cast(self.products)
    }

    /// All parameters, by their number of dimensions: 1, 2 and 4. Networks of one model have them in the
    /// same order.
    pub(crate) fn lists(&self) -> Lists<'_> {
        (&self.vectors, &self.matrices, &self.kernels)
    }

    /// Downloads the weights, in the order of [`ModelSpec::parameters`].
    pub(crate) fn values(&self) -> Result<Vec<f32>, TensorReadError> {
        let mut values = Vec::new();
        for slot in &self.plan.order {
            match *slot {
                Slot::Vector(slot) => extend(&mut values, self.vector(slot))?,
                Slot::Matrix(slot) => extend(&mut values, self.matrix(slot))?,
                Slot::Kernel(slot) => extend(&mut values, self.kernels[slot].val())?,
            }
        }
        Ok(values)
    }
}

/// The features of some rows, normalized as the model says, of shape `[rows, features]`.
pub(crate) fn upload(
    spec: &ModelSpec,
    data: &Dataset,
    rows: impl ExactSizeIterator<Item = usize>,
    device: &Device,
) -> Tensor<2> {
    let count = rows.len();
    let mut features = Vec::with_capacity(count * data.columns());
    append(&mut features, spec, data, rows);
    Tensor::from_data(TensorData::new(features, [count, data.columns()]), device)
}

/// Appends the features of some rows, normalized as the model says.
pub(crate) fn append(
    features: &mut Vec<f32>,
    spec: &ModelSpec,
    data: &Dataset,
    rows: impl Iterator<Item = usize>,
) {
    for (row, _) in rows.filter_map(|index| data.row(index)) {
        let start = features.len();
        features.extend_from_slice(row);
        spec.rows.normalize(features.get_mut(start..).unwrap_or_default());
    }
}

fn extend<const D: usize>(values: &mut Vec<f32>, tensor: Tensor<D>) -> Result<(), TensorReadError> {
    values.extend_from_slice(tensor.try_into_data()?.as_slice::<f32>()?);
    Ok(())
}

#[cfg(test)]
#[path = "network/tests.rs"]
mod tests;
