#![allow(clippy::unwrap_used)]
use super::{LayerSpec::*, *};

fn dense(units: u32) -> LayerSpec {
    LayerSpec::dense(units)
}

fn conv(filters: u32, kernel: u32) -> LayerSpec {
    LayerSpec::conv(filters, kernel)
}

#[test]
fn toml_and_json_describe_the_same_model() {
    let toml = r#"
        version = 1
        input = [64]
        layers = [{ dense = { units = 32 } }, "relu", { dense = { units = 10 } }]
    "#;
    let spec = ModelSpec::from_toml(toml).unwrap();
    assert_eq!(spec, ModelSpec::mlp(64, &[32], 10));
    let canonical = spec.to_canonical_json().unwrap();
    let expected = r#"{"version":1,"input":[64],"layers":[{"dense":{"units":32,"bias":true}},"relu",{"dense":{"units":10,"bias":true}}]}"#;
    assert_eq!(String::from_utf8(canonical.clone()).unwrap(), expected);
    assert_eq!(ModelSpec::from_canonical_json(&canonical).unwrap(), spec);
}

#[test]
fn another_layout_of_the_same_json_is_not_canonical() {
    let spaced = br#"{"version":1,"input":[2],"layers":[{"dense":{"units":2}}]}"#;
    assert!(ModelSpec::from_json(spaced).is_ok());
    assert!(matches!(ModelSpec::from_canonical_json(spaced), Err(SpecError::NotCanonical)));
}

#[test]
fn parameters_are_sorted_by_name() {
    let spec = ModelSpec::mlp(3, &[2; 5], 4);
    let names: Vec<String> = spec.parameters().into_iter().map(|p| p.name).collect();
    assert!(names.is_sorted());
    assert_eq!(names.first().unwrap(), "layers.0.bias");
    // As bytes, "10" comes before "2".
    assert_eq!(names[3], "layers.10.weight");
    assert_eq!(ModelSpec::mlp(64, &[32], 10).parameter_count(), 64 * 32 + 32 + 32 * 10 + 10);
}

#[test]
fn errors_name_the_layer() {
    let mut spec = ModelSpec::mlp(4, &[8], 3);
    spec.layers[0] = LayerSpec::Dense { units: 0, bias: true };
    assert!(spec.validate().unwrap_err().to_string().starts_with("layer 0 (dense): 0 units"));
    spec.layers[0] = LayerSpec::Tanh;
    assert!(spec.validate().is_ok());
    spec.layers.push(LayerSpec::Sigmoid);
    assert!(
        spec.validate().unwrap_err().to_string().starts_with("layer 3 (sigmoid): the last layer")
    );
    spec.layers = vec![LayerSpec::Dense { units: 1, bias: false }];
    assert!(spec.validate().unwrap_err().to_string().contains("at least 2"));
}

#[test]
fn contradictions_are_refused() {
    let refused = |change: fn(&mut ModelSpec)| {
        let mut spec = ModelSpec::mlp(4, &[8], 3);
        change(&mut spec);
        spec.validate().unwrap_err()
    };
    assert!(matches!(refused(|s| s.version = 3), SpecError::Version(3)));
    let other = refused(|s| s.version = 2);
    assert!(matches!(other, SpecError::OtherVersion { found: 2, needed: 1 }), "{other}");
    assert!(matches!(refused(|s| s.input = vec![]), SpecError::Input(_)));
    assert!(matches!(refused(|s| s.input = vec![4, 0]), SpecError::Input(_)));
    assert!(matches!(refused(|s| s.input = vec![u32::MAX; 4]), SpecError::Input(_)));
    assert!(matches!(refused(|s| s.layers = vec![]), SpecError::Layers(0)));
    assert!(matches!(refused(|s| *s = ModelSpec::mlp(65_536, &[65_536], 2)), SpecError::TooLarge));
    for unknown in [
        r#"{"version":1,"input":[4],"layers":[{"dense":{"units":2,"unit":3}}]}"#,
        r#"{"version":1,"input":[4],"layers":["softmax"]}"#,
        r#"{"version":1,"input":[4],"layers":[{"dense":{"units":-1}}]}"#,
    ] {
        assert!(matches!(ModelSpec::from_json(unknown.as_bytes()), Err(SpecError::Json(_))));
    }
}

fn layer(text: &str) -> LayerSpec {
    serde_json::from_str(text).unwrap()
}

fn refusal(input: &[u32], layers: Vec<LayerSpec>, task: Task) -> String {
    ModelSpec::new(input.to_vec(), layers).with_task(task).validate().unwrap_err().to_string()
}

#[test]
fn every_layer_is_written_in_toml_as_in_json() {
    let toml = r#"
        version = 2
        input = [3, 16, 16]
        layers = [
          { conv2d = { filters = 8, kernel = 3, padding = 1 } },
          { group_norm = { groups = 4 } },
          "relu",
          { max_pool = { size = 2, stride = 2 } },
          { avg_pool = { size = 2, stride = 2 } },
          { residual = { layers = [{ conv2d = { filters = 8, kernel = 1, bias = false } }] } },
          { reshape = { shape = [16, 8] } },
          "position",
          { attention = { heads = 2 } },
          { gru = { units = 6 } },
          { lstm = { units = 5 } },
          "layer_norm",
          { dropout = { percent = 20 } },
          "last_step",
          { dense = { units = 3 } },
        ]
        [rows]
        labels = ["cat", "dog", "fox"]
        [rows.normalize]
        mean = [0.49, 0.48, 0.45]
        deviation = [0.25, 1, 0.26]
    "#;
    let spec = ModelSpec::from_toml(toml).unwrap();
    let json = spec.to_canonical_json().unwrap();
    assert_eq!(ModelSpec::from_canonical_json(&json).unwrap(), spec);
    let text = String::from_utf8(json).unwrap();
    let end = r#""rows":{"normalize":{"mean":[0.49,0.48,0.45],"deviation":[0.25,1.0,0.26]},"labels":["cat","dog","fox"]}}"#;
    assert!(text.ends_with(end), "{text}");
    assert!(
        text.contains(r#"{"conv2d":{"filters":8,"kernel":3,"stride":1,"padding":1,"bias":true}}"#)
    );
    assert_eq!(spec.parameters().iter().filter(|p| p.name.contains("5.layers.0.")).count(), 1);
}

#[test]
fn wrong_shapes_name_the_layer_and_its_kind() {
    let dense = || LayerSpec::dense(3);
    let classification = Task::Classification;
    for (input, layers, start) in [
        (
            vec![1, 8, 8],
            vec![conv(4, 5), Flatten, layer(r#"{"group_norm":{"groups":2}}"#), dense()],
            "layer 2 (group_norm): it takes an image",
        ),
        (
            vec![8],
            vec![conv(4, 5), dense()],
            "layer 0 (conv2d): it takes an image, [channels, height, width], and here comes [8]",
        ),
        (
            vec![1, 4, 4],
            vec![layer(r#"{"conv2d":{"filters":2,"kernel":5}}"#), Flatten, dense()],
            "layer 0 (conv2d): squares of 5 pixels do not fit an image of 4 × 4",
        ),
        (
            vec![1, 4, 4],
            vec![layer(r#"{"conv2d":{"filters":2,"kernel":0}}"#), Flatten, dense()],
            "layer 0 (conv2d): 0 pixels: choose 1 to 64",
        ),
        (
            vec![1, 4, 4],
            vec![layer(r#"{"conv2d":{"filters":2,"kernel":2,"padding":2}}"#), Flatten, dense()],
            "layer 0 (conv2d): a padding of 2",
        ),
        (
            vec![1, 4, 4],
            vec![layer(r#"{"max_pool":{"size":2,"stride":0}}"#), Flatten, dense()],
            "layer 0 (max_pool): 0 pixels of stride",
        ),
        (
            vec![1, 4, 4],
            vec![layer(r#"{"max_pool":{"size":3,"stride":1,"padding":2}}"#), Flatten, dense()],
            "layer 0 (max_pool): a padding of 2: choose at most half",
        ),
        (
            vec![6, 4, 4],
            vec![layer(r#"{"group_norm":{"groups":4}}"#), Flatten, dense()],
            "layer 0 (group_norm): 6 channels do not divide into 4",
        ),
        (
            vec![1, 4, 4],
            vec![LayerNorm, Flatten, dense()],
            "layer 0 (layer_norm): it takes a row or a sequence",
        ),
        (
            vec![1, 4, 4],
            vec![Relu, dense(), Flatten, dense()],
            "layer 1 (dense): it takes a row or a sequence, and here comes an image of [1, 4, 4]",
        ),
        (
            vec![9],
            vec![layer(r#"{"dropout":{"percent":100}}"#), dense()],
            "layer 0 (dropout): 100 percent: choose 1 to 99",
        ),
        (
            vec![9],
            vec![layer(r#"{"reshape":{"shape":[2,4]}}"#), Flatten, dense()],
            "layer 0 (reshape): [9] cannot become [2, 4]",
        ),
        (vec![9], vec![layer(r#"{"reshape":{"shape":[1,1,3,3]}}"#), dense()], "layer 0 (reshape)"),
        (
            vec![9],
            vec![dense(), layer(r#"{"embedding":{"vocabulary":4,"units":2}}"#), LastStep, dense()],
            "layer 1 (embedding): it takes the tokens themselves",
        ),
        (
            vec![9],
            vec![layer(r#"{"gru":{"units":4}}"#), dense()],
            "layer 0 (gru): it takes a sequence, [steps, features], and here comes [9]",
        ),
        (
            vec![5, 6],
            vec![layer(r#"{"attention":{"heads":4}}"#), LastStep, dense()],
            "layer 0 (attention): 6 features do not divide into 4",
        ),
        (
            vec![5, 6],
            vec![layer(r#"{"lstm":{"units":4}}"#), dense()],
            "layer 1 (dense): it gives [5, 3], but a classification needs one row",
        ),
        (
            vec![4],
            vec![layer(r#"{"residual":{"layers":[{"dense":{"units":3}}]}}"#), dense()],
            "layer 0 (residual): its layers give [3], its shortcut [4]",
        ),
        (
            vec![4],
            vec![layer(r#"{"residual":{"layers":[]}}"#), dense()],
            "layer 0 (residual): a block has 1 to 64 layers",
        ),
        (
            vec![4],
            vec![
                layer(r#"{"residual":{"layers":[{"residual":{"layers":["last_step"]}}]}}"#),
                dense(),
            ],
            "layer 0.layers.0.layers.0 (last_step): it takes a sequence",
        ),
    ] {
        let error = refusal(&input, layers, classification);
        assert!(error.starts_with(start), "{error}\nexpected {start}");
    }
}

#[test]
fn the_next_token_is_never_seen() {
    let tokens = || Embedding { vocabulary: 8, units: 4 };
    let next = |layers| refusal(&[6], layers, Task::NextToken);
    let open = Attention { heads: 2, causal: false };
    assert!(
        next(vec![tokens(), open.clone(), dense(8)])
            .starts_with("layer 1 (attention): a step would see")
    );
    let block = Residual { layers: vec![open], shortcut: vec![] };
    assert!(
        next(vec![tokens(), block, dense(8)])
            .starts_with("layer 1.layers.0 (attention): a step would see")
    );
    let leak = vec![tokens(), Flatten, dense(48), Reshape { shape: vec![6, 8] }, dense(8)];
    assert!(next(leak).starts_with("layer 1 (flatten): a step would see"));
    assert!(next(vec![tokens(), dense(7)]).starts_with("layer 1 (dense): 7 units for 8 tokens"));
    assert!(next(vec![dense(8)]).starts_with("layer 0 (dense): it gives [8], but the next token"));
    let causal = Attention { heads: 2, causal: true };
    let good = ModelSpec::new(vec![6], vec![tokens(), causal, dense(8)]).with_task(Task::NextToken);
    good.validate().unwrap();
    good.check_data(6, 8).unwrap();
    assert!(matches!(good.check_data(7, 8), Err(SpecError::Features { .. })));
}

#[test]
fn sizes_are_bounded_and_nothing_overflows() {
    let embedding = |units| Embedding { vocabulary: 65_536, units };
    let huge = |layers| refusal(&[u32::MAX], layers, Task::Classification);
    assert!(huge(vec![dense(2)]).starts_with("input [4294967295]"));
    let long = |steps, layers| refusal(&[steps], layers, Task::Classification);
    assert!(
        long(5_000, vec![embedding(1), LastStep, dense(2)]).contains("5000 steps: at most 4096")
    );
    assert!(
        long(4, vec![embedding(65_536), LastStep, dense(2)])
            .contains("more than 67108864 parameters")
    );
    let wide = vec![Embedding { vocabulary: 2, units: 60_000 }, LastStep, dense(2)];
    assert!(
        long(4_000, wide)
            .contains("layer 0 (embedding): with it, a row becomes more than 16777216")
    );
    let scores = vec![
        Embedding { vocabulary: 2, units: 64 },
        Attention { heads: 64, causal: false },
        LastStep,
        dense(2),
    ];
    assert!(long(4_096, scores).contains("layer 1 (attention): with it, a row becomes more than"));
    let image = refusal(
        &[4_096, 128, 128],
        vec![conv(65_536, 63), Flatten, dense(2)],
        Task::Classification,
    );
    assert!(image.contains("layer 0 (conv2d): with it, a row"), "{image}");
    let kernels =
        refusal(&[4_096, 2, 2], vec![conv(65_536, 63), GlobalPool, dense(2)], Task::Classification);
    assert!(kernels.contains("parameters"), "{kernels}");
    let mut nested = dense(4);
    for _ in 0..5 {
        nested = Residual { layers: vec![nested], shortcut: vec![] };
    }
    assert!(long(4, vec![nested, dense(2)]).contains("more than 4 blocks within each other"));
    let block = Residual { layers: vec![Tanh; 60], shortcut: vec![] };
    assert!(long(4, [vec![block; 10], vec![dense(2)]].concat()).contains("more than 512 layers"));
    let deep = format!("{}{}", r#"{"residual":{"layers":["#.repeat(10_000), "]}}".repeat(10_000));
    let text = format!(r#"{{"version":2,"input":[4],"layers":[{deep}]}}"#);
    assert!(matches!(ModelSpec::from_json(text.as_bytes()), Err(SpecError::Json(_))));
}

#[test]
fn what_is_said_about_rows_is_checked() {
    let number = |x: f32| Number::try_from(x).unwrap();
    let refused = |rows: RowSpec| {
        let spec = ModelSpec::mlp(6, &[], 2).with_rows(rows);
        spec.validate().unwrap_err().to_string()
    };
    let normalize = |means: usize, deviations: usize, deviation: f32| RowSpec {
        normalize: Some(Normalize {
            mean: vec![number(0.5); means],
            deviation: vec![number(deviation); deviations],
        }),
        ..RowSpec::default()
    };
    assert!(refused(normalize(4, 4, 1.0)).contains("4 means and 4 deviations for 6 features"));
    assert!(refused(normalize(0, 0, 1.0)).contains("0 means"));
    assert!(refused(normalize(2, 3, 1.0)).contains("2 means and 3 deviations"));
    assert!(refused(normalize(1, 1, 0.0)).contains("a deviation is zero"));
    let labels = |names: &[&str]| RowSpec {
        labels: names.iter().map(|&name| name.to_owned()).collect(),
        ..RowSpec::default()
    };
    assert!(refused(labels(&["a"])).contains("1 labels for 2 classes"));
    assert!(refused(labels(&["a", "a"])).contains("labels are different"));
    let text = RowSpec { vocabulary: Some("ab".into()), ..RowSpec::default() };
    assert!(refused(text.clone()).contains("2 characters in `vocabulary` for the 0 tokens"));
    let model = ModelSpec::named("gru-char", Some(&[4]), Some(2)).unwrap();
    model.clone().with_rows(text).validate().unwrap();
    let twice = RowSpec { vocabulary: Some("aa".into()), ..RowSpec::default() };
    assert!(model.with_rows(twice).validate().unwrap_err().to_string().contains("twice"));
    let mut row = [1.0, 2.0, 3.0, 4.0];
    let rows = RowSpec {
        normalize: Some(Normalize {
            mean: vec![number(1.0), number(3.0)],
            deviation: vec![number(2.0), number(0.5)],
        }),
        ..RowSpec::default()
    };
    rows.normalize(&mut row);
    assert_eq!(row, [0.0, 0.5, 0.0, 2.0]);
}

#[test]
fn rows_that_do_not_suit_the_task_are_refused() {
    use crate::Dataset;
    let labels = Dataset::new(vec![0.0; 4], vec![0, 1], 2, 2).unwrap();
    let quantities = Dataset::with_quantities(vec![0.0; 4], vec![0.5, 1.5], 2, 1).unwrap();
    let regression = ModelSpec::mlp(2, &[], 1).with_task(Task::Regression);
    regression.validate().unwrap();
    regression.check_rows(&quantities).unwrap();
    assert_eq!(
        regression.check_rows(&labels).unwrap_err().to_string(),
        "the model is a regression, the rows have labels"
    );
    assert!(matches!(regression.check_data(2, 2), Err(SpecError::Targets { .. })));
    assert!(ModelSpec::mlp(2, &[], 2).check_rows(&quantities).is_err());
    let two = ModelSpec::mlp(2, &[], 2).with_task(Task::Regression);
    let found = two.check_rows(&quantities);
    assert!(matches!(found, Err(SpecError::Quantities { expected: 2, found: 1 })));
    let tokens = ModelSpec::named("gru-char", Some(&[2]), Some(3)).unwrap();
    for (value, good) in [(2.0, true), (3.0, false), (-1.0, false), (0.5, false)] {
        let rows = Dataset::new(vec![0.0, 0.0, 0.0, value], vec![0, 2], 2, 3).unwrap();
        let result = tokens.check_rows(&rows);
        match good {
            true => result.unwrap(),
            false => assert!(matches!(result, Err(SpecError::Token { row: 2, position: 2, .. }))),
        }
    }
}

#[test]
fn rows_whose_classes_have_other_names_than_the_models_are_refused() {
    use crate::Dataset;
    let named = |names: &[&str]| -> Vec<String> { names.iter().map(|&n| n.to_owned()).collect() };
    let labels = RowSpec { labels: named(&["cat", "dog", "fox"]), ..RowSpec::default() };
    let model = ModelSpec::mlp(2, &[], 3).with_rows(labels);
    let check = |model: &ModelSpec, names: &[&str]| {
        let rows = Dataset::new(vec![0.0; 4], vec![0, 1], 2, 3).unwrap();
        model.check_rows(&rows.with_names(named(names)).unwrap())
    };
    check(&model, &["cat", "dog", "fox"]).unwrap();
    // Data of numbers have no names, and a folder of images none for the classes after its last.
    check(&model, &[]).unwrap();
    check(&model, &["cat", "dog"]).unwrap();
    check(&ModelSpec::mlp(2, &[], 3), &["fox", "cat", "dog"]).unwrap();
    let error = check(&model, &["cat", "fox", "dog"]).unwrap_err().to_string();
    assert!(error.contains("label 1 is \"fox\" in the data and \"dog\" in the model"), "{error}");
    assert!(error.contains("--class-names"), "{error}");
    // One that lacks a class in the middle numbers those after it anew.
    assert!(matches!(check(&model, &["cat", "fox"]), Err(SpecError::Names { label: 1, .. })));

    let characters = RowSpec { vocabulary: Some("ab\n".to_owned()), ..RowSpec::default() };
    let text = ModelSpec::named("gru-char", Some(&[2]), Some(3)).unwrap().with_rows(characters);
    check(&text, &["a", "b", "\n"]).unwrap();
    let error = check(&text, &["\n", "a", "b"]).unwrap_err().to_string();
    assert!(error.contains("label 0 is \"\\n\" in the data and \"a\""), "{error}");
}
