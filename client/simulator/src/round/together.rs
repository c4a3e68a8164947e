//! Which clients are trained at the same time as one set of tensors.

use std::cmp::Reverse;

use decentralml_learning::{
    Alone, LocalTraining, ModelSpec, can_train_together,
    device::{self, Choice},
};

/// Clients that a card trains at the same time, unless told otherwise.
pub const ON_A_CARD: usize = 16;

/// Weights that they have together at most, unless told otherwise: 64 MiB. A larger model fills a card by itself.
const WEIGHTS: usize = 1 << 24;

/// How many clients are trained as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Together {
    /// At most so many; 1 where each is trained by itself.
    pub(crate) clients: usize,
    /// Why it is 1, though more were to be.
    pub(crate) refused: Option<Alone>,
    device: Choice,
}

impl Together {
    /// What is asked for, 0 for what is usual, of a run with this model and these settings.
    pub(crate) fn of(asked: usize, spec: &ModelSpec, local: &LocalTraining) -> Self {
        Self::on(device::selected(), asked, spec, local)
    }

    fn on(device: Choice, asked: usize, spec: &ModelSpec, local: &LocalTraining) -> Self {
        let clients = match (asked, device) {
            (0, Choice::Cpu) => 1,
            (0, _) => (WEIGHTS / spec.parameter_count().max(1)).clamp(1, ON_A_CARD),
            (asked, _) => asked,
        };
        let refused = if clients > 1 { can_train_together(spec, local).err() } else { None };
        let clients = if refused.is_some() { 1 } else { clients };
        Self { clients, refused, device }
    }

    /// What a report says of where clients trained.
    pub(crate) fn told(&self) -> String {
        match self.clients {
            1 => self.device.to_string(),
            clients => format!("{} in batches of {clients} clients", self.device),
        }
    }
}

/// Who is trained with whom: positions in the cohort, of those that train in batches of at most `most`, as even in size as they
/// can be, and of the others each by itself.
///
/// Those with most rows come first: who shares a batch has about as many steps as the others in it. It follows from the cohort
/// and its rows alone.
pub(super) fn jobs(
    train: &[usize],
    others: &[usize],
    most: usize,
    rows: impl Fn(usize) -> u32,
) -> Vec<Vec<usize>> {
    let mut train = train.to_vec();
    let size = match train.len().div_ceil(most.max(1)) {
        0 => 1,
        batches => train.len().div_ceil(batches),
    };
    if size > 1 {
        // Stable: of equal rows, the order is the cohort's.
        train.sort_by_key(|&position| Reverse(rows(position)));
    }
    let alone = others.iter().map(|&position| vec![position]);
    train.chunks(size).map(<[usize]>::to_vec).chain(alone).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use decentralml_learning::LayerSpec;

    #[test]
    fn cards_train_batches_and_the_processor_one_client_unless_told_otherwise() {
        let local = LocalTraining::epochs(1);
        let small = ModelSpec::named("2nn", None, None).unwrap();
        let large = ModelSpec::mlp(1_000, &[20_000], 10);
        let steps = ModelSpec::new(
            vec![8],
            vec![LayerSpec::Embedding { vocabulary: 4, units: 4 }, LayerSpec::Gru { units: 4 }],
        );
        let of = |device, asked, spec| Together::on(device, asked, spec, &local);
        let card = Choice::Cuda(1);
        for (device, asked, spec, clients, told) in [
            (Choice::Cpu, 0, &small, 1, "cpu"),
            (Choice::Cpu, 3, &small, 3, "cpu in batches of 3 clients"),
            (card, 0, &small, ON_A_CARD, "cuda:1 in batches of 16 clients"),
            (card, 1, &small, 1, "cuda:1"),
            (card, 0, &large, 1, "cuda:1"),
            (card, 4, &large, 4, "cuda:1 in batches of 4 clients"),
            (card, 1, &steps, 1, "cuda:1"),
        ] {
            let found = of(device, asked, spec);
            assert_eq!((found.clients, found.refused), (clients, None), "{told}");
            assert_eq!(found.told(), told);
        }
        for (device, asked) in [(card, 0), (card, 4), (Choice::Cpu, 4)] {
            let found = of(device, asked, &steps);
            assert_eq!((found.clients, found.refused), (1, Some(Alone::Layer("gru"))));
        }
    }

    #[test]
    fn batches_are_even_and_have_clients_of_like_numbers_of_rows() {
        let rows = |position: usize| [5, 40, 5, 30, 7, 20, 6][position];
        let found = jobs(&[0, 1, 2, 3, 4, 6], &[5], 4, rows);
        assert_eq!(found, [vec![1, 3, 4], vec![6, 0, 2], vec![5]]);
        // One by one, in the order of the cohort.
        assert_eq!(jobs(&[2, 0, 1], &[3], 1, rows), [[2], [0], [1], [3]]);
        assert_eq!(jobs(&[], &[1], 4, rows), [[1]]);
    }
}
