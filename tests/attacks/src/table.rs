//! Results as a table in Markdown, and as numbers for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Attack, Cell, Division, Found, Seats, goals};

/// Names of the columns.
pub const HEADER: [&str; 14] = [
    "partition",
    "attack",
    "hostile seats",
    "hostile trainers, %",
    "kept out, %",
    "honest rejected, %",
    "closest honest pair, cosine",
    "honest slashed, %",
    "hostile pay, % of an honest share",
    "hostile seats' pay, % of an honest one's",
    "accuracy, %",
    "against clean, points",
    "marked rows taken for the target, %",
    "goals",
];

/// All results, by their cells.
pub type Results = BTreeMap<Cell, Found>;

/// The accuracy of a division's clean run.
pub fn clean(results: &Results, division: Division) -> Option<f64> {
    results.get(&Cell::clean(division)).map(|found| found.accuracy)
}

/// One row for each of `cells`, whether it has been run or not.
pub fn lines(cells: &[Cell], results: &Results) -> Vec<Vec<String>> {
    let mut cells = cells.to_vec();
    cells.sort_by_key(|cell| (cell.division, cell.seats, cell.attack, cell.percent));
    cells.iter().map(|cell| line(cell, results)).collect()
}

fn line(cell: &Cell, results: &Results) -> Vec<String> {
    let seats = match cell.seats {
        Seats::Honest => "–",
        hostile => hostile.name().trim_start_matches("seats-"),
    };
    let mut line: Vec<String> =
        [cell.division.name(), cell.attack.name(), seats].map(str::to_owned).into();
    line.push(cell.percent.to_string());
    let Some(found) = results.get(cell) else {
        line.resize(HEADER.len() - 1, "–".to_owned());
        line.push("not run".to_owned());
        return line;
    };
    let (counts, clean) = (&found.counts, clean(results, cell.division));
    line.extend([
        counts.kept_out().map_or_else(dash, percent),
        percent(counts.honest_rejected()),
        format!("{:.4}", counts.closest_honest as f64 / 1e6),
        percent(counts.honest_slashed()),
        match counts.pay() {
            Some(f64::MAX) => "all there is".to_owned(),
            pay => pay.map_or_else(dash, percent),
        },
        match counts.seat_pay() {
            _ if cell.seats == Seats::Honest => dash(),
            Some(f64::MAX) => "all there is".to_owned(),
            pay => pay.map_or_else(dash, percent),
        },
        percent(found.accuracy),
        clean.map_or_else(dash, |clean| format!("{:+.2}", (found.accuracy - clean) * 100.0)),
        percent(found.marked),
        match cell.attack {
            Attack::None => "clean run".to_owned(),
            _ => goals::verdict(found, clean),
        },
    ]);
    line
}

fn dash() -> String {
    "–".to_owned()
}

fn percent(share: f64) -> String {
    format!("{:.2}", share * 100.0)
}

/// The table in Markdown.
pub fn markdown(cells: &[Cell], results: &Results) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let header: Vec<String> = HEADER.iter().map(|name| (*name).to_owned()).collect();
    let rule = vec!["---".to_owned(); HEADER.len()];
    let rows = lines(cells, results);
    row(&header) + &row(&rule) + &rows.iter().map(|line| row(line)).collect::<String>()
}

/// The same as JSON, each number in full.
pub fn json(cells: &[Cell], results: &Results, told: &str, scale: &crate::Scale) -> Value {
    let rows: Vec<Value> = cells
        .iter()
        .map(|cell| {
            let clean = clean(results, cell.division);
            let found = results.get(cell);
            json!({
                "cell": cell,
                "name": cell.name(),
                "found": found.map(|found| Found { rounds: Vec::new(), ..found.clone() }),
                "kept_out": found.and_then(|found| found.counts.kept_out()),
                "honest_rejected": found.map(|found| found.counts.honest_rejected()),
                "honest_slashed": found.map(|found| found.counts.honest_slashed()),
                "hostile_pay": found.and_then(|found| found.counts.pay()),
                "hostile_seat_pay": found.and_then(|found| found.counts.seat_pay()),
                "against_clean": found.zip(clean).map(|(found, clean)| found.accuracy - clean),
                "misses": found.map(|found| goals::misses(found, clean)),
            })
        })
        .collect();
    json!({ "what": told, "goals": goals::told(), "scale": scale, "cells": rows })
}

/// How many of the attacked cells that were run meet the goals, for people.
pub fn summary(cells: &[Cell], results: &Results) -> String {
    let attacked: Vec<&Found> = cells
        .iter()
        .filter(|cell| cell.attack != Attack::None)
        .filter_map(|cell| results.get(cell))
        .collect();
    let meets = |found: &&&Found| {
        let clean = clean(results, found.cell.division);
        clean.is_some() && goals::misses(found, clean).is_empty()
    };
    let met = attacked.iter().filter(meets).count();
    let middle: Vec<&&Found> =
        attacked.iter().filter(|found| found.cell.percent == crate::cell::MIDDLE).collect();
    let met_there = middle.iter().filter(|found| meets(found)).count();
    format!(
        "{met} of {} attacked cells meet the goals, {met_there} of {} at {} %; {} of {} cells have been run",
        attacked.len(),
        middle.len(),
        crate::cell::MIDDLE,
        cells.iter().filter(|cell| results.contains_key(cell)).count(),
        cells.len()
    )
}
