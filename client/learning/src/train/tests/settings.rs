#![allow(clippy::unwrap_used)]
use super::*;

fn read(text: &str) -> Result<LocalTraining, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn a_short_table_is_enough_and_a_full_one_comes_back() {
    assert_eq!(read("epochs = 5").unwrap(), LocalTraining::epochs(5));
    assert_eq!(read("steps = 200").unwrap(), LocalTraining::steps(200));
    let adam = read("epochs = 1\noptimizer = \"adam\"").unwrap();
    assert_eq!((adam.optimizer, adam.learning_rate), (Optimizer::Adam, 0.001));
    let adamw = read("epochs = 1\noptimizer = \"adamw\"\nweight_decay = 0.5").unwrap();
    assert_eq!(adamw.optimizer, Optimizer::AdamW { weight_decay: 0.5 });
    assert_eq!(adamw.weight_decay, 0.0);
    let schedules = [
        Schedule::Constant { warmup: 2 },
        Schedule::Step { warmup: 0, every: 10, factor: 0.5 },
        Schedule::Exponential { warmup: 1, factor: 0.99 },
        Schedule::Cosine { warmup: 5, rounds: 100, floor: 0.01 },
    ];
    for schedule in schedules {
        for optimizer in [Optimizer::Sgd { momentum: 0.9 }, Optimizer::AdamW { weight_decay: 0.25 }]
        {
            let local = LocalTraining {
                learning_rate: 0.125,
                schedule,
                optimizer,
                clip_norm: Some(2.0),
                proximal: 0.5,
                precision: Precision::Mixed,
                ..LocalTraining::steps(7)
            };
            assert_eq!(read(&toml::to_string(&local).unwrap()).unwrap(), local);
            let json = serde_json::to_string(&local).unwrap();
            assert_eq!(serde_json::from_str::<LocalTraining>(&json).unwrap(), local);
        }
    }
}

#[test]
fn a_table_that_contradicts_itself_says_why() {
    for (text, problem) in [
        ("batch_size = 3", "give `epochs` or `steps`"),
        ("epochs = 1\nsteps = 2", "not both"),
        ("epochs = 0", "epochs: at least one"),
        ("steps = 0", "steps: at least one"),
        (
            "epochs = 1\noptimizer = \"adam\"\nmomentum = 0.9",
            "`momentum` is for the optimizer `sgd`",
        ),
        ("epochs = 1\nmomentum = 1.0", "momentum: must be"),
        ("epochs = 1\nclip_norm = 0.0", "clip_norm: must be a positive number"),
        ("epochs = 1\nproximal = -1.0", "proximal: must be"),
        ("epochs = 1\nepoch = 2", "unknown field `epoch`"),
        ("epochs = 1\nprecision = \"half\"", "expected `single` or `mixed`"),
        ("epochs = 1\nschedule = { kind = \"step\", every = 0, factor = 0.5 }", "schedule.every"),
        ("epochs = 1\nschedule = { kind = \"exponential\", factor = 0.0 }", "schedule.factor"),
        ("epochs = 1\nschedule = { kind = \"cosine\", rounds = 0 }", "schedule.rounds"),
        ("epochs = 1\nschedule = { kind = \"cosine\", rounds = 3, floor = 2.0 }", "schedule.floor"),
        ("epochs = 1\nschedule = { kind = \"cosine\", round = 3 }", "unknown field `round`"),
        (
            "epochs = 1\nschedule = { kind = \"cosine\", rounds = 3, factor = 0.5 }",
            "the schedule `cosine` has `rounds`",
        ),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(problem), "{text}: {error}");
    }
    let both = LocalTraining {
        optimizer: Optimizer::AdamW { weight_decay: 0.1 },
        weight_decay: 0.1,
        ..LocalTraining::epochs(1)
    };
    assert!(both.validate().is_err());
}

#[test]
fn schedules_are_as_tabulated() {
    let table: [(Schedule, [f64; 7]); 5] = [
        (Schedule::default(), [1.0; 7]),
        (Schedule::Constant { warmup: 3 }, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0]),
        (
            Schedule::Step { warmup: 1, every: 2, factor: 0.5 },
            [0.5, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25],
        ),
        (
            Schedule::Exponential { warmup: 0, factor: 0.5 },
            [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625],
        ),
        (
            Schedule::Cosine { warmup: 1, rounds: 4, floor: 0.2 },
            [0.5, 1.0, 0.882_842_712, 0.6, 0.317_157_288, 0.2, 0.2],
        ),
    ];
    for (schedule, factors) in table {
        for (round, factor) in (0..).zip(factors) {
            let found = schedule.factor(round);
            assert!((found - factor).abs() < 1e-9, "{schedule:?} {round}: {found}");
            let local = LocalTraining { learning_rate: 0.5, schedule, ..LocalTraining::epochs(1) };
            let now = local.in_round(round);
            assert!((now.learning_rate - 0.5 * factor).abs() < 1e-9);
            assert_eq!(now.in_round(round + 1), now);
        }
    }
}

#[test]
fn a_rate_never_vanishes() {
    let local = |schedule| LocalTraining { schedule, ..LocalTraining::epochs(1) };
    for schedule in [
        Schedule::Cosine { warmup: 0, rounds: 3, floor: 0.0 },
        Schedule::Exponential { warmup: 0, factor: 0.1 },
    ] {
        for round in [3, 1_000, u32::MAX] {
            let now = local(schedule).in_round(round);
            assert!(now.learning_rate > 0.0);
            now.validate().unwrap();
        }
    }
}

#[test]
fn the_usual_precision_is_not_written_and_names_are_read() {
    let written = toml::to_string(&LocalTraining::epochs(1)).unwrap();
    assert!(!written.contains("precision"), "{written}");
    assert_eq!("single".parse(), Ok(Precision::Single));
    assert_eq!("mixed".parse(), Ok(Precision::Mixed));
    let error = "half".parse::<Precision>().unwrap_err().to_string();
    assert_eq!(error, "`half` is no precision: give single or mixed");
}
