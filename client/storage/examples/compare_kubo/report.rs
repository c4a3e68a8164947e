//! What came out, for programs and for people.

use crate::{MIB, Result, Scale, cids::Cids, memory::Both, speeds::Speed};
use serde_json::{Map, Value, json};
use std::thread;

/// Most bytes that ours may have in memory.
const MEMORY_GOAL: f64 = 64e6;

pub struct Report {
    pub date: String,
    pub quick: bool,
    pub load: String,
    pub version: String,
    pub scale: Scale,
    pub cids: Cids,
    pub speeds: Vec<Speed>,
    /// Milliseconds.
    pub startup: Both,
    /// Bytes.
    pub memory: Both,
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn cores() -> usize {
    thread::available_parallelism().map_or(0, usize::from)
}

/// A goal with whether it is reached.
fn goal(wanted: &str, reached: bool) -> String {
    if reached { wanted.into() } else { format!("{wanted}: missed") }
}

impl Report {
    pub fn json(&self) -> Value {
        let mut report = Map::new();
        let mut put = |name: &str, value: Value| drop(report.insert(name.into(), value));
        put("date", json!(self.date));
        put("cores", json!(cores()));
        put("load_at_the_start", json!(self.load));
        put("kubo", json!(self.version));
        put("quick", json!(self.quick));
        put("cids_compared", json!(self.cids.compared));
        put("cids_equal", json!(self.cids.equal));
        put("cids_different", json!(self.cids.different));
        put("cids_refused", json!(self.cids.refused));
        for Speed { work, ours, kubo, synced } in &self.speeds {
            let name = work.name();
            put(&format!("{name}_ratio"), json!(rounded(ours / kubo)));
            put(&format!("{name}_goal"), json!(work.goal()));
            put(&format!("{name}_mb_s"), json!(rounded(*ours)));
            put(&format!("{name}_kubo_mb_s"), json!(rounded(*kubo)));
            if let Some(synced) = synced {
                put(&format!("{name}_synced_ratio"), json!(rounded(ours / synced)));
                put(&format!("{name}_synced_kubo_mb_s"), json!(rounded(*synced)));
            }
        }
        put("memory_mb", json!(rounded(self.memory.ours / 1e6)));
        put("memory_goal_mb", json!(MEMORY_GOAL / 1e6));
        put("memory_kubo_mb", json!(rounded(self.memory.kubo / 1e6)));
        put("startup_ms", json!(rounded(self.startup.ours)));
        put("startup_kubo_ms", json!(rounded(self.startup.kubo)));
        Value::Object(report)
    }

    /// In Markdown, for docs/benchmarks.md.
    pub fn table(&self) -> String {
        let Self { cids, memory, startup, scale, .. } = self;
        let mut table = format!(
            "| What | ours | Kubo {} | Kubo that syncs | ours / Kubo's | Goal |\n| --- | --- | --- | --- | --- | --- |\n",
            self.version
        );
        let mut row = |cells: [&str; 6]| table += &format!("| {} |\n", cells.join(" | "));
        row([
            "CIDs compared, and equal",
            &cids.compared.to_string(),
            &cids.equal.to_string(),
            "",
            "",
            &goal("all", cids.different.is_empty()),
        ]);
        for Speed { work, ours, kubo, synced } in &self.speeds {
            let ratio = ours / kubo;
            let both = match synced {
                Some(synced) => format!("{ratio:.2}, {:.2}", ours / synced),
                None => format!("{ratio:.2}"),
            };
            row([
                &format!("{}, MB/s", work.words()),
                &format!("{ours:.0}"),
                &format!("{kubo:.0}"),
                &synced.map(|synced| format!("{synced:.0}")).unwrap_or_default(),
                &both,
                &goal(&format!("≥ {}", work.goal()), ratio >= work.goal()),
            ]);
        }
        row([
            &format!("peak of the memory, {} MiB added and read, MB", scale.largest / MIB),
            &format!("{:.0}", memory.ours / 1e6),
            &format!("{:.0}", memory.kubo / 1e6),
            "",
            &format!("{:.2}", memory.ours / memory.kubo),
            &goal(&format!("≤ {:.0} MB", MEMORY_GOAL / 1e6), memory.ours <= MEMORY_GOAL),
        ]);
        row([
            "from the start to the first answer, ms",
            &format!("{:.0}", startup.ours),
            &format!("{:.0}", startup.kubo),
            "",
            &format!("{:.2}", startup.ours / startup.kubo),
            "",
        ]);
        if let [first, ..] = &cids.refused[..] {
            let count = cids.refused.len();
            table += &format!(
                "\nNot compared, as the store has no such form: {count} cases, the first {first}\n"
            );
        }
        table
    }

    /// Fails where a CID differs.
    pub fn verdict(&self) -> Result<()> {
        let Cids { compared, equal, different, .. } = &self.cids;
        if compared == equal && *compared > 0 {
            return Ok(());
        }
        Err(format!("{equal} of {compared} CIDs are equal:\n{}", different.join("\n")).into())
    }
}
