//! Runs whose clients are trained in batches.

use std::{
    fs,
    sync::{Mutex, atomic::AtomicBool},
};

use decentralml_simulator::{
    Event, Federation, Folder, ModelFile, Options, Report, RunFile, simulate,
};

use super::{file, kinds, load};

/// A run with batches of so many clients, and how often it said that it trains them one by one.
fn run_of(
    federation: &Federation,
    clients_per_batch: usize,
    threads: usize,
) -> (Report, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let folder = Folder::open(folder.path()).unwrap();
    let options = Options { threads, clients_per_batch, ..Options::default() };
    let told = Mutex::new(Vec::new());
    let observe = |event: Event<'_>| {
        if let Event::OneByOne { why } = event {
            told.lock().unwrap().push(why.to_string());
        }
    };
    let outcome =
        simulate(federation, &folder, options, &AtomicBool::new(false), &observe).unwrap();
    (outcome.report, told.into_inner().unwrap())
}

#[test]
fn batches_of_clients_come_to_what_clients_one_by_one_come_to() {
    for (name, file) in kinds() {
        let federation = load(&file);
        let (alone, _) = run_of(&federation, 1, 2);
        let (together, told) = run_of(&federation, 3, 2);
        assert!(told.is_empty(), "{name}: {told:?}");
        assert_eq!(alone.devices, ["cpu"], "{name}");
        assert_eq!(together.devices, ["cpu in batches of 3 clients"], "{name}");
        let apart = (alone.metrics.accuracy - together.metrics.accuracy).abs();
        assert!(apart < 0.02, "{name}: {} {}", alone.metrics.accuracy, together.metrics.accuracy);
        for (alone, together) in alone.rounds.iter().zip(&together.rounds) {
            assert_eq!(
                (alone.clients, alone.hostile, alone.diverged),
                (together.clients, together.hostile, together.diverged),
                "{name}"
            );
            let (alone, together) = (alone.loss.unwrap(), together.loss.unwrap());
            assert!((alone - together).abs() < 0.01 * alone, "{name}: {alone} {together}");
        }
        // Neither threads nor the order in which batches end change a bit.
        let (again, _) = run_of(&federation, 3, 1);
        assert_eq!(again.model_cid, together.model_cid, "{name}");
    }
}

#[test]
fn hostile_clients_train_or_do_not_in_a_batch_as_by_themselves() {
    for kind in ["\"free_rider\"", "\"label_flip\"", "{ sign_flip = { factor = 2.0 } }"] {
        let federation = load(&file("", &format!("[attack]\nshare = 0.4\nkind = {kind}\n")));
        let ((alone, _), (together, _)) = (run_of(&federation, 1, 2), run_of(&federation, 4, 2));
        let apart = (alone.metrics.loss - together.metrics.loss).abs();
        assert!(apart < 0.01 * alone.metrics.loss, "{kind}: {apart}");
    }
}

#[test]
fn a_model_that_cannot_be_batched_is_trained_one_by_one_and_says_so_once() {
    let folder = tempfile::tempdir().unwrap();
    let layers = "version = 2\ninput = [8, 8]\nlayers = [{ gru = { units = 8 } }, \"last_step\", { dense = \
                  { units = 10 } }]\n";
    fs::write(folder.path().join("layers.toml"), layers).unwrap();
    let file = file("", "");
    let model = ModelFile { file: Some("layers.toml".into()), ..ModelFile::default() };
    let federation = Federation::load(&RunFile { model, ..file }, folder.path()).unwrap();
    let ((alone, silent), (together, told)) =
        (run_of(&federation, 1, 2), run_of(&federation, 4, 2));
    assert_eq!(together.model_cid, alone.model_cid);
    assert_eq!(together.devices, ["cpu"]);
    assert!(silent.is_empty());
    assert_eq!(told, ["a layer `gru` is not computed for several clients at a time"]);
}
