#![allow(clippy::unwrap_used)]
use super::*;
use decentralml_types::{
    Asset, Codec,
    spec::{
        Adaptive, Before, COPY_COSINE, Chances, EQUAL_ONLY, Encoding, Optimizer, Rounding, Rule,
        ServerOptimizer,
    },
};

const EXAMPLE: &str = include_str!("../../examples/digits.toml");

fn token() -> Properties {
    Properties { symbol: "DML".to_owned(), decimals: 12, ss58: 42 }
}

/// How a file's rewards and fees are written that names an asset.
fn lab() -> Properties {
    Properties { symbol: "LAB".to_owned(), decimals: 2, ss58: 42 }
}

fn spec(text: &str) -> Result<TaskSpec> {
    let cid = |byte| Cid { codec: Codec::Raw, digest: [byte; 32] };
    let file = TaskFile::parse(text)?;
    let model = file.model_spec()?;
    let unit = if file.terms.asset.0.is_native() { token() } else { lab() };
    file.spec(&model, Stored { model: cid(1), validation_set: cid(2) }, [9; 32], &token(), &unit)
}

fn refused(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "the example has no {from}");
    let error = spec(&EXAMPLE.replacen(from, to, 1)).unwrap_err();
    assert_eq!(crate::exit::kind(&error), Kind::Usage);
    error.to_string()
}

#[test]
fn the_example_becomes_the_spec_that_it_describes() {
    let spec = spec(EXAMPLE).unwrap();
    assert_eq!(spec.terms.reward_per_round, 10_000_000_000_000);
    assert_eq!(spec.terms.fee_per_seat, 500_000_000_000);
    assert_eq!(spec.target, Some(980_000));
    assert_eq!(spec.training.learning_rate, 150_000);
    assert_eq!(spec.training.optimizer, Optimizer::Sgd { momentum: 900_000 });
    assert_eq!(spec.max_update_bytes, 1 << 20);
    assert_eq!(spec.objective, Objective::Classification { features: 64, classes: 10 });
    assert!(matches!(spec.initial, InitialModel::Seed(seed) if seed != [9; 32]));
}

#[test]
fn rewards_and_fees_are_in_the_asset_that_the_file_names_and_bonds_are_not() {
    let of = |asset: &str| {
        let text = EXAMPLE.replacen("asset = \"native\"\n", asset, 1);
        spec(&text.replace("\"10 DML\"", "\"10 LAB\"").replace("\"0.5 DML\"", "0.5"))
    };
    let terms = of("asset = 7\n").unwrap().terms;
    assert_eq!((terms.asset, terms.reward_per_round), (Asset::Id(7), 1_000));
    assert_eq!((terms.fee_per_seat, terms.trainer_bond), (50, 5_000_000_000_000));
    for native in ["", "asset = \"native\"\n"] {
        assert!(of(native).unwrap_err().to_string().contains("token is DML"));
    }
    assert_eq!(spec(EXAMPLE).unwrap().terms.asset, Asset::Native);
}

#[test]
fn anybody_may_take_part_unless_the_file_asks_for_a_score() {
    let row = "min_reputation = 0\n";
    let of =
        |text: &str| spec(&EXAMPLE.replacen(row, text, 1)).map(|spec| spec.terms.min_reputation);
    assert!(EXAMPLE.contains(row));
    for text in [row, ""] {
        assert_eq!(of(text).unwrap(), 0);
    }
    assert_eq!(of("min_reputation = 600\n").unwrap(), 600);
    assert!(of("min_reputation = 1000\n").unwrap_err().to_string().contains("at most 999"));
}

#[test]
fn draws_are_equal_unless_the_file_says_up_to_which_weight_they_are_by_bond() {
    let row = "draw = \"equal\"\n";
    let of = |text: &str| spec(&EXAMPLE.replacen(row, text, 1)).map(|spec| spec.terms.draw);
    assert!(EXAMPLE.contains(row));
    for text in [row, ""] {
        assert_eq!(of(text).unwrap(), Chances::Equal);
    }
    assert_eq!(of("draw = { by_bond = { cap = 4 } }\n").unwrap(), Chances::ByBond { cap: 4 });
    for cap in [0, 1, 3, 32] {
        let error = of(&format!("draw = {{ by_bond = {{ cap = {cap} }} }}\n")).unwrap_err();
        assert!(error.to_string().contains("2, 4, 8 or 16"), "{error}");
    }
}

#[test]
fn updates_are_open_and_at_no_other_host_unless_the_file_says_so() {
    let table = "[custody]\nhosts = 0\nsealed = false\n";
    let of = |text: &str| spec(&EXAMPLE.replacen(table, text, 1)).unwrap().custody;
    for text in [table, "[custody]\n", ""] {
        assert!(EXAMPLE.contains(table));
        assert_eq!(of(text), Custody { hosts: 0, sealed: false });
    }
    assert_eq!(of("[custody]\nhosts = 3\n"), Custody { hosts: 3, sealed: false });
    assert_eq!(of("[custody]\nsealed = true\n"), Custody { hosts: 0, sealed: true });
}

#[test]
fn without_a_seed_a_random_one_is_taken() {
    let text: String = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with("seed"))
        .fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(spec(&text).unwrap().initial, InitialModel::Seed([9; 32]));
}

#[test]
fn errors_name_the_field() {
    for (from, to, named) in [
        ("rounds = 15", "rounds = 0", "rounds"),
        ("rounds = 15", "rounds = -1", "rounds = -1"),
        ("target = \"98 %\"", "target = \"980 %\"", "target"),
        ("license = \"Apache-2.0\"", "license = \"\"", "license"),
        ("name = \"digits\"", &format!("name = \"{}\"", "x".repeat(65)), "`name` has 65 bytes"),
        ("name = \"digits\"", "nome = \"digits\"", "nome"),
        ("epochs = 5", "epochs = 0", "epochs"),
        ("learning_rate = 0.15", "learning_rate = -1", "learning_rate"),
        ("optimizer = \"sgd\"", "optimizer = \"adam\"", "momentum"),
        ("momentum = 0.9", "momentum = 1.0", "momentum"),
        ("momentum = 0.9", "worker_momentum = 1.0", "worker_momentum"),
        ("rule = \"mean\"", "rule = \"trimmed_mean\"", "trim"),
        ("rule = \"mean\"", "rule = \"mean\"\ntrim = 0.1", "trim"),
        ("rule = \"mean\"", "rule = \"krum\"", "`hostile`"),
        ("rule = \"mean\"", "rule = \"krum\"\nhostile = 1", "hostile is too large"),
        ("rule = \"mean\"", "rule = \"multi-krum\"\nhostile = 0\nkept = 4", "kept"),
        ("rule = \"mean\"", "rule = \"bulyan\"\nhostile = 1", "bulyan"),
        ("rule = \"mean\"", "rule = \"centered-clipping\"", "`radius`"),
        ("rule = \"mean\"", "rule = \"median\"\nsteps = 3", "`steps` does not belong to median"),
        ("rule = \"mean\"", "rule = \"mean\"\nmixing = 1\nbuckets = 2", "`mixing` or `buckets`"),
        ("rule = \"mean\"", "rule = \"mean\"\nmixing = 2", "mixing"),
        ("rule = \"mean\"", "rule = \"mean\"\nnorm_bound = 0", "norm_bound"),
        ("rule = \"mean\"", "rule = \"mean\"\ncopy_cosine = \"40 %\"", "copy_cosine"),
        ("rule = \"mean\"", "rule = \"mean\"\ncounts = \"samples\"", "`cap`"),
        ("rule = \"mean\"", "rule = \"modal\"", "multi-krum"),
        ("[encoding]", "[server]\noptimizer = \"fedadam\"\nmomentum = 0.9\n[encoding]", "momentum"),
        ("[encoding]", "[server]\noptimizer = \"fedadam\"\ntau = 0\n[encoding]", "tau"),
        ("[encoding]", "[server]\noptimizer = \"fedavg\"\nrate = 0\n[encoding]", "rate"),
        ("[encoding]", "[encoding]\nkeep = 0.00001", "keep"),
        ("[encoding]", "[encoding]\nrounding = \"nearest\"\nkeep = 0.1", "rounding"),
        ("[encoding]", "[encoding]\nrounding = \"up\"", "stochastic"),
        ("epochs = 5", "epochs = 5\nsteps = 5", "`epochs` or `steps`"),
        ("epochs = 5", "", "`epochs` or `steps`"),
        ("epochs = 5", "epochs = 5\nschedule = { kind = \"step\", every = 3 }", "`factor`"),
        ("epochs = 5", "epochs = 5\nschedule = { kind = \"linear\" }", "cosine"),
        ("bits = 16", "bits = 12", "bits"),
        ("clip = 32767", "clip = 32768", "clip"),
        ("quorum = 2", "quorum = 1", "quorum"),
        ("hosts = 0", "hosts = 4", "custody"),
        ("hosts = 0", "hosts = 256", "hosts = 256"),
        ("sealed = false", "sealed = \"no\"", "sealed"),
        ("sealed = false", "seal = false", "seal"),
        ("min = 3", "min = 7", "min"),
        ("lifetime = 100000", "lifetime = 100", "lifetime"),
        ("reward_per_round = \"10 DML\"", "reward_per_round = \"10 EUR\"", "reward_per_round"),
        ("reward_per_round = \"10 DML\"", "reward_per_round = \"much\"", "reward_per_round"),
        ("trainer_bond = \"5 DML\"", "trainer_bond = 0", "trainer_bond"),
        ("features = 64", "features = 63", "63"),
        ("classes = 10", "classes = 1", "classes"),
        ("classes = 10", "", "`classes` or `quantities`"),
        ("classes = 10", "classes = 10\nquantities = 1", "`classes` or `quantities`"),
        ("classes = 10", "quantities = 1", "predicts 10 quantities"),
        ("input = [64]", "task = \"regression\"\ninput = [64]", "[objective] has classes"),
        ("momentum = 0.9", "clients = 9", "`clients` belongs to scaffold"),
        ("optimizer = \"sgd\"", "optimizer = \"scaffold\"", "`momentum` belongs to sgd"),
        ("input = [64]", "", "input"),
        ("units = 128", "units = 0", "layer 0"),
        ("max_update_size = \"1 MiB\"", "max_update_size = \"1 mile\"", "max_update_size"),
    ] {
        let error = refused(from, to);
        assert!(error.contains(named), "{to}: {error}");
    }
}

/// The spec of the example with these tables in the place of its own.
fn with(aggregation: &str, encoding: &str) -> TaskSpec {
    let tables = EXAMPLE.split_once("[aggregation]").unwrap();
    let (_, rest) = tables.1.split_once("[custody]").unwrap();
    let text = format!("{}{aggregation}\n{encoding}\n[custody]{rest}", tables.0);
    spec(&text.replacen("max_update_size = \"1 MiB\"", "", 1)).unwrap()
}

const MEAN: &str = "[aggregation]\nrule = \"mean\"";

#[test]
fn rules_and_optimizers_have_names_and_usual_numbers() {
    let rule = |text: &str| with(&format!("[aggregation]\n{text}"), "").aggregation;
    let krum = rule("rule = \"multi-krum\"\nhostile = 0");
    assert_eq!(krum.rule, Rule::MultiKrum { hostile: 0, kept: 3 }, "as many as come at least");
    assert_eq!(
        rule("rule = \"multi_krum\"\nhostile = 0\nkept = 2").rule,
        Rule::MultiKrum { hostile: 0, kept: 2 }
    );
    assert_eq!(rule("rule = \"geometric-median\"").rule, Rule::GeometricMedian { steps: 8 });
    let clipped = rule("rule = \"centered-clipping\"\nradius = 1.5\nbuckets = 2\nnorm_bound = 3");
    assert_eq!(clipped.rule, Rule::CenteredClipping { radius: 1_500_000, steps: 3 });
    assert_eq!(clipped.before, Before::Buckets { size: 2 });
    assert_eq!(clipped.norm_bound, Some(3_000_000));
    assert_eq!(rule("rule = \"median\"").server, ServerOptimizer::FedAvg { rate: 1_000_000 });
    assert_eq!(rule("rule = \"median\"").copy_cosine, COPY_COSINE);
    assert_eq!(rule("rule = \"median\"\ncopy_cosine = \"100 %\"").copy_cosine, EQUAL_ONLY);
    assert_eq!(rule("rule = \"median\"\ncopy_cosine = 0.95").copy_cosine, 950_000);

    let server = |text: &str| with(&format!("{MEAN}\n[server]\n{text}"), "").aggregation.server;
    let usual = Adaptive { rate: 10_000, beta1: 900_000, beta2: 990_000, tau: 1_000 };
    assert_eq!(server("optimizer = \"fedadam\""), ServerOptimizer::FedAdam(usual));
    let slower = Adaptive { rate: 5_000, beta1: 0, ..usual };
    assert_eq!(
        server("optimizer = \"fedyogi\"\nrate = 0.005\nbeta1 = 0"),
        ServerOptimizer::FedYogi(slower)
    );
    assert_eq!(
        server("optimizer = \"diloco\""),
        ServerOptimizer::DiLoCo { rate: 700_000, momentum: 900_000 }
    );
}

#[test]
fn fednova_goes_with_momentum_and_with_fedprox_at_a_constant_rate() {
    let fednova =
        EXAMPLE.replacen("rule = \"mean\"", "rule = \"mean\"\ncounts = \"fednova\"\ncap = 9", 1);
    let of = |from: &str, to: &str| spec(&fednova.replacen(from, to, 1));
    let training =
        of("epochs = 5", "epochs = 5\nproximal = 0.01\nworker_momentum = 0.5").unwrap().training;
    assert_eq!(training.optimizer, Optimizer::Sgd { momentum: 900_000 });
    assert_eq!((training.proximal, training.worker_momentum), (10_000, 500_000));
    let cosine = "epochs = 5\nproximal = 0.01\nschedule = { kind = \"cosine\", rounds = 9 }";
    let adam = of("optimizer = \"sgd\"\nmomentum = 0.9", "optimizer = \"adam\"");
    for refused in [of("epochs = 5", cosine), adam] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("fednova") && error.contains("constant schedule"), "{error}");
    }
}

#[test]
fn scaffold_has_as_many_clients_as_trainers_are_drawn_or_as_the_file_says() {
    let sgd = "optimizer = \"sgd\"\nmomentum = 0.9";
    assert!(EXAMPLE.contains(sgd));
    let of =
        |text: &str| spec(&EXAMPLE.replacen(sgd, text, 1).replacen("epochs = 5", "steps = 20", 1));
    let optimizer = |text| of(text).unwrap().training.optimizer;
    assert_eq!(optimizer("optimizer = \"scaffold\""), Optimizer::Scaffold { clients: 6 });
    let more = optimizer("optimizer = \"scaffold\"\nclients = 40");
    assert_eq!(more, Optimizer::Scaffold { clients: 40 });
    for (text, named) in [
        ("optimizer = \"scaffold\"\nclients = 5", "trainers.max"),
        ("optimizer = \"scaffold\"\nproximal = 0.1", "no proximal"),
        ("optimizer = \"scaffold\"\nworker_momentum = 0.5", "no worker_momentum"),
        ("optimizer = \"scaffold\"\nclip_norm = 1", "no clip_norm"),
    ] {
        let error = of(text).unwrap_err().to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
    let epochs = spec(&EXAMPLE.replacen(sgd, "optimizer = \"scaffold\"", 1)).unwrap_err();
    assert!(epochs.to_string().contains("scaffold goes with steps"), "{epochs}");
}

#[test]
fn a_regression_predicts_the_last_columns() {
    let text = include_str!("../../examples/regression.toml");
    let regression = spec(text).unwrap();
    assert_eq!(regression.objective, Objective::Regression { features: 8, quantities: 1 });
    let file = TaskFile::parse(text).unwrap();
    assert_eq!(file.model_spec().unwrap().task, Task::Regression);
    let (head, rest) = text.split_once("[model]").unwrap();
    let (_, tail) = rest.split_once("[training]").unwrap();
    let named = format!("{head}[model]\nname = \"mlp\"\ninput = [8]\n[training]{tail}");
    let ready = TaskFile::parse(&named).unwrap().model_spec().unwrap();
    assert_eq!((ready.task, ready.classes()), (Task::Regression, 1));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("task.toml");
    fs::write(&path, text).unwrap();
    fs::write(folder.path().join("validation.csv"), "1,2,3,4,5,6,7,8,5.5\n").unwrap();
    let rows = TaskFile::read(&path).unwrap().validation_rows().unwrap().unwrap();
    assert_eq!(String::from_utf8(rows).unwrap(), "1,2,3,4,5,6,7,8,5.5\n");
}

#[test]
fn a_text_is_learned_from_its_tokens() {
    let objective = "features = 64\nclasses = 10";
    let layers = "input = [64]\nlayers = [{ dense = { units = 128 } }, \"relu\", { dense = { units = 10 } }]";
    let text = EXAMPLE.replacen(objective, "features = 16\nclasses = 96", 1);
    let named = text.replacen(layers, "name = \"gru-char\"\ninput = [16]", 1);
    let model = TaskFile::parse(&named).unwrap().model_spec().unwrap();
    assert_eq!((model.task, model.features(), model.classes()), (Task::NextToken, 16, 96));
    let own = "task = \"next_token\"\ninput = [16]\nlayers = [{ embedding = { vocabulary = 96, units = 4 } }, \
               { gru = { units = 8 } }, { dense = { units = 96 } }]";
    let own = TaskFile::parse(&text.replacen(layers, own, 1)).unwrap().model_spec().unwrap();
    assert_eq!(own.task, Task::NextToken);
}

#[test]
fn an_encoding_fills_in_what_goes_with_the_rest() {
    let of = |text: &str| with(MEAN, text).encoding;
    assert_eq!(of(""), Encoding::plain(16, 12, 32_767));
    assert_eq!(of("[encoding]\nbits = 8"), Encoding::plain(8, 6, 127));
    let packed = of("[encoding]\nbits = 8\nkeep = 0.01\nerror_feedback = true");
    let expected = Encoding {
        rounding: Rounding::Stochastic,
        keep: 10_000,
        error_feedback: true,
        ..Encoding::plain(8, 20, (1 << 27) - 1)
    };
    assert_eq!(packed, expected);
    assert_eq!(of("[encoding]\nbits = 4").rounding, Rounding::Stochastic);
}

#[test]
fn without_a_limit_packed_updates_may_be_as_long_as_any_can_be() {
    let spec = with(MEAN, "[encoding]\nbits = 4\nkeep = \"1 %\"");
    // 97 of 9,610 weights at 4 bits with indices, instead of 16 bits for each.
    assert!((49..1_000).contains(&spec.max_update_bytes), "{}", spec.max_update_bytes);
}

#[test]
fn a_ready_model_is_taken_by_its_name() {
    let layers = "input = [64]\nlayers = [{ dense = { units = 128 } }, \"relu\", { dense = { units = 10 } }]";
    let named =
        |text: &str| TaskFile::parse(&EXAMPLE.replacen(layers, text, 1)).unwrap().model_spec();
    assert_eq!(
        named("name = \"mlp\"").unwrap(),
        TaskFile::parse(EXAMPLE).unwrap().model_spec().unwrap()
    );
    let cnn = named("name = \"mcmahan-cnn\"\ninput = [1, 8, 8]").unwrap();
    assert_eq!((cnn.version, cnn.features(), cnn.classes()), (2, 64, 10));
    let other = named("name = \"mcmahan-cnn\"").unwrap_err().to_string();
    assert!(other.contains("takes 784 features") && other.contains("says 64"), "{other}");
    let unknown = named("name = \"lenet\"").unwrap_err().to_string();
    assert!(unknown.contains("there is no ready model `lenet`"), "{unknown}");
    assert!(named("name = \"mlp\"\nfile = \"m.toml\"").is_err());
}

#[test]
fn what_rows_mean_may_stand_beside_layers_and_ready_models() {
    let layers = "input = [64]\nlayers = [{ dense = { units = 128 } }, \"relu\", { dense = { units = 10 } }]";
    let rows = "\n[model.rows]\nnormalize = { mean = [0.25], deviation = [0.5] }\n\
                labels = [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\"]\n";
    let of = |model: &str, rows: &str| {
        let text = EXAMPLE.replacen(layers, &format!("{model}{rows}"), 1);
        TaskFile::parse(&text).and_then(|file| file.model_spec())
    };
    for model in [layers, "name = \"mlp\""] {
        let spec = of(model, rows).unwrap();
        assert_eq!((spec.version, spec.rows.labels.len()), (2, 10), "{model}");
        assert_eq!(of(model, "").unwrap().with_rows(spec.rows.clone()), spec);
    }
    let short = of(layers, &rows.replace(", \"9\"", "")).unwrap_err().to_string();
    assert!(short.contains("[model]: rows: 9 labels for 10 classes"), "{short}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    fs::write(&path, format!("version = 1\n{layers}\n")).unwrap();
    let file = format!("file = {:?}", path.display().to_string());
    assert_eq!(of(&file, "").unwrap().version, 1);
    let both = of(&file, rows).unwrap_err().to_string();
    assert!(both.contains("`rows` stand in that file"), "{both}");
}

#[test]
fn a_limit_that_no_update_of_the_model_fits_is_refused_with_both_numbers() {
    let limit = "max_update_size = \"1 MiB\"";
    let file = TaskFile::parse(EXAMPLE).unwrap();
    let needed = update_length(&file.model_spec().unwrap(), &spec(EXAMPLE).unwrap()).unwrap();
    // 64 × 128 + 128 + 128 × 10 + 10 numbers of two bytes each, and a header.
    assert!((2 * 9_610..2 * 9_610 + 1_000).contains(&needed), "{needed}");

    let exact = EXAMPLE.replacen(limit, &format!("max_update_size = {needed}"), 1);
    assert_eq!(spec(&exact).unwrap().max_update_bytes, needed);
    let error = refused(limit, &format!("max_update_size = {}", needed - 1));
    assert!(error.contains(&format!("allows {} bytes", needed - 1)), "{error}");
    assert!(error.contains(&format!("set it to {needed} or more")), "{error}");

    let wider = exact.replacen("bits = 16", "bits = 32", 1);
    assert!(spec(&wider).unwrap_err().to_string().contains("at 32 bits"));
}

#[test]
fn without_a_limit_updates_may_have_the_length_that_they_have() {
    let text = EXAMPLE.replacen("max_update_size = \"1 MiB\"", "", 1);
    let model = TaskFile::parse(&text).unwrap().model_spec().unwrap();
    let spec = spec(&text).unwrap();
    assert_eq!(spec.max_update_bytes, update_length(&model, &spec).unwrap());
}

#[test]
fn validation_rows_are_checked_and_written_canonically() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("task.toml");
    fs::write(&path, EXAMPLE).unwrap();
    let file = TaskFile::read(&path).unwrap();
    let missing = file.validation_rows().unwrap_err();
    assert!(missing.to_string().contains("validation.csv"));
    assert_eq!(crate::exit::kind(&missing), Kind::Data);

    let rows = data::digits().unwrap().subset(&[0, 1, 2]);
    data::write_csv_file(&rows, &folder.path().join("validation.csv")).unwrap();
    let bytes = file.validation_rows().unwrap().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap().lines().count(), 3);

    fs::write(folder.path().join("validation.csv"), "1,2,0\n").unwrap();
    assert!(file.validation_rows().unwrap_err().to_string().contains("2 features"));

    let objective = "features = 64\nclasses = 10";
    let layers = "input = [64]\nlayers = [{ dense = { units = 128 } }, \"relu\", { dense = { units = 10 } }]";
    let text = EXAMPLE.replacen(objective, "features = 2\nclasses = 3", 1);
    let text = text.replacen(layers, "name = \"gru-char\"\ninput = [2]", 1);
    fs::write(&path, text).unwrap();
    let file = TaskFile::read(&path).unwrap();
    fs::write(folder.path().join("validation.csv"), "0,1,2\n2,3,1\n").unwrap();
    let error = file.validation_rows().unwrap_err();
    assert!(error.to_string().contains("row 2, number 2: 3 is no token"), "{error}");
    assert_eq!(crate::exit::kind(&error), Kind::Data);
}
