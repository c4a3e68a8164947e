//! Layers that mix the steps of a sequence.
//!
//! The recurrent operators of ONNX want their matrices transposed, `[1, gates · units, inputs]`, and the
//! gates in an order of their own. The graph turns ours around from constants, which runtimes do
//! once, so that the initializers stay what [`decentralml_learning::Weights`] calls by these names.

use super::graph::{Builder, int, ints};

/// ONNX has update (z), reset (r), candidate (h); we have r, z, n.
const GRU: [usize; 3] = [1, 0, 2];
/// ONNX has input (i), output (o), forget (f), cell (c); we have i, f, g, o.
const LSTM: [usize; 4] = [0, 3, 1, 2];

impl Builder {
    /// The operator's `Ht = (1 − z) ∘ h + z ∘ Ht-1` is ours; `linear_before_reset` puts the reset after the
    /// product with the state.
    pub(super) fn gru(&mut self, path: &str, x: &str, units: u32) -> String {
        let attributes = vec![int("hidden_size", i64::from(units)), int("linear_before_reset", 1)];
        self.recurrent(path, "GRU", x, &GRU, attributes)
    }

    pub(super) fn lstm(&mut self, path: &str, x: &str, units: u32) -> String {
        self.recurrent(path, "LSTM", x, &LSTM, vec![int("hidden_size", i64::from(units))])
    }

    fn recurrent(
        &mut self,
        path: &str,
        op: &str,
        x: &str,
        order: &[usize],
        attributes: Vec<crate::proto::Attribute>,
    ) -> String {
        let first = self.integers("axis", &[0]);
        let weights = ["input_weight", "hidden_weight"].map(|kind| {
            let tensor = format!("{path}.{kind}");
            let turned = self.node(path, "Transpose", &[&tensor], vec![ints("perm", &[1, 0])]);
            let gates = self.in_order(path, &turned, order);
            let all = self.join(path, &gates);
            self.node(path, "Unsqueeze", &[&all, &first], Vec::new())
        });
        let biases = ["input_bias", "hidden_bias"]
            .map(|kind| self.in_order(path, &format!("{path}.{kind}"), order));
        let bias = self.join(path, &biases.concat());
        let bias = self.node(path, "Unsqueeze", &[&bias, &first], Vec::new());

        // The operator goes by steps, then rows; its output has directions between the two.
        let swap = || vec![ints("perm", &[1, 0, 2])];
        let x = self.node(path, "Transpose", &[x], swap());
        let [input, hidden] = weights;
        let x = self.node(path, op, &[&x, &input, &hidden, &bias], attributes);
        let directions = self.integers("axis", &[1]);
        let x = self.node(path, "Squeeze", &[&x, &directions], Vec::new());
        self.node(path, "Transpose", &[&x], swap())
    }

    /// The gates of a tensor along its first size, in another order.
    fn in_order(&mut self, path: &str, tensor: &str, order: &[usize]) -> Vec<String> {
        let gates = self.nodes(path, "Split", &[tensor], vec![int("axis", 0)], order.len());
        order.iter().filter_map(|&gate| gates.get(gate).cloned()).collect()
    }

    fn join(&mut self, path: &str, parts: &[String]) -> String {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.node(path, "Concat", &parts, vec![int("axis", 0)])
    }

    /// `softmax(q · kᵀ / √d) · v` per head, between two products.
    pub(super) fn attention(
        &mut self,
        path: &str,
        x: &str,
        sequence: &[usize],
        heads: usize,
        causal: bool,
    ) -> String {
        let steps = sequence.first().copied().unwrap_or(1);
        let features = sequence.last().copied().unwrap_or(1);
        let size = features / heads.max(1);
        let all = self.product(path, x, "input_weight", Some("input_bias"), false);
        let parts = self.nodes(path, "Split", &[&all], vec![int("axis", -1)], 3);
        // Keys come transposed: features before steps.
        let orders = [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]];
        let turned: Vec<String> = parts
            .iter()
            .zip(orders)
            .map(|(part, order)| {
                let part = self.reshape(path, part, &[steps, heads, size]);
                self.node(path, "Transpose", &[&part], vec![ints("perm", &order)])
            })
            .collect();
        let [queries, keys, values] = turned.as_slice() else { return all };
        let scores = self.node(path, "MatMul", &[queries, keys], Vec::new());
        let scale = self
            .constant(&format!("scale.{size}"), &[1], || vec![(1.0 / (size as f64).sqrt()) as f32]);
        let mut scores = self.node(path, "Mul", &[&scores, &scale], Vec::new());
        if causal {
            let hidden = self.constant("causal", &[1, 1, steps, steps], || {
                let later = |index: usize| index % steps > index / steps;
                let mask = |index| if later(index) { f32::NEG_INFINITY } else { 0.0 };
                (0..steps * steps).map(mask).collect()
            });
            scores = self.node(path, "Add", &[&scores, &hidden], Vec::new());
        }
        let shares = self.node(path, "Softmax", &[&scores], vec![int("axis", -1)]);
        let seen = self.node(path, "MatMul", &[&shares, values], Vec::new());
        let seen = self.node(path, "Transpose", &[&seen], vec![ints("perm", &[0, 2, 1, 3])]);
        let seen = self.reshape(path, &seen, &[steps, features]);
        self.product(path, &seen, "output_weight", Some("output_bias"), false)
    }
}
