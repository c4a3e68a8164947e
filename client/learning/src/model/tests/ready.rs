#![allow(clippy::unwrap_used)]
use super::*;
use crate::testing::fold;

#[test]
fn ready_models_have_their_sizes() {
    for (name, parameters, features, classes) in [
        ("mlp", 64 * 128 + 128 + 128 * 10 + 10, 64, 10),
        ("2nn", 199_210, 784, 10),
        ("mcmahan-cnn", 1_663_370, 784, 10),
        ("resnet-gn", 272_474, 3_072, 10),
        ("gru-char", 96 * 8 + 768 * (8 + 256 + 2) + 768 * (256 + 256 + 2) + 257 * 96, 80, 96),
        ("transformer-char", 96 * 128 + 80 * 128 + 2 * 198_272 + 256 + 129 * 96, 80, 96),
    ] {
        let spec = ModelSpec::named(name, None, None).unwrap();
        assert_eq!(spec.parameter_count(), parameters, "{name}");
        assert_eq!((spec.features(), spec.classes()), (features, classes), "{name}");
        let json = spec.to_canonical_json().unwrap();
        assert_eq!(ModelSpec::from_canonical_json(&json).unwrap(), spec);
        let names: Vec<String> = spec.parameters().into_iter().map(|p| p.name).collect();
        assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]), "{name}");
    }
    assert_eq!(ModelSpec::named("2nn", None, None).unwrap().version, 1);
    let other = ModelSpec::named("mcmahan-cnn", Some(&[3, 32, 32]), Some(100)).unwrap();
    assert_eq!((other.features(), other.classes()), (3_072, 100));
    let error = ModelSpec::named("lenet", None, None).unwrap_err().to_string();
    assert!(error.contains("`lenet`") && error.contains("mcmahan-cnn"), "{error}");
    for name in ["mcmahan-cnn", "resnet-gn", "gru-char"] {
        let error = ModelSpec::named(name, Some(&[28, 28]), None).unwrap_err();
        assert!(matches!(error, SpecError::Ready { .. }), "{error}");
    }
}

#[test]
fn specifications_have_golden_bytes() {
    // A model's CID is the hash of these bytes: a change here is another version of the format.
    let digest = |spec: &ModelSpec| fold(&spec.to_canonical_json().unwrap());
    let digests: Vec<u64> =
        READY.iter().map(|name| digest(&ModelSpec::named(name, None, None).unwrap())).collect();
    assert_eq!(digests, GOLDEN_SPECS);
}

#[test]
fn initial_weights_have_golden_bytes() {
    let digests: Vec<u64> = READY
        .iter()
        .map(|name| {
            let spec = ModelSpec::named(name, None, None).unwrap();
            fold(&crate::Weights::init(&spec, [1; 32]).to_bytes())
        })
        .collect();
    assert_eq!(digests, GOLDEN_WEIGHTS, "every node must start from the same bytes");
}

const GOLDEN_SPECS: [u64; 6] = [
    3_068_646_792_703_803_798,
    13_390_118_611_409_932_029,
    14_727_319_294_541_586_804,
    2_190_900_491_646_013_970,
    2_466_820_639_626_969_160,
    10_646_812_510_817_803_842,
];
const GOLDEN_WEIGHTS: [u64; 6] = [
    13_659_129_236_689_395_818,
    9_981_975_554_260_132_932,
    6_189_237_228_465_834_658,
    16_384_595_398_503_921_966,
    6_544_758_259_709_180_615,
    14_232_206_761_671_816_482,
];

#[test]
fn a_ready_model_of_a_regression_has_quantities_as_its_outputs() {
    let regression = |name, input, outputs| {
        ModelSpec::named_for(Task::Regression, name, Some(input), Some(outputs))
    };
    for quantities in [1, 3] {
        let spec = regression("mlp", &[8], quantities).unwrap();
        assert_eq!((spec.task, spec.classes()), (Task::Regression, quantities as usize));
        spec.check_quantities(8, quantities as usize).unwrap();
    }
    let one = regression("mcmahan-cnn", &[1, 28, 28], 1).unwrap();
    assert_eq!(ModelSpec::named("mcmahan-cnn", None, Some(1)).unwrap(), one);
    assert!(regression("gru-char", &[80], 1).is_err(), "it gives a sequence");
    let one_class = ModelSpec::named_for(Task::Classification, "mlp", None, Some(1)).unwrap_err();
    assert!(one_class.to_string().contains("at least 2"), "{one_class}");
    let next = ModelSpec::named_for(Task::NextToken, "gru-char", None, None).unwrap();
    assert_eq!(next, ModelSpec::named("gru-char", None, None).unwrap());
    assert!(ModelSpec::named_for(Task::NextToken, "mlp", None, None).is_err());
}

#[test]
fn quantities_are_as_many_as_the_model_predicts() {
    let spec = ModelSpec::named_for(Task::Regression, "mlp", Some(&[8]), Some(2)).unwrap();
    let error = spec.check_quantities(8, 1).unwrap_err();
    assert!(matches!(error, SpecError::Quantities { expected: 2, found: 1 }), "{error}");
    assert!(matches!(spec.check_quantities(7, 2), Err(SpecError::Features { .. })));
    assert!(matches!(spec.check_data(8, 2), Err(SpecError::Targets { .. })));
    let error = ModelSpec::mlp(8, &[], 2).check_quantities(8, 2).unwrap_err();
    assert!(error.to_string().contains("2 quantities each"), "{error}");
}
