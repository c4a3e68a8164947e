//! What holds under every attack, on small runs: nobody honest is slashed or loses money, and what comes of a run follows from its seed.

#![allow(clippy::unwrap_used)]

use decentralml_attacks::{
    Attack, Cell, Division, Found, Rows, Scale, Seats,
    cell::{MIDDLE, small_cells},
    goals, run,
    table::{self, Results},
};

fn play(cell: &Cell, scale: &Scale) -> Found {
    let rows = Rows::digits(scale).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(16 << 20).build().unwrap();
    pool.install(|| run(cell, scale, &rows, &|| false).unwrap().unwrap())
}

fn always(cell: &Cell) -> Found {
    let scale = Scale::small();
    let found = play(cell, &scale);
    let (name, counts) = (cell.name(), &found.counts);
    assert_eq!(counts.honest_slashes, 0, "{name}");
    assert_eq!(counts.settled, scale.rounds, "{name}");
    assert_eq!(found.curve.len(), scale.rounds as usize, "{name}");
    assert_eq!(found.curve.last(), Some(&found.accuracy), "{name}");
    let turns = u64::from(counts.attempts) * u64::from(scale.trainers);
    // Everybody trains in every attempt, and every attempt settles; who is hostile and does not attack yet is counted by nothing.
    assert_eq!(counts.attempts, counts.settled, "{name}");
    let asleep = found.rounds.iter().flatten().filter(|one| one.hostile && !one.attacks).count();
    assert_eq!(counts.hostile_updates + counts.honest_updates + asleep as u64, turns, "{name}");
    assert_eq!(counts.hostile_slashes > 0, cell.seats == Seats::Copy, "{name}");
    found
}

fn at(attack: Attack, seats: Seats) -> Cell {
    Cell { division: Division::Dirichlet05, attack, seats, percent: MIDDLE }
}

#[test]
fn no_attack_of_trainers_slashes_anybody_or_loses_money() {
    for cell in small_cells().iter().filter(|cell| cell.seats == Seats::Honest) {
        let found = always(cell);
        let counts = &found.counts;
        assert_eq!(counts.hostile_pay.turns > 0, cell.percent > 0, "{}", cell.name());
        assert_eq!(counts.slashed, 0, "{}", cell.name());
        if matches!(cell.attack, Attack::ZeroUpdate | Attack::Copy) {
            let (name, found) = (cell.name(), (counts.kept_out(), counts.pay()));
            assert_eq!(found, (Some(1.0), Some(0.0)), "{name}");
        }
    }
}

#[test]
fn a_third_of_the_seats_changes_no_verdict_whatever_it_does() {
    let alone = always(&at(Attack::SignFlip, Seats::Honest));
    for seats in Seats::HOSTILE {
        let found = always(&at(Attack::SignFlip, seats));
        assert_eq!(found.accuracy, alone.accuracy, "{seats:?}");
        assert_eq!(found.counts.kept_out(), alone.counts.kept_out(), "{seats:?}");
        assert_eq!(found.counts.honest_rejected, alone.counts.honest_rejected, "{seats:?}");
        assert_eq!(found.counts.hostile_pay, alone.counts.hostile_pay, "{seats:?}");
        // Fees fall with the distance from the medians.
        let (hostile, honest) = (found.counts.hostile_seat_pay, found.counts.honest_seat_pay);
        assert!(hostile.mean() < honest.mean(), "{seats:?}: {hostile:?}, {honest:?}");
        if matches!(seats, Seats::Inverted | Seats::Collude) {
            assert_eq!(hostile.paid, 0, "{seats:?}");
        }
    }
}

#[test]
fn equal_seeds_give_equal_runs_and_others_do_not() {
    let scale = Scale { rounds: 2, ..Scale::small() };
    let cell = at(Attack::Mixed, Seats::Random);
    let timeless = |found: Found| Found { seconds: 0.0, ..found };
    let first = timeless(play(&cell, &scale));
    assert_eq!(first, timeless(play(&cell, &scale)));
    assert_ne!(first, timeless(play(&cell, &Scale { seed: 2, ..scale })));
}

#[test]
fn a_stopped_run_gives_nothing() {
    let scale = Scale::small();
    let rows = Rows::digits(&scale).unwrap();
    let cell = at(Attack::SignFlip, Seats::Honest);
    assert_eq!(run(&cell, &scale, &rows, &|| true).unwrap(), None);
}

#[test]
fn the_table_names_what_has_not_been_run_and_leaves_no_cell_out() {
    let cells = small_cells();
    let clean = Cell::clean(Division::Dirichlet05);
    let scale = Scale { rounds: 1, ..Scale::small() };
    let results = Results::from([(clean, play(&clean, &scale))]);
    let text = table::markdown(&cells, &results);
    assert_eq!(text.lines().count(), cells.len() + 2);
    assert_eq!(text.matches("not run").count(), cells.len() - 1);
    assert!(text.contains("clean run"));
    let page = decentralml_attacks::page::page(&cells, &results, "a run").unwrap();
    assert!(page.contains("<svg") && page.contains(&goals::told()[1..20]));
    let json = table::json(&cells, &results, "a run", &scale);
    assert_eq!(json["cells"].as_array().unwrap().len(), cells.len());
}
