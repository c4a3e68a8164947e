#![allow(clippy::unwrap_used)]
use super::*;
use crate::{Division, Seats, cell::MIDDLE};

/// A round's first updates under an attack, and the values of each.
struct Played {
    scale: Scale,
    world: World,
    trainers: Trainers,
    base: Weights,
}

impl Played {
    fn new(attack: Attack) -> Self {
        let scale = Scale::small();
        let rows = Rows::digits(&scale).unwrap();
        let division = Division::Iid;
        let cell = Cell { division, attack, seats: Seats::Honest, percent: MIDDLE };
        let mut world = World::new(&scale, &rows).unwrap();
        let trainers = Trainers::new(&cell, &scale, &rows).unwrap();
        let base = world.latest().unwrap();
        Self { scale, world, trainers, base }
    }

    fn round(&mut self, round: u32) -> Vec<Sent> {
        self.trainers.work(&mut self.world, &self.base, round, &|| false).unwrap().unwrap()
    }

    fn values(&self, sent: &Sent) -> Vec<f64> {
        let wire = Wire::of(&self.world.spec).unwrap();
        let bytes = self.world.store.get(&sent.cid).unwrap();
        let update = wire.read(bytes, &self.world.model).unwrap();
        update.values().iter().map(|&q| f64::from(q)).collect()
    }

    fn all(&self, sent: &[Sent]) -> Vec<Vec<f64>> {
        sent.iter().map(|sent| self.values(sent)).collect()
    }

    fn hostile(&self) -> usize {
        self.scale.hostile(MIDDLE)
    }
}

/// What the first round of an attack looks like, beside that of the same trainers who are honest.
fn first(attack: Attack) -> (Vec<Vec<f64>>, Vec<Vec<f64>>, usize) {
    let mut honest = Played::new(Attack::None);
    let mut hostile = Played::new(attack);
    let (own, sent) = (honest.round(1), hostile.round(1));
    let count = hostile.hostile();
    assert!(sent.iter().enumerate().all(|(who, sent)| sent.attacks == (who < count)));
    let (own, sent) = (honest.all(&own), hostile.all(&sent));
    assert_eq!(own[count..], sent[count..], "honest trainers do what they do");
    (own, sent, count)
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    product(a, b) / (norm(a) * norm(b))
}

fn mean(all: &[Vec<f64>]) -> Vec<f64> {
    let sums = (0..all[0].len()).map(|at| all.iter().map(|values| values[at]).sum::<f64>());
    sums.map(|sum| sum / all.len() as f64).collect()
}

#[test]
fn flips_are_the_own_change_turned_around_and_scaled() {
    for (attack, factor) in [(Attack::SignFlip, 1.0), (Attack::ScaledSignFlip, SCALE)] {
        let (own, sent, hostile) = first(attack);
        for who in 0..hostile {
            assert!(cosine(&own[who], &sent[who]) < -0.99, "{attack:?}");
            assert!((norm(&sent[who]) / norm(&own[who]) / factor - 1.0).abs() < 0.05);
        }
    }
}

#[test]
fn flipped_labels_lead_elsewhere_and_marked_rows_a_little_aside() {
    let (own, flipped, _) = first(Attack::LabelFlip);
    let (_, marked, _) = first(Attack::Backdoor);
    assert!(cosine(&own[0], &flipped[0]) < 0.5);
    let aside = cosine(&own[0], &marked[0]);
    assert!(aside > cosine(&own[0], &flipped[0]) && aside < 0.999, "{aside}");
}

#[test]
fn noise_is_as_long_as_a_change_and_of_no_direction() {
    let (own, sent, hostile) = first(Attack::Gaussian);
    for who in 0..hostile {
        assert!((norm(&sent[who]) / norm(&own[who]) - 1.0).abs() < 0.15);
        assert!(cosine(&own[who], &sent[who]).abs() < 0.2);
    }
    assert_ne!(sent[0], sent[1]);
}

#[test]
fn alie_is_the_honest_mean_less_some_standard_deviations() {
    let (_, sent, hostile) = first(Attack::Alie);
    let honest = &sent[hostile..];
    let average = mean(honest);
    let deviation = |at: usize| {
        let square: f64 = honest.iter().map(|values| (values[at] - average[at]).powi(2)).sum();
        (square / honest.len() as f64).sqrt()
    };
    // The same number of deviations everywhere, up to what rounding to integers changes.
    let told = |at: &usize| deviation(*at) > 20.0;
    let moved: Vec<f64> = (0..average.len())
        .filter(told)
        .map(|at| (average[at] - sent[0][at]) / deviation(at))
        .collect();
    let typical = moved.iter().sum::<f64>() / moved.len() as f64;
    assert!(moved.len() > 20 && typical > 0.05, "{} {typical}", moved.len());
    assert!(moved.iter().all(|moved| (moved - typical).abs() < 0.06));
    assert_eq!(sent[0], sent[1]);
}

#[test]
fn inner_product_manipulation_is_half_of_the_honest_mean_turned_around() {
    let (_, sent, hostile) = first(Attack::InnerProduct);
    let average = mean(&sent[hostile..]);
    assert!(cosine(&average, &sent[0]) < -0.99);
    assert!((norm(&sent[0]) / norm(&average) - 0.5).abs() < 0.05);
}

#[test]
fn min_max_is_no_farther_from_anybody_than_honest_updates_are_from_each_other() {
    let (_, sent, hostile) = first(Attack::MinMax);
    let apart =
        |a: &[f64], b: &[f64]| norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>());
    let honest = &sent[hostile..];
    let farthest = |from: &[f64]| honest.iter().map(|to| apart(from, to)).fold(0.0, f64::max);
    let largest = honest.iter().map(|from| farthest(from)).fold(0.0, f64::max);
    assert!((farthest(&sent[0]) / largest - 1.0).abs() < 0.01);
}

#[test]
fn a_zero_update_changes_nothing_and_a_copy_is_an_honest_one_to_the_byte() {
    let (_, sent, hostile) = first(Attack::ZeroUpdate);
    assert!(sent[..hostile].iter().flatten().all(|value| *value == 0.0));
    let (_, sent, hostile) = first(Attack::Copy);
    for who in 0..hostile {
        assert_eq!(sent[who], sent[hostile + who]);
    }
}

#[test]
fn a_replay_is_honest_once_and_the_same_ever_after() {
    let mut played = Played::new(Attack::Replay);
    let first = played.round(1);
    assert!(!first[0].attacks);
    let second = played.round(2);
    let hostile = played.hostile();
    for who in 0..first.len() {
        assert_eq!(second[who].attacks, who < hostile);
        assert_eq!(second[who].cid == first[who].cid, who < hostile);
    }
}

#[test]
fn sleepers_are_honest_until_half_of_the_rounds_are_settled() {
    for attack in [Attack::Sleeper, Attack::Idle] {
        let mut played = Played::new(attack);
        assert!(played.round(1).iter().all(|sent| !sent.attacks));
        played.trainers.wakes = 0;
        let sent = played.round(2);
        assert_eq!(sent.iter().filter(|sent| sent.attacks).count(), played.hostile());
    }
}

#[test]
fn one_of_those_that_wake_is_sacrificed_and_idlers_send_a_fiftieth() {
    for (attack, factors) in [(Attack::Sacrifice, [-WORST, -1.0]), (Attack::Idle, [IDLE, IDLE])] {
        let (mut honest, mut awake) = (Played::new(Attack::None), Played::new(attack));
        awake.trainers.wakes = 0;
        let (own, sent) = (honest.round(1), awake.round(1));
        let (own, sent) = (honest.all(&own), awake.all(&sent));
        for (who, factor) in factors.into_iter().enumerate() {
            assert!(cosine(&own[who], &sent[who]) * factor.signum() > 0.95, "{attack:?}, {who}");
            // What is too large for the encoding is cut.
            let times = norm(&sent[who]) / norm(&own[who]) / factor.abs();
            assert!(times > 0.8 && times < 1.05, "{attack:?}, {who}: {times}");
        }
    }
}

#[test]
fn a_mix_deals_another_attack_to_each() {
    let (_, mixed, hostile) = first(Attack::Mixed);
    for (who, attack) in Attack::MIX.into_iter().take(hostile).enumerate() {
        let (_, alone, _) = first(attack);
        assert_eq!(mixed[who], alone[who], "{attack:?}");
    }
}
