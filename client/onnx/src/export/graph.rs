//! Nodes, constants and their names.

use std::collections::BTreeSet;

use decentralml_learning::{ModelSpec, Parameter};

use crate::proto::{self, attribute_type, data_type};

/// A graph that is being written: nodes in an order in which they can be computed.
#[derive(Default)]
pub(super) struct Builder {
    nodes: Vec<proto::Node>,
    tensors: Vec<proto::Tensor>,
    constants: BTreeSet<String>,
}

/// An attribute of one integer.
pub(super) fn int(name: &str, i: i64) -> proto::Attribute {
    let r#type = attribute_type::INT;
    proto::Attribute { name: name.to_owned(), i: Some(i), r#type, ..Default::default() }
}

/// An attribute of several integers.
pub(super) fn ints(name: &str, ints: &[i64]) -> proto::Attribute {
    let (ints, r#type) = (ints.to_vec(), attribute_type::INTS);
    proto::Attribute { name: name.to_owned(), ints, r#type, ..Default::default() }
}

/// An attribute of one number.
pub(super) fn float(name: &str, f: f32) -> proto::Attribute {
    let r#type = attribute_type::FLOAT;
    proto::Attribute { name: name.to_owned(), f: Some(f), r#type, ..Default::default() }
}

impl Builder {
    /// A node with one output, whose name is given back.
    pub(super) fn node(
        &mut self,
        path: &str,
        op: &str,
        inputs: &[&str],
        attribute: Vec<proto::Attribute>,
    ) -> String {
        self.nodes(path, op, inputs, attribute, 1).pop().unwrap_or_default()
    }

    /// A node with so many outputs, whose names are given back.
    pub(super) fn nodes(
        &mut self,
        path: &str,
        op: &str,
        inputs: &[&str],
        attribute: Vec<proto::Attribute>,
        outputs: usize,
    ) -> Vec<String> {
        // The number of the node keeps names apart.
        let name = format!("{path}/{op}_{}", self.nodes.len());
        let output: Vec<String> = (0..outputs).map(|index| format!("{name}:{index}")).collect();
        self.nodes.push(proto::Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: output.clone(),
            name,
            op_type: op.to_owned(),
            attribute,
        });
        output
    }

    /// Calls what the last node gives otherwise.
    pub(super) fn rename(&mut self, old: &str, new: &str) {
        for output in self.nodes.iter_mut().flat_map(|node| &mut node.output) {
            if output == old {
                *output = new.to_owned();
            }
        }
    }

    /// A tensor of the model, under its own name and in its own shape.
    pub(super) fn parameter(&mut self, parameter: &Parameter, numbers: &[f32]) {
        self.floats(parameter.name.clone(), &parameter.shape, numbers);
    }

    fn floats(&mut self, name: String, shape: &[usize], numbers: &[f32]) {
        self.tensors.push(proto::Tensor {
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: data_type::FLOAT,
            name,
            raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
        });
    }

    /// Numbers that do not depend on the weights; `kind` tells those of one shape apart.
    pub(super) fn constant(
        &mut self,
        kind: &str,
        shape: &[usize],
        numbers: impl FnOnce() -> Vec<f32>,
    ) -> String {
        let sizes: String = shape.iter().map(|size| format!(".{size}")).collect();
        let name = format!("constant.{kind}{sizes}");
        if self.constants.insert(name.clone()) {
            self.floats(name.clone(), shape, &numbers());
        }
        name
    }

    /// A list of integers, such as a shape.
    pub(super) fn integers(&mut self, kind: &str, integers: &[i64]) -> String {
        let parts: String = integers.iter().map(|number| format!(".{number}")).collect();
        let name = format!("constant.{kind}{parts}");
        if self.constants.insert(name.clone()) {
            self.tensors.push(proto::Tensor {
                dims: vec![integers.len() as i64],
                data_type: data_type::INT64,
                name: name.clone(),
                raw_data: integers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            });
        }
        name
    }

    /// The same rows, each in this shape.
    pub(super) fn reshape(&mut self, path: &str, x: &str, row: &[usize]) -> String {
        // 0 keeps the size that is there: that of the batch.
        let sizes: Vec<i64> =
            std::iter::once(0).chain(row.iter().map(|&size| size as i64)).collect();
        let shape = self.integers("shape", &sizes);
        self.node(path, "Reshape", &[x, &shape], Vec::new())
    }

    /// `(x − mean) / deviation` where the model asks for it: each part of a row with its own two.
    pub(super) fn normalized(&mut self, spec: &ModelSpec, x: String) -> String {
        let Some(normalize) = &spec.rows.normalize else { return x };
        let numbers = |list: &[decentralml_learning::model::Number]| -> Vec<f32> {
            list.iter().map(|&number| number.into()).collect()
        };
        let (mean, deviation) = (numbers(&normalize.mean), numbers(&normalize.deviation));
        let sizes: Vec<usize> = spec.input.iter().map(|&size| size as usize).collect();
        let parts = mean.len();
        // Along the first size of a row the parts are broadcast; elsewhere the row is cut for it.
        let (x, shape, cut) = match sizes.first() {
            _ if parts == 1 => (x, vec![1], false),
            Some(&first) if first == parts => {
                let ones = std::iter::repeat_n(1, sizes.len() - 1);
                (x, std::iter::once(parts).chain(ones).collect(), false)
            }
            _ => {
                let width = spec.features() / parts.max(1);
                (self.reshape("rows", &x, &[parts, width]), vec![parts, 1], true)
            }
        };
        let mean = self.constant("mean", &shape, || mean);
        let deviation = self.constant("deviation", &shape, || deviation);
        let x = self.node("rows", "Sub", &[&x, &mean], Vec::new());
        let x = self.node("rows", "Div", &[&x, &deviation], Vec::new());
        if cut { self.reshape("rows", &x, &sizes) } else { x }
    }

    /// Nodes and tensors; input and output are the caller's to say.
    pub(super) fn finish(self) -> proto::Graph {
        proto::Graph { node: self.nodes, initializer: self.tensors, ..Default::default() }
    }
}
