#![allow(clippy::unwrap_used)]
use super::*;

const SHORT: &str =
    "clients = 10\nrounds = 2\n[model]\nname = \"mlp\"\n[data]\nfile = \"digits\"\n";

fn short(more: &str) -> String {
    format!(
        "{SHORT}[training]\nepochs = 1\nbatch_size = 16\nlearning_rate = 0.1\noptimizer = \"sgd\"\n{more}"
    )
}

#[test]
fn the_example_is_a_run_file_and_names_every_field() {
    let file = RunFile::from_toml(EXAMPLE).unwrap();
    assert!(file.cohort() > 1 && file.sweep.is_empty());
    for field in [
        "seed",
        "clients_per_round",
        "target",
        "evaluate_every",
        "checkpoint_every",
        "fairness_clients",
        "rows_per_client",
        "partition",
        "held_out",
        "norm_bound",
        "before",
        "rule",
        "count",
        "server",
        "fraction_bits",
        "rounding",
        "wire_bits",
        "keep",
        "deflate",
        "error_feedback",
        "attack",
        "seeds",
        "sweep",
    ] {
        assert!(EXAMPLE.contains(field), "{field}");
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    let file = RunFile::from_toml(&short("")).unwrap();
    assert_eq!((file.cohort(), file.evaluate_every, file.hostile()), (10, 1, 0));
    assert_eq!(file.aggregation, Aggregating::default());
    assert_eq!(file.encoding.exact().unwrap().clip(), i32::MAX);
    let named = file.named_after(Path::new("some/where/a-run.toml"));
    assert_eq!(named.name, "a-run");
}

#[test]
fn a_cohort_is_a_number_or_a_share() {
    for (given, expected) in [("3", 3), ("0.25", 3), ("1.0", 10), ("0.0001", 1)] {
        let text = format!("clients_per_round = {given}\n{}", short(""));
        assert_eq!(RunFile::from_toml(&text).unwrap().cohort(), expected, "{given}");
    }
}

#[test]
fn mistakes_are_told_with_their_field() {
    for (text, expected) in [
        (short("[encoding]\nbit = 8\n"), "unknown field `bit`"),
        (format!("clients_per_round = 11\n{}", short("")), "`clients_per_round`: 11 of 10"),
        (format!("clients_per_round = 0.0\n{}", short("")), "`clients_per_round`: a share"),
        (short("[encoding]\nkeep = 0.1\n"), "`encoding.keep`: goes with"),
        (short("[encoding]\nbits = 12\n"), "`encoding`"),
        (short("[aggregation]\nrule = { krum = { hostile = 4 } }\n"), "needs 11 updates"),
        (
            short(
                "[aggregation]\nrule = { krum = { hostile = 2 } }\nbefore = { buckets = { size = 2 } }\n",
            ),
            "needs 7 updates, but 5 buckets of 10 clients",
        ),
        (
            short("[aggregation]\nrule = { multi_krum = { hostile = 2, kept = 9 } }\n"),
            "`kept` must be 1 to 8",
        ),
        (
            short("[aggregation]\nrule = { multi_krum = { hostile = 2, kept = 0 } }\n"),
            "`kept` must be 1 to 8",
        ),
        (
            short("[aggregation]\nbefore = { nearest_neighbors = { hostile = 5 } }\n"),
            "`aggregation.before`: 5 hostile of 10",
        ),
        (short("[aggregation]\nbefore = { buckets = { size = 0 } }\n"), "`aggregation.before`"),
        (
            short("[attack]\nshare = 0.2\nkind = \"min_max\"\n")
                .replace("clients = 10", "clients = 3000"),
            "at most 2048",
        ),
        (short("[attack]\nshare = 2.0\nkind = \"fang\"\n"), "`attack.share`"),
        (
            short("[aggregation]\nrule = \"median\"\ncount = { samples = {} }\n"),
            "`aggregation.count`",
        ),
        (format!("rows_per_client = 3\npartition = \"iid\"\n{}", short("")), "`rows_per_client`"),
        (format!("name = \"a/b\"\n{}", short("")), "`name`"),
    ] {
        let error = RunFile::from_toml(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
