#![allow(clippy::unwrap_used)]
use std::collections::BTreeSet;

use decentralml_learning::{LayerSpec, model::READY};
use prost::Message;

use super::*;

fn model(spec: &ModelSpec) -> proto::Model {
    let bytes = export(spec, &Weights::init(spec, [1; 32]), &[]).unwrap();
    proto::Model::decode(bytes.as_slice()).unwrap()
}

#[test]
fn every_tensor_is_there_under_its_name_and_every_name_is_defined_once_before_its_use() {
    for name in READY {
        let spec = ModelSpec::named(name, None, None).unwrap();
        let weights = Weights::init(&spec, [1; 32]);
        let graph = model(&spec).graph.unwrap();
        for (parameter, numbers) in weights.tensors() {
            let tensor = graph.initializer.iter().find(|one| one.name == parameter.name).unwrap();
            let dims: Vec<usize> = tensor.dims.iter().map(|&size| size as usize).collect();
            assert_eq!(dims, parameter.shape);
            assert_eq!(
                tensor.raw_data,
                numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>()
            );
        }
        let mut known = BTreeSet::from([INPUT.to_owned()]);
        for tensor in &graph.initializer {
            assert!(known.insert(tensor.name.clone()), "{} twice", tensor.name);
        }
        for node in &graph.node {
            assert!(node.input.iter().all(|input| known.contains(input)), "{name}: {}", node.name);
            assert!(node.output.iter().all(|output| known.insert(output.clone())));
        }
        assert!(known.contains(OUTPUT));
    }
}

#[test]
fn equal_models_give_equal_bytes_and_what_was_said_of_them_is_in_there() {
    let rows = decentralml_learning::RowSpec {
        labels: vec!["a".to_owned(), "b".to_owned()],
        ..Default::default()
    };
    let spec = ModelSpec::mlp(3, &[2], 2).with_rows(rows);
    let weights = Weights::init(&spec, [1; 32]);
    let about = [("weights", "bafk".to_owned())];
    let bytes = export(&spec, &weights, &about).unwrap();
    assert_eq!(bytes, export(&spec, &weights, &about).unwrap());
    let model = proto::Model::decode(bytes.as_slice()).unwrap();
    let entry = |key: &str| {
        let found = model.metadata_props.iter().find(|one| one.key == format!("decentralml.{key}"));
        found.unwrap().value.clone()
    };
    assert_eq!(
        (entry("labels"), entry("outputs"), entry("weights")),
        ("[\"a\",\"b\"]".to_owned(), "2".to_owned(), "bafk".to_owned())
    );
    assert_eq!(ModelSpec::from_json(entry("layers").as_bytes()).unwrap(), spec);
    assert_eq!((model.ir_version, model.opset_import[0].version), (8, 17));
    let input = &model.graph.unwrap().input[0];
    let shape = input.r#type.clone().unwrap().tensor_type.unwrap().shape.unwrap();
    assert_eq!(shape.dim[0].dim_param.as_deref(), Some("batch"));
    assert_eq!(shape.dim[1].dim_value, Some(3));
}

#[test]
fn dropout_is_left_out() {
    let with = vec![LayerSpec::dense(4), LayerSpec::Dropout { percent: 50 }, LayerSpec::dense(2)];
    let graph = model(&ModelSpec::new(vec![3], with)).graph.unwrap();
    let operators: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    assert_eq!(operators, ["Gemm", "Gemm"]);
}

#[test]
fn weights_of_other_layers_and_files_that_are_too_long_are_refused() {
    let weights = Weights::init(&ModelSpec::mlp(3, &[], 2), [1; 32]);
    let error = export(&ModelSpec::mlp(4, &[], 2), &weights, &[]).unwrap_err();
    assert!(error.to_string().contains("8 numbers, these layers have 10"), "{error}");
    assert!(check_length(MAX_BYTES).is_ok());
    let error = check_length(MAX_BYTES + 1).unwrap_err().to_string();
    assert!(error.contains("would have 2147483648 bytes"), "{error}");
}
