#![allow(clippy::unwrap_used)]
use decentralml_learning::model::READY;
use half::{bf16, f16};
use prost::Message;
use safetensors::{Dtype, serialize, tensor::TensorView};

use super::*;
use crate::{export, proto};

type Named = (&'static str, Vec<usize>, Vec<f32>);

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn safetensors(tensors: &[Named]) -> Vec<u8> {
    let data: Vec<Vec<u8>> = tensors.iter().map(|(.., numbers)| bytes(numbers)).collect();
    let views = tensors.iter().zip(&data).map(|((name, shape, _), data)| {
        (*name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
    });
    serialize(views, None).unwrap()
}

/// A graph that uses its tensors in their order, one after the other.
fn onnx(tensors: &[Named]) -> Vec<u8> {
    let names: Vec<&str> = tensors.iter().map(|(name, ..)| *name).collect();
    onnx_of(tensors, &names)
}

/// A graph that uses `used` one after the other, in whatever order its list has the tensors.
fn onnx_of(tensors: &[Named], used: &[&str]) -> Vec<u8> {
    let node = used.iter().enumerate().map(|(index, name)| proto::Node {
        input: vec![format!("value {index}"), (*name).to_owned()],
        output: vec![format!("value {}", index + 1)],
        ..Default::default()
    });
    let initializer = tensors.iter().map(|(name, shape, numbers)| proto::Tensor {
        dims: shape.iter().map(|&size| size as i64).collect(),
        data_type: 1,
        name: (*name).to_owned(),
        raw_data: bytes(numbers),
    });
    let (node, initializer) = (node.collect(), initializer.collect());
    let graph = proto::Graph { node, initializer, ..Default::default() };
    proto::Model { ir_version: 8, graph: Some(graph), ..Default::default() }.encode_to_vec()
}

/// `count` numbers from `first` on.
fn range(first: usize, count: usize) -> Vec<f32> {
    (first..first + count).map(|number| number as f32).collect()
}

/// 2 → 3 → 3 → 2.
fn spec() -> ModelSpec {
    ModelSpec::mlp(2, &[3, 3], 2)
}

#[test]
fn what_was_exported_comes_back_bit_by_bit() {
    for name in READY {
        let spec = ModelSpec::named(name, None, None).unwrap();
        let weights = Weights::init(&spec, [7; 32]);
        for file in [export(&spec, &weights, &[]).unwrap(), weights.to_bytes()] {
            let imported = import(&file, &spec).unwrap();
            assert_eq!(imported.weights.to_bytes(), weights.to_bytes(), "{name}");
            assert_eq!((imported.matching, imported.unused.len()), (Matching::Names, 0));
            assert_eq!(imported.matched.len(), spec.parameters().len());
        }
    }
}

#[test]
fn a_foreign_file_with_our_names_may_have_more_and_in_any_order() {
    let spec = ModelSpec::mlp(2, &[], 2);
    let tensors = [
        ("optimizer.step", vec![1], vec![9.0]),
        ("layers.0.weight", vec![2, 2], range(1, 4)),
        ("layers.0.bias", vec![2], range(5, 2)),
    ];
    for file in [safetensors(&tensors), onnx(&tensors)] {
        let imported = import(&file, &spec).unwrap();
        assert_eq!(imported.weights.values(), [5.0, 6.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(imported.unused, ["optimizer.step"]);
    }
}

#[test]
fn floats_of_16_bits_are_widened() {
    let spec = ModelSpec::mlp(1, &[], 2);
    let numbers = [1.5_f32, -0.25];
    let half: Vec<u16> = numbers.iter().map(|&x| f16::from_f32(x).to_bits()).collect();
    let brain: Vec<u16> = numbers.iter().map(|&x| bf16::from_f32(x).to_bits()).collect();
    let raw = |bits: &[u16]| bits.iter().flat_map(|bits| bits.to_le_bytes()).collect::<Vec<u8>>();
    let (half_bytes, brain_bytes) = (raw(&half), raw(&brain));
    let views = [
        ("layers.0.weight", TensorView::new(Dtype::F16, vec![1, 2], &half_bytes).unwrap()),
        ("layers.0.bias", TensorView::new(Dtype::BF16, vec![2], &brain_bytes).unwrap()),
    ];
    let expected = [1.5, -0.25, 1.5, -0.25];
    assert_eq!(import(&serialize(views, None).unwrap(), &spec).unwrap().weights.values(), expected);

    // As ONNX has them without raw data: bits in the list of integers.
    let tensor = |name: &str, kind: u8, dims: &[u8], bits: &[u16]| {
        let list: Vec<u8> = bits
            .iter()
            .flat_map(|&bits| [bits as u8 | 0x80, (bits >> 7) as u8 | 0x80, (bits >> 14) as u8])
            .collect();
        let mut message: Vec<u8> = dims.iter().flat_map(|&size| [8, size]).collect();
        message.extend([16, kind, 0x42, name.len() as u8]);
        message.extend(name.as_bytes());
        message.extend([0x2a, list.len() as u8]);
        message.extend(list);
        message
    };
    let mut graph = Vec::new();
    for tensor in
        [tensor("layers.0.weight", 10, &[1, 2], &half), tensor("layers.0.bias", 16, &[2], &brain)]
    {
        graph.extend([0x2a, tensor.len() as u8]);
        graph.extend(tensor);
    }
    let model = [&[8, 8, 0x3a, graph.len() as u8][..], &graph].concat();
    assert_eq!(import(&model, &spec).unwrap().weights.values(), expected);
}

#[test]
fn tensors_with_other_names_are_told_by_their_shapes() {
    // Two biases of 3 numbers, weights all different.
    let tensors = [
        ("fc1.weight", vec![2, 3], range(0, 6)),
        ("fc1.bias", vec![3], range(6, 3)),
        ("fc2.weight", vec![3, 3], range(9, 9)),
        ("fc2.bias", vec![3], range(18, 3)),
        ("fc3.weight", vec![3, 2], range(21, 6)),
        ("fc3.bias", vec![2], range(27, 2)),
    ];
    let expected: Vec<f32> =
        [range(6, 3), range(0, 6), range(18, 3), range(9, 9), range(27, 2), range(21, 6)].concat();
    for file in [safetensors(&tensors), onnx(&tensors)] {
        let imported = import(&file, &spec()).unwrap();
        assert_eq!(imported.matching, Matching::Shapes);
        assert_eq!(imported.weights.values(), expected);
        assert_eq!(imported.matched[1], ("layers.0.bias".to_owned(), "fc1.bias".to_owned()));
    }
    // A graph has an order, whatever its names; the names of a safetensors file say nothing then.
    let mut renamed = tensors.clone();
    renamed[1].0 = "middle.bias";
    renamed[3].0 = "first.bias";
    assert_eq!(import(&onnx(&renamed), &spec()).unwrap().weights.values(), expected);
    let error = import(&safetensors(&renamed), &spec()).unwrap_err().to_string();
    assert!(
        error.contains("`layers.0.bias`, `layers.2.bias` of [3]")
            && error.contains("in which order"),
        "{error}"
    );
    // The list of a graph's tensors is in no order: their use is.
    let used: Vec<&str> = renamed.iter().map(|(name, ..)| *name).collect();
    renamed.reverse();
    assert_eq!(import(&onnx_of(&renamed, &used), &spec()).unwrap().weights.values(), expected);
    let error = import(&onnx_of(&renamed, &used[..3]), &spec()).unwrap_err().to_string();
    assert!(error.contains("`first.bias`, `middle.bias` fit, and nothing says"), "{error}");
}

#[test]
fn weights_of_a_gemm_that_exchanges_them_are_exchanged_square_ones_too() {
    // As PyTorch writes linear layers of 2 → 2 → 3.
    let gemm = |index: usize, weight: &str, bias: &str| proto::Node {
        input: vec![format!("value {index}"), weight.to_owned(), bias.to_owned()],
        output: vec![format!("value {}", index + 1)],
        op_type: "Gemm".to_owned(),
        attribute: vec![proto::Attribute {
            name: "transB".to_owned(),
            i: Some(1),
            r#type: proto::attribute_type::INT,
            ..Default::default()
        }],
        ..Default::default()
    };
    let tensors = |names: [&'static str; 4]| {
        [
            (names[0], vec![2, 2], vec![1.0, 2.0, 3.0, 4.0]),
            (names[1], vec![2], vec![5.0, 6.0]),
            (names[2], vec![3, 2], range(10, 6)),
            (names[3], vec![3], range(20, 3)),
        ]
    };
    let foreign = ["a.weight", "a.bias", "b.weight", "b.bias"];
    let own = ["layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias"];
    let spec = ModelSpec::mlp(2, &[2], 3);
    for (names, matching) in [(foreign, Matching::Shapes), (own, Matching::Names)] {
        let plain = onnx(&tensors(names));
        let mut model = proto::Model::decode(plain.as_slice()).unwrap();
        let nodes = vec![gemm(0, names[0], names[1]), gemm(1, names[2], names[3])];
        model.graph.as_mut().unwrap().node = nodes;
        let imported = import(&model.encode_to_vec(), &spec).unwrap();
        assert_eq!(imported.matching, matching);
        let expected = [
            &[5.0, 6.0, 1.0, 3.0, 2.0, 4.0][..],
            &[20.0, 21.0, 22.0, 10.0, 12.0, 14.0, 11.0, 13.0, 15.0],
        ];
        assert_eq!(imported.weights.values(), expected.concat());
    }
}

#[test]
fn gain_and_offset_of_a_norm_are_told_by_their_names_or_not_at_all() {
    let layers = vec![LayerSpec::dense(4), LayerSpec::LayerNorm, LayerSpec::dense(2)];
    let spec = ModelSpec::new(vec![3], layers);
    let tensors = |gain: &'static str, offset: &'static str| {
        onnx(&[
            ("a.weight", vec![3, 4], range(0, 12)),
            ("a.bias", vec![4], range(12, 4)),
            (offset, vec![4], range(16, 4)),
            (gain, vec![4], range(20, 4)),
            ("b.weight", vec![4, 2], range(24, 8)),
            ("b.bias", vec![2], range(32, 2)),
        ])
    };
    let imported = import(&tensors("norm.gamma", "norm.beta"), &spec).unwrap();
    let gain = imported.weights.tensors().find(|(one, _)| one.name == "layers.1.weight").unwrap();
    assert_eq!(gain.1, range(20, 4));
    let error = import(&tensors("norm.x", "norm.y"), &spec).unwrap_err().to_string();
    assert!(error.contains("`norm.y`, `norm.x` fit, and nothing says"), "{error}");
}

#[test]
fn what_fits_nowhere_is_listed() {
    let tensors = [("fc.weight", vec![2, 4], range(0, 8)), ("fc.bias", vec![2], range(0, 2))];
    let error = import(&safetensors(&tensors), &ModelSpec::mlp(4, &[], 2)).unwrap_err().to_string();
    assert!(
        error.contains(
            "`layers.0.weight` of [4, 2]: nothing in the file fits, but `fc.weight` would"
        ),
        "{error}"
    );
    assert!(error.contains("[units, inputs] in PyTorch"), "{error}");

    let named =
        [("layers.0.weight", vec![2, 4], range(0, 8)), ("layers.0.bias", vec![2], range(0, 2))];
    let error = import(&onnx(&named), &ModelSpec::mlp(4, &[], 2)).unwrap_err().to_string();
    assert!(
        error.contains("is f32 [2, 4], the model's is f32 [4, 2]: rows and columns are exchanged"),
        "{error}"
    );
    let error = import(&onnx(&named), &ModelSpec::mlp(3, &[], 2)).unwrap_err().to_string();
    assert!(error.contains("give the layers that the file was made for"), "{error}");
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let mut tensors =
        [("layers.0.weight", vec![2, 2], range(0, 4)), ("layers.0.bias", vec![2], range(0, 2))];
    tensors[0].2[3] = f32::NAN;
    let error = import(&safetensors(&tensors), &ModelSpec::mlp(2, &[], 2)).unwrap_err().to_string();
    assert!(error.contains("`layers.0.weight`, number 3: not finite"), "{error}");
}
