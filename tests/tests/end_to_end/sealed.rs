//! A sealed task: only the drawn evaluators read the updates, and whoever keeps them from it pays.

use anyhow::{Context, Result};
use decentralml_sdk::{AccountId, Draw, Reveal, Signer, encryption};
use decentralml_storage::{
    Storage,
    seal::{self, Expected, MAX_ENVELOPE_BYTES, OpenError, SecretKey},
};
use decentralml_tests::{BOND, EVALUATORS, LONG, POCKET, System, honest, logs, stop, wait_until};
use decentralml_types::{Cid, Fault, Outcome, Role, TaskId};

const TRAINERS: [(&str, &str); 6] = [
    ("//T1", "honest"),
    ("//T2", "honest"),
    ("//T3", "honest"),
    ("//T4", "wrong-hash"),
    ("//T5", "keeps-key"),
    ("//T6", "wrong-key"),
];

/// Bytes that no sealed update of the example is longer than.
const LONGEST: u64 = 1 << 20;

/// What each trainer revealed in round 1 and what became of it, in the order of [`TRAINERS`]. Rows go when they are claimed, so this
/// is asked while the round lives.
async fn verdicts(system: &System, task: TaskId) -> Result<Vec<(Reveal, Outcome)>> {
    let accounts =
        TRAINERS.map(|(uri, _)| Signer::from_uri(uri).expect("a development key").account());
    wait_until("the verdicts", LONG, async || {
        let view = system.chain.best().await?;
        let (reveals, verdicts) = (view.reveals(task, 1).await?, view.verdicts(task, 1).await?);
        let found = |account| {
            let reveal = reveals.iter().find(|reveal| reveal.account == account)?;
            let (_, verdict) = verdicts.iter().find(|(trainer, _)| *trainer == account)?;
            Some((*reveal, verdict.outcome?))
        };
        Ok(accounts.into_iter().map(found).collect::<Option<Vec<_>>>())
    })
    .await
}

/// The key that an account has registered.
fn secret(uri: &str) -> Result<SecretKey> {
    Ok(SecretKey::from_bytes(encryption::derive(&Signer::from_uri(uri)?, 0).secret()))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_drawn_seats_read_sealed_updates_and_keeping_them_out_costs_the_bond() -> Result<()> {
    let people = [&TRAINERS.map(|(uri, _)| uri)[..], &EVALUATORS].concat();
    let system = System::prepared(&people, TRAINERS.len()).await?;
    let before = system.sum_of_balances().await?;
    let task = system.create_task(1, TRAINERS.len(), &[("sealed = false", "sealed = true")])?;
    let mut workers = system.workers(task, &TRAINERS, &EVALUATORS.map(honest))?;
    let verdicts = verdicts(&system, task).await.with_context(|| logs(&workers))?;
    system.completed(task).await.with_context(|| logs(&workers))?;
    let storage = Storage::connect(&system.store.url).await?;
    only_seats_read(&storage, &verdicts[0].0).await?;
    stop(&mut workers)?;
    system.settle(task).await.with_context(|| logs(&workers))?;

    let view = system.chain.finalized().await?;
    for uri in EVALUATORS {
        let signer = Signer::from_uri(uri)?;
        let registered = view.encryption_key(&signer.account()).await?;
        assert_eq!(registered, Some(secret(uri)?.public()), "{uri}");
    }
    for ((uri, conduct), (_, outcome)) in TRAINERS.into_iter().zip(&verdicts) {
        let (owned, member) =
            (system.owned_by(uri).await?, system.member(Role::Trainer, uri).await?);
        let told = format!("{uri} {conduct}: {outcome:?}, {owned}, {member:?}\n{}", logs(&workers));
        let fault = match conduct {
            "honest" => {
                assert!(matches!(outcome, Outcome::Accepted { .. }), "{told}");
                assert_eq!((member.faults, member.bond), (0, BOND), "{told}");
                assert!(owned > POCKET, "{told}");
                continue;
            }
            "keeps-key" => Fault::Unavailable,
            _ => Fault::Malformed,
        };
        assert_eq!(*outcome, Outcome::Faulty(fault), "{told}");
        assert_eq!((member.faults, member.bond), (1, 0), "{told}");
        assert!(owned < POCKET, "{told}");
    }
    system.are_blameless(Role::Evaluator, &EVALUATORS).await?;
    let model = view.model(task, 1).await?.context("version 1")?;
    assert_eq!(model.updates, 3, "only updates that could be read enter the model");
    assert_eq!(system.sum_of_balances().await?, before);
    let silent = std::fs::read_to_string(system.log("//T5"))?;
    assert!(silent.contains("not handed over in time"), "{silent}");
    Ok(())
}

/// The first committee does not come; another one is drawn. It gets the keys anew, and those that were drawn before do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_committee_gets_the_keys_and_judges_what_the_first_one_left() -> Result<()> {
    const SEATS: [&str; 6] = ["//E1", "//E2", "//E3", "//E4", "//E5", "//E6"];
    let people = [&THREE[..], &SEATS].concat();
    let system = System::prepared(&people, THREE.len()).await?;
    let before = system.sum_of_balances().await?;
    let settings = [("sealed = false", "sealed = true"), ("scoring = 60", "scoring = 25")];
    let task = system.create_task(1, THREE.len(), &settings)?;
    let mut evaluators = system.workers(task, &[], &SEATS.map(honest))?;
    wait_until("all evaluators to be enrolled", LONG, async || {
        let view = system.chain.best().await?;
        Ok((view.enrolled(task, Role::Evaluator).await? == 6).then_some(()))
    })
    .await
    .with_context(|| logs(&evaluators))?;
    // Whoever is drawn is not there.
    stop(&mut evaluators)?;
    let trainers = system.workers(task, &THREE.map(honest), &[])?;
    let first = handed_over(&system, task, 0).await.with_context(|| logs(&trainers))?;
    wait_until("a second committee", LONG, async || {
        let round = system.chain.best().await?.round(task, 1).await?.context("round 1")?;
        Ok((round.committee == 1).then_some(()))
    })
    .await
    .with_context(|| logs(&trainers))?;
    for evaluator in &mut evaluators {
        evaluator.restart()?;
    }
    let second = handed_over(&system, task, 1).await.with_context(|| logs(&trainers))?;
    let told = || logs(&trainers) + &logs(&evaluators);
    system.completed(task).await.with_context(told)?;
    let model = system.chain.best().await?.model(task, 1).await?.context("version 1")?;
    assert_eq!(model.updates, 3, "{}", told());

    let storage = Storage::connect(&system.store.url).await?;
    for HandedOver { keys, drawn } in [&first, &second] {
        assert_eq!(drawn.len(), 3, "{drawn:?}");
        for keys in keys {
            let envelope = storage.fetch(keys, MAX_ENVELOPE_BYTES).await?;
            for seat in SEATS {
                let opened = seal::open_envelope(&envelope, &[&secret(seat)?]);
                let is_drawn = drawn.contains(&Signer::from_uri(seat)?.account());
                assert_eq!(opened.is_ok(), is_drawn, "{seat} of {drawn:?}");
            }
        }
    }
    assert_ne!(first.keys, second.keys);
    system.settle(task).await.with_context(told)?;
    // Who was drawn and not there loses nothing, and neither do trainers whose keys the first committee left unused.
    for (role, uris) in [(Role::Trainer, &THREE[..]), (Role::Evaluator, &SEATS)] {
        for uri in uris {
            assert_eq!(system.member(role, uri).await?.faults, 0, "{uri}: {}", told());
        }
    }
    assert_eq!(system.sum_of_balances().await?, before);
    Ok(())
}

const THREE: [&str; 3] = ["//T1", "//T2", "//T3"];

/// What was handed over to a committee, and to whom.
#[derive(Debug)]
struct HandedOver {
    keys: Vec<Cid>,
    drawn: Vec<AccountId>,
}

async fn handed_over(system: &System, task: TaskId, committee: u8) -> Result<HandedOver> {
    wait_until("all keys to be handed over", LONG, async || {
        let view = system.chain.best().await?;
        let handovers = view.reveals(task, 1).await?.into_iter().map(|reveal| reveal.handover);
        let keys: Vec<Cid> = handovers
            .flatten()
            .filter(|handover| handover.committee == committee)
            .map(|handover| handover.keys)
            .collect();
        let drawn = view.drawn(task, 1, Draw::Committee(committee)).await?;
        Ok(drawn.filter(|_| keys.len() == THREE.len()).map(|drawn| HandedOver { keys, drawn }))
    })
    .await
}

/// What lies in the store opens to the update for those who were drawn, and for nobody else.
async fn only_seats_read(storage: &Storage, reveal: &Reveal) -> Result<()> {
    let keys = reveal.handover.context("nothing was handed over")?.keys;
    let ciphertext = storage.fetch(&reveal.cid, LONGEST).await?;
    let envelope = storage.fetch(&keys, MAX_ENVELOPE_BYTES).await?;
    let expected =
        Expected::at_most(LONGEST).with_hash(reveal.plain_hash.context("no hash was revealed")?);
    for seat in EVALUATORS {
        let key = seal::open_envelope(&envelope, &[&secret(seat)?])?;
        let (plain, _) = seal::open_to_bytes(&ciphertext[..], &[&key], &expected)?;
        assert!(!ciphertext.windows(64).any(|part| part == &plain[..64]));
    }
    // The sponsor, another trainer, the trainer itself, and somebody who has nothing to do with it.
    for outsider in ["//Alice", "//T2", "//T1", "//Stranger"] {
        let own = secret(outsider)?;
        let envelope = seal::open_envelope(&envelope, &[&own]);
        assert!(matches!(envelope, Err(OpenError::NotForUs)), "{outsider}");
        let update = seal::open_to_bytes(&ciphertext[..], &[&own], &expected);
        assert!(matches!(update, Err(OpenError::NotForUs)), "{outsider}");
    }
    Ok(())
}
