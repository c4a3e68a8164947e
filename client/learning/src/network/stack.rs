//! Several networks of one model as one: every tensor has a leading dimension of clients.
//!
//! A step of a small model is many small operations, which leave a card idle. Here each operation is that of
//! all clients: products are batched, and what has no weights sees the rows of all clients. No number of one
//! client meets one of another, so that a client that diverges harms nobody else.

mod conv;
mod layers;

use std::sync::Arc;

use burn::{
    module::{Module, Param},
    tensor::{Device, Int, Tensor, TensorData, TensorReadError},
};

use super::{
    Slot,
    plan::{Operation, Plan},
};
use crate::{
    model::ModelSpec,
    random::Seed,
    weights::{Weights, WeightsError},
};

/// Models of several clients on a device. Their parameters are trainable where the device has autodiff.
#[derive(Module, Debug)]
pub(crate) struct Stack {
    /// `[clients, numbers]`.
    vectors: Vec<Param<Tensor<2>>>,
    /// `[clients, inputs, units]`.
    matrices: Vec<Param<Tensor<3>>>,
    /// `[clients, filters, channels, kernel, kernel]`.
    kernels: Vec<Param<Tensor<5>>>,
    #[module(skip)]
    plan: Arc<Plan>,
}

/// A stack's parameters, as [`Lists`](super::Lists) of a network, with one dimension more.
pub(crate) type StackLists<'a> =
    (&'a [Param<Tensor<2>>], &'a [Param<Tensor<3>>], &'a [Param<Tensor<5>>]);

/// The draws of dropout in one training step, each client's as if it were alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Droppings<'a> {
    /// Of each client.
    pub(crate) seeds: &'a [Seed],
    /// Rows of each client's batch; those behind them fill it up.
    pub(crate) rows: &'a [usize],
    pub(crate) step: u32,
}

impl Stack {
    /// Uploads the weights of each client. Fails unless they are this model's: burn would panic later.
    pub(crate) fn new(
        spec: &ModelSpec,
        clients: &[&Weights],
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let wrong = |found| WeightsError::Count { expected: spec.parameter_count(), found };
        let first = clients.first().ok_or_else(|| wrong(0))?;
        let plan = Arc::new(Plan::new(spec, first)?);
        if let Some(other) =
            clients.iter().find(|weights| weights.parameters() != first.parameters())
        {
            return Err(wrong(other.values().len()));
        }
        let (mut vectors, mut matrices, mut kernels) = (Vec::new(), Vec::new(), Vec::new());
        let mut start = 0;
        for (parameter, slot) in spec.parameters().iter().zip(&plan.order) {
            let end = start + parameter.count();
            let numbers = clients.iter().filter_map(|weights| weights.values().get(start..end));
            let numbers: Vec<f32> = numbers.flatten().copied().collect();
            let shape: Vec<usize> =
                [clients.len()].into_iter().chain(parameter.shape.iter().copied()).collect();
            let data = TensorData::new(numbers, shape);
            match slot {
                Slot::Vector(_) => vectors.push(Param::from_data(data, device)),
                Slot::Matrix(_) => matrices.push(Param::from_data(data, device)),
                Slot::Kernel(_) => kernels.push(Param::from_data(data, device)),
            }
            start = end;
        }
        Ok(Self { vectors, matrices, kernels, plan })
    }

    /// What the last layer gives, of shape `[clients, rows, outputs]`, for features of shape
    /// `[clients, rows, features]`, as [`Network::forward`](super::Network::forward) does.
    pub(crate) fn forward(&self, features: Tensor<3>, dropping: Droppings<'_>) -> Tensor<3> {
        self.run(&self.plan.operations, features, dropping)
    }

    fn run(
        &self,
        operations: &[Operation],
        features: Tensor<3>,
        dropping: Droppings<'_>,
    ) -> Tensor<3> {
        operations.iter().fold(features, |x, operation| self.apply(operation, x, dropping))
    }

    // Slots are made together with the lists that they point into, and both never change.
    fn vector(&self, slot: usize) -> Tensor<2> {
        self.vectors[slot].val()
    }

    fn matrix(&self, slot: usize) -> Tensor<3> {
        self.matrices[slot].val()
    }

    fn kernel(&self, slot: usize) -> Tensor<5> {
        self.kernels[slot].val()
    }

    /// All parameters, by their number of dimensions: 2, 3 and 5. Stacks of one model have them in the same order.
    pub(crate) fn lists(&self) -> StackLists<'_> {
        (&self.vectors, &self.matrices, &self.kernels)
    }

    /// Downloads the weights of these clients, each in the order of [`ModelSpec::parameters`].
    pub(crate) fn values(&self, clients: &[usize]) -> Result<Vec<Vec<f32>>, TensorReadError> {
        let mut values = vec![Vec::new(); clients.len()];
        if clients.is_empty() {
            return Ok(values);
        }
        for slot in &self.plan.order {
            match *slot {
                Slot::Vector(slot) => extend(&mut values, self.vector(slot), clients)?,
                Slot::Matrix(slot) => extend(&mut values, self.matrix(slot), clients)?,
                Slot::Kernel(slot) => extend(&mut values, self.kernel(slot), clients)?,
            }
        }
        Ok(values)
    }
}

fn extend<const D: usize>(
    values: &mut [Vec<f32>],
    tensor: Tensor<D>,
    clients: &[usize],
) -> Result<(), TensorReadError> {
    let tensor = tensor.inner();
    let device = tensor.device();
    let data = tensor.select(0, whole_numbers(clients.iter().copied(), &device)).try_into_data()?;
    let numbers = data.as_slice::<f32>()?;
    for (values, numbers) in values.iter_mut().zip(numbers.chunks(numbers.len() / clients.len())) {
        values.extend_from_slice(numbers);
    }
    Ok(())
}

/// Whole numbers as a tensor.
fn whole_numbers(numbers: impl Iterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let numbers: Vec<i64> = numbers.map(|number| number as i64).collect();
    let count = [numbers.len()];
    Tensor::from_data(TensorData::new(numbers, count), device)
}
