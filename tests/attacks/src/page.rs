//! Results as a page with pictures.

use anyhow::Result;
use decentralml_simulator::{
    page::{add, escape, table, whole},
    plot::{Curve, Picture},
};

use crate::{
    Attack, Cell, Division, Found, Seats,
    cell::{MIDDLE, SHARES},
    goals,
    table::{HEADER, Results, lines, summary},
};

/// The page: one file, with nothing from elsewhere.
pub fn page(cells: &[Cell], results: &Results, told: &str) -> Result<String> {
    let title = "Attacks";
    let mut body = format!("<h1>{title}</h1>\n<p>{}</p>\n", escape(told));
    body += &format!("<p>{}.</p>\n", escape(&capital(&goals::told())));
    body += &format!("<p>{}.</p>\n", escape(&summary(cells, results)));
    for division in Division::ALL {
        body += &format!("<h2>{}</h2>\n", division.name());
        let of = |cell: &Cell| cell.division == division && cell.seats == Seats::Honest;
        let found: Vec<&Found> = results.values().filter(|found| of(&found.cell)).collect();
        pictures(&mut body, &found)?;
        let own: Vec<Cell> =
            cells.iter().filter(|cell| cell.division == division).copied().collect();
        // The heading names the partition.
        let rows: Vec<Vec<String>> = lines(&own, results)
            .into_iter()
            .map(|line| line.into_iter().skip(1).collect())
            .collect();
        body += &table(&HEADER[1..], &rows);
    }
    Ok(whole(title, &body))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn pictures(body: &mut String, found: &[&Found]) -> Result<()> {
    let learned = found.iter().filter(|found| [0, MIDDLE].contains(&found.cell.percent));
    let curves: Vec<Curve> = learned
        .map(|found| Curve {
            name: found.cell.attack.name().to_owned(),
            points: (1..).map(f64::from).zip(found.curve.iter().copied()).collect(),
        })
        .collect();
    let title = format!("Accuracy with {MIDDLE} % hostile trainers");
    add(body, &Picture { title: &title, x: "settled rounds", y: "accuracy", curves: &curves })?;
    let by_share = |value: &dyn Fn(&Found) -> Option<f64>| -> Vec<Curve> {
        let curve = |attack: Attack| {
            let at = |percent: u32| {
                let cell =
                    found.iter().find(|f| (f.cell.attack, f.cell.percent) == (attack, percent));
                Some((f64::from(percent), value(cell?)? * 100.0))
            };
            let points = SHARES.into_iter().filter_map(at).collect();
            Curve { name: attack.name().to_owned(), points }
        };
        let curves = Attack::ALL.into_iter().skip(1).map(curve);
        curves.filter(|curve| !curve.points.is_empty()).collect()
    };
    let x = "hostile trainers, %";
    let curves = by_share(&|found| found.counts.pay().filter(|pay| *pay < f64::MAX));
    let (title, y) = ("What an attack is paid", "% of an honest share");
    add(body, &Picture { title, x, y, curves: &curves })?;
    let curves = by_share(&|found| found.counts.kept_out());
    let (title, y) = ("Hostile updates that were kept out", "%");
    add(body, &Picture { title, x, y, curves: &curves })?;
    Ok(())
}
