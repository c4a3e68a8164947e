//! The report as a page: one file, with nothing from elsewhere. Other crates make theirs of the same parts.

use decentralml_learning::Task;

use crate::{
    Report, SimulateError,
    plot::{Curve, Picture},
};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#222;max-width:800px;margin:2em auto;padding:0 1em}\
h1{font-size:1.5em}table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em .2em 0;text-align:left;\
vertical-align:top}.number td:not(:first-child),.number th:not(:first-child){text-align:right}code,pre{font-size:.85em;\
word-break:break-all}svg{max-width:100%;height:auto}thead{border-bottom:1px solid #bbb}";

/// The page of one run.
pub fn page(report: &Report) -> Result<String, SimulateError> {
    let regression = report.metrics.mse.is_some();
    let mut body = format!("<h1>{}</h1>\n{}", escape(&report.name), facts(report));
    let one = |points: Vec<(f64, f64)>| [Curve { name: String::new(), points }];
    let evaluations = |value: fn(&decentralml_learning::Metrics) -> f64| {
        let points = report.evaluations();
        points.map(|(round, metrics)| (f64::from(round), value(metrics))).collect::<Vec<_>>()
    };
    if !regression {
        let curves = one(evaluations(|metrics| metrics.accuracy));
        let title = "Accuracy on the held-out rows";
        add(&mut body, &Picture { title, x: "round", y: "accuracy", curves: &curves })?;
    }
    let trained = report.rounds.iter();
    let trained = trained.filter_map(|record| Some((f64::from(record.round), record.loss?)));
    let curves = [
        Curve { name: "held-out rows".to_owned(), points: evaluations(|metrics| metrics.loss) },
        Curve { name: "clients, while training".to_owned(), points: trained.collect() },
    ];
    let y = unit(report);
    add(&mut body, &Picture { title: "Loss", x: "round", y, curves: &curves })?;
    let sums = |bytes: fn(&crate::RoundRecord) -> u64| {
        let mut sum = 0.0;
        let points = report.rounds.iter().map(|record| {
            sum += bytes(record) as f64 / 1e6;
            (f64::from(record.round), sum)
        });
        points.collect::<Vec<_>>()
    };
    let curves = [
        Curve { name: "sent".to_owned(), points: sums(|record| record.bytes_up) },
        Curve { name: "fetched".to_owned(), points: sums(|record| record.bytes_down) },
    ];
    let title = "Bytes of all clients, summed up";
    add(&mut body, &Picture { title, x: "round", y: "MB", curves: &curves })?;
    if let Some(fairness) = &report.fairness {
        let points = fairness.quantiles.iter().enumerate();
        let curves = one(points.map(|(step, &value)| (step as f64 * 5.0, value)).collect());
        let title = "The final model on the clients' own rows";
        let y = if regression { "squared error" } else { "accuracy" };
        add(&mut body, &Picture { title, x: "% of the clients have at most", y, curves: &curves })?;
    }
    body += &rounds(report);
    let told = |error: toml::ser::Error| SimulateError::Other(error.to_string());
    let file = escape(&toml::to_string(&report.file).map_err(told)?);
    body += &format!("<details><summary>Run file</summary><pre>{file}</pre></details>\n");
    Ok(whole(&report.name, &body))
}

/// What the loss is measured in.
fn unit(report: &Report) -> &'static str {
    if report.metrics.mse.is_some() { "squared error" } else { "nats" }
}

/// A page from its body.
pub fn whole(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n{body}</body></html>\n"
    )
}

/// Adds a picture, where there is something to show.
pub fn add(body: &mut String, picture: &Picture<'_>) -> Result<(), SimulateError> {
    if let Some(svg) = picture.svg()? {
        *body += &svg;
        body.push('\n');
    }
    Ok(())
}

/// A table whose first column is text and whose others are numbers.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |name: &str, cells: &mut dyn Iterator<Item = &str>| {
        cells.map(|cell| format!("<{name}>{}</{name}>", escape(cell))).collect::<String>()
    };
    let head = cells("th", &mut header.iter().copied());
    let rows: String = rows
        .iter()
        .map(|row| format!("<tr>{}</tr>\n", cells("td", &mut row.iter().map(String::as_str))))
        .collect();
    format!(
        "<table class=\"number\"><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>\n"
    )
}

fn facts(report: &Report) -> String {
    let file = &report.file;
    let mut facts = vec![
        ("clients", format!("{}, {} in a round", file.clients, file.cohort())),
        ("rows", format!("{} to train on, {} held out", report.rows, report.test_rows)),
        ("model", format!("{} parameters", report.parameters)),
        ("rounds", report.rounds.len().to_string()),
        ("loss", format!("{:.4}", report.metrics.loss)),
        ("bytes", format!("{} sent, {} fetched", report.bytes_up, report.bytes_down)),
        ("saturated integers", report.saturated.to_string()),
        ("seconds", format!("{:.1} on {} threads", report.seconds, report.threads)),
        ("devices", report.devices.join(", ")),
        ("model CID", report.model_cid.clone()),
        ("seed", file.seed.to_string()),
        ("version", format!("{}, {}", report.versions.simulator, report.versions.machine)),
    ];
    if report.metrics.mse.is_none() {
        facts.insert(4, ("accuracy", format!("{:.2} %", report.metrics.accuracy * 100.0)));
    }
    if let Some(round) = report.reached {
        facts.insert(4, ("target reached", format!("in round {round}")));
    }
    if file.aggregation.norm_bound.is_some() {
        facts.push(("cut to the norm bound", format!("{} updates", report.bounded)));
    }
    if let Some(attack) = &file.attack {
        facts.push(("hostile clients", format!("{}, {:?}", report.hostile, attack.kind)));
    }
    if let Some(fairness) = &report.fairness {
        let told = format!(
            "{:.4} ± {:.4} on the own rows of {} clients; {:.4} for the worst tenth",
            fairness.mean, fairness.deviation, fairness.clients, fairness.worst_tenth
        );
        facts.push(("fairness", told));
    }
    let rows = facts.iter().map(|(name, value)| {
        format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(value))
    });
    format!("<table>{}</table>\n", rows.collect::<String>())
}

fn rounds(report: &Report) -> String {
    let or_dash =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    let rows: Vec<Vec<String>> = report
        .rounds
        .iter()
        .map(|record| {
            let metrics = record.metrics.as_ref();
            vec![
                record.round.to_string(),
                or_dash(metrics.filter(|found| found.mse.is_none()).map(|found| found.accuracy)),
                or_dash(metrics.map(|found| found.loss)),
                or_dash(record.loss),
                record.diverged.to_string(),
                record.saturated.to_string(),
                record.bytes_up.to_string(),
                format!("{:.2}", record.seconds),
            ]
        })
        .collect();
    let header =
        ["round", "accuracy", "loss", "clients' loss", "diverged", "saturated", "sent", "seconds"];
    let table = table(&header, &rows);
    format!("<details><summary>Rounds</summary>{table}</details>\n")
}

/// Text that HTML takes for nothing else.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Which measure tells how good a model is.
pub(crate) fn measure(report: &Report) -> (Task, f64) {
    match report.metrics.mse {
        Some(error) => (Task::Regression, error),
        None => (Task::Classification, report.metrics.accuracy),
    }
}
