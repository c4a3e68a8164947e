//! What training makes smaller.

use burn::{
    nn::loss::CrossEntropyLossConfig,
    tensor::{Device, Int, Tensor, TensorData},
};

use crate::{
    data::Dataset,
    model::{ModelSpec, Task},
};

/// The mean loss of a batch, of shape `[1]`, from what the network gives for these rows, of shape
/// `[rows, outputs]`.
pub(super) fn of(
    spec: &ModelSpec,
    outputs: Tensor<2>,
    data: &Dataset,
    rows: &[usize],
) -> Tensor<1> {
    let device = outputs.device();
    match spec.task {
        Task::Classification => {
            let labels = rows.iter().filter_map(|&row| data.labels().get(row).copied());
            cross_entropy(outputs, labels.collect(), &device)
        }
        Task::NextToken => {
            let (classes, tokens) = (spec.classes(), rows.len() * spec.features());
            let next = rows.iter().flat_map(|&row| data.next_tokens(row));
            cross_entropy(outputs.reshape([tokens, classes]), next.collect(), &device)
        }
        Task::Regression => {
            let shape = outputs.dims();
            let quantities = rows.iter().flat_map(|&row| data.quantities_of(row).iter().copied());
            let quantities = TensorData::new(quantities.collect::<Vec<f32>>(), shape);
            (outputs - Tensor::<2>::from_data(quantities, &device)).square().mean()
        }
    }
}

fn cross_entropy(logits: Tensor<2>, labels: Vec<u32>, device: &Device) -> Tensor<1> {
    let shape = [labels.len()];
    let labels: Vec<i64> = labels.into_iter().map(i64::from).collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, shape), device);
    CrossEntropyLossConfig::new().init(device).forward(logits, labels)
}
