//! What training makes smaller.

use burn::{
    nn::loss::CrossEntropyLossConfig,
    tensor::{Device, Int, Tensor, TensorData, activation::log_softmax},
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

/// The mean losses of several clients' batches, of shape `[clients]`, from what their networks give for these rows, of shape
/// `[clients, rows, outputs]`. Of each only the first rows count, as many as `own` says; of none, the loss is 0.
pub(super) fn of_each(
    spec: &ModelSpec,
    outputs: Tensor<3>,
    batches: &[(&Dataset, Vec<usize>)],
    own: &[usize],
) -> Tensor<1> {
    let device = outputs.device();
    let [clients, rows, numbers] = outputs.dims();
    let all = batches.iter().flat_map(|(data, rows)| rows.iter().map(|&row| (*data, row)));
    let each: Tensor<2> = match spec.task {
        Task::Classification => {
            let labels = all.filter_map(|(data, row)| data.labels().get(row).copied());
            surprises(outputs.reshape([clients * rows, numbers]), labels.collect(), &device)
        }
        Task::NextToken => {
            let (classes, steps) = (spec.classes(), spec.features());
            let next = all.flat_map(|(data, row)| data.next_tokens(row));
            let tokens = outputs.reshape([clients * rows * steps, classes]);
            surprises(tokens, next.collect(), &device).reshape([clients * rows, steps]).mean_dim(1)
        }
        Task::Regression => {
            let quantities = all.flat_map(|(data, row)| data.quantities_of(row).iter().copied());
            let quantities: Vec<f32> = quantities.collect();
            let quantities = TensorData::new(quantities, [clients, rows, numbers]);
            let apart = outputs - Tensor::<3>::from_data(quantities, &device);
            apart.square().mean_dim(2).reshape([clients * rows, 1])
        }
    };
    let share = own
        .iter()
        .flat_map(|&own| (0..rows).map(move |row| if row < own { 1.0 / own as f32 } else { 0.0 }));
    let share = TensorData::new(share.collect::<Vec<f32>>(), [clients, rows]);
    let each = each.reshape([clients, rows]) * Tensor::<2>::from_data(share, &device);
    each.sum_dim(1).reshape([clients])
}

fn cross_entropy(logits: Tensor<2>, labels: Vec<u32>, device: &Device) -> Tensor<1> {
    CrossEntropyLossConfig::new().init(device).forward(logits, classes(labels, device))
}

/// The cross-entropy of each row, `[rows, 1]`.
fn surprises(logits: Tensor<2>, labels: Vec<u32>, device: &Device) -> Tensor<2> {
    log_softmax(logits, 1).gather(1, classes(labels, device).unsqueeze_dim(1)).neg()
}

fn classes(labels: Vec<u32>, device: &Device) -> Tensor<1, Int> {
    let shape = [labels.len()];
    let labels: Vec<i64> = labels.into_iter().map(i64::from).collect();
    Tensor::from_data(TensorData::new(labels, shape), device)
}
