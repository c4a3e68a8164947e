//! What is tried: cells of the table, and how large they are.

use decentralml_learning::data::Partition;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What hostile trainers send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attack {
    /// Nobody is hostile: what the others are compared with.
    None,
    /// The opposite of the own honest change.
    SignFlip,
    /// The same, [`SCALE`](crate::cell::SCALE) times as long.
    ScaledSignFlip,
    /// The change after training with label `classes − 1 − label` in place of each label.
    LabelFlip,
    /// Normal noise as long as the own honest change.
    Gaussian,
    /// "A little is enough": the honest mean less as many standard deviations as a majority hides (Baruch et al. 2019).
    Alie,
    /// Half of the honest mean, turned around (Xie, Koyejo and Gupta 2020).
    InnerProduct,
    /// As far from the honest mean as honest updates lie apart (Shejwalkar and Houmansadr 2021).
    MinMax,
    /// The change after training with a mark on half of the rows, which are labeled 0.
    Backdoor,
    /// An update that changes nothing.
    ZeroUpdate,
    /// The honest update of the first round, again and again.
    Replay,
    /// The update of an honest trainer of the same round, to the byte, committed to after it: what a leak allows.
    Copy,
    /// The same, committed to before its author's: what a leak allows whoever is faster.
    Theft,
    /// Honest for the first half of the rounds, then sign flips.
    Sleeper,
    /// The same, but for one of them, whose update is then as harmful as it can be: it is rejected, for the others' sake.
    Sacrifice,
    /// Honest for the first half of the rounds, then next to nothing: the honest change, [`IDLE`](crate::cell::IDLE) times as long.
    Idle,
    /// One of these attacks each.
    Mixed,
}

/// What hostile seats do. Others commit to the scores that they have measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seats {
    /// None is hostile.
    Honest,
    /// They say random scores of the size of true ones.
    Random,
    /// They say the opposite of the true scores.
    Inverted,
    /// They commit to what an honest seat has committed to, and cannot open it.
    Copy,
    /// They say the highest score of hostile trainers, the lowest of all others.
    Collude,
    /// They enroll and do nothing more.
    Absent,
}

/// How rows are divided among trainers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Division {
    /// At random, in equal parts.
    Iid,
    /// Labels by Dirichlet(0.5).
    Dirichlet05,
    /// Labels by Dirichlet(0.1).
    Dirichlet01,
}

/// How much longer a scaled sign flip is.
pub const SCALE: f64 = 5.0;

/// How much longer an update is that is sacrificed.
pub const WORST: f64 = 25.0;

/// How much of a change idlers send: little, and no update of zeros.
pub const IDLE: f64 = 0.02;

/// Rows that each trainer has at least.
const LEAST: usize = 10;

impl Attack {
    /// All of them, the clean run first.
    pub const ALL: [Self; 17] = [
        Self::None,
        Self::SignFlip,
        Self::ScaledSignFlip,
        Self::LabelFlip,
        Self::Gaussian,
        Self::Alie,
        Self::InnerProduct,
        Self::MinMax,
        Self::Backdoor,
        Self::ZeroUpdate,
        Self::Replay,
        Self::Copy,
        Self::Theft,
        Self::Sleeper,
        Self::Sacrifice,
        Self::Idle,
        Self::Mixed,
    ];

    /// What [`Attack::Mixed`] deals to hostile trainers, one after the other.
    pub const MIX: [Self; 8] = [
        Self::SignFlip,
        Self::Alie,
        Self::ZeroUpdate,
        Self::LabelFlip,
        Self::Gaussian,
        Self::Copy,
        Self::Replay,
        Self::Backdoor,
    ];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SignFlip => "sign-flip",
            Self::ScaledSignFlip => "scaled-sign-flip",
            Self::LabelFlip => "label-flip",
            Self::Gaussian => "gaussian",
            Self::Alie => "alie",
            Self::InnerProduct => "inner-product",
            Self::MinMax => "min-max",
            Self::Backdoor => "backdoor",
            Self::ZeroUpdate => "zero-update",
            Self::Replay => "replay",
            Self::Copy => "copy",
            Self::Theft => "theft",
            Self::Sleeper => "sleeper",
            Self::Sacrifice => "sacrifice",
            Self::Idle => "idle",
            Self::Mixed => "mixed",
        }
    }
}

impl Seats {
    /// All ways of being hostile.
    pub const HOSTILE: [Self; 5] =
        [Self::Random, Self::Inverted, Self::Copy, Self::Collude, Self::Absent];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::Random => "seats-random",
            Self::Inverted => "seats-inverted",
            Self::Copy => "seats-copy",
            Self::Collude => "seats-collude",
            Self::Absent => "seats-absent",
        }
    }
}

impl Division {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Iid, Self::Dirichlet05, Self::Dirichlet01];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iid => "iid",
            Self::Dirichlet05 => "dirichlet-0.5",
            Self::Dirichlet01 => "dirichlet-0.1",
        }
    }

    pub(crate) const fn partition(self) -> Partition {
        match self {
            Self::Iid => Partition::Iid,
            Self::Dirichlet05 => Partition::Dirichlet { alpha: 0.5, minimum: LEAST },
            Self::Dirichlet01 => Partition::Dirichlet { alpha: 0.1, minimum: LEAST },
        }
    }
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// How rows are divided.
    pub division: Division,
    /// What hostile trainers send.
    pub attack: Attack,
    /// What hostile seats do.
    pub seats: Seats,
    /// How many of the trainers are hostile, in percent; 0 in the clean run.
    pub percent: u32,
}

impl Cell {
    /// What the run of this division without attackers is.
    pub const fn clean(division: Division) -> Self {
        Self { division, attack: Attack::None, seats: Seats::Honest, percent: 0 }
    }

    /// What it is called, in files too.
    pub fn name(&self) -> String {
        let Self { division, attack, seats, percent } = self;
        let seats = match seats {
            Seats::Honest => String::new(),
            hostile => format!("-{}", hostile.name()),
        };
        format!("{}-{}{seats}-{percent}", division.name(), attack.name())
    }

    /// The file of its result. Its name says which settings and rows it has come from, and so whether it is that of this cell.
    pub fn file(&self, scale: &Scale, rows: &str) -> String {
        let settings = format!("{VERSION} {self:?} {scale:?} {rows}");
        let digest: String =
            Sha256::digest(settings).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{digest}.json", self.name())
    }
}

/// Changes with what a cell does: results of another version are not taken for this one's.
const VERSION: u32 = 3;

/// Shares of hostile trainers, in percent.
pub const SHARES: [u32; 3] = [10, 20, 40];

/// The share for which the goals are set, and that of trainers beside hostile seats, in percent.
pub const MIDDLE: u32 = 20;

/// The whole table: per division the clean run, every attack at every share, and every kind of hostile seats beside sign flips.
pub fn cells() -> Vec<Cell> {
    let per_division = |division| {
        let clean = [Cell::clean(division)];
        let attacks = Attack::ALL.into_iter().skip(1).flat_map(move |attack| {
            SHARES.map(|percent| Cell { division, attack, seats: Seats::Honest, percent })
        });
        let seats = Seats::HOSTILE.into_iter().flat_map(move |seats| {
            SHARES.map(|percent| Cell { division, attack: Attack::SignFlip, seats, percent })
        });
        clean.into_iter().chain(attacks).chain(seats)
    };
    let mut cells: Vec<Cell> = Division::ALL.into_iter().flat_map(per_division).collect();
    // What is compared with comes first, then what the goals are set for: a run that is stopped leaves what says most.
    cells.sort_by_key(|cell| (cell.percent != 0, cell.percent != MIDDLE));
    cells
}

/// One small cell of each attack: what must always hold is seen in seconds.
pub fn small_cells() -> Vec<Cell> {
    let division = Division::Dirichlet05;
    let at = |attack, seats| Cell { division, attack, seats, percent: MIDDLE };
    let attacks = Attack::ALL.into_iter().skip(1).map(|attack| at(attack, Seats::Honest));
    let seats = Seats::HOSTILE.into_iter().map(|seats| at(Attack::SignFlip, seats));
    [Cell::clean(division)].into_iter().chain(attacks).chain(seats).collect()
}

/// How large a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Trainers that are enrolled, and drawn in every round.
    pub trainers: u16,
    /// Seats of the committee, and evaluators that are enrolled.
    pub seats: u8,
    /// Hostile ones among them, in cells that have some.
    pub hostile_seats: u8,
    /// Rounds to settle.
    pub rounds: u32,
    /// Neurons of the model's hidden layer.
    pub hidden: u32,
    /// Rows of all trainers together.
    pub training_rows: usize,
    /// Rows that the committee scores on.
    pub scoring_rows: usize,
    /// Rows on which accuracy is told, at most; no participant sees them.
    pub test_rows: usize,
    /// Passes over the own rows in a round.
    pub epochs: u16,
    /// Rows in a batch.
    pub batch: u16,
    /// What everything that is drawn follows from.
    pub seed: u64,
}

impl Scale {
    /// That of the table.
    pub const fn whole() -> Self {
        Self {
            trainers: 20,
            seats: 7,
            hostile_seats: 2,
            rounds: 20,
            hidden: 16,
            training_rows: 3_000,
            scoring_rows: 500,
            test_rows: 10_000,
            epochs: 2,
            batch: 16,
            seed: 1,
        }
    }

    /// That of tests: more updates than are valued exactly, and little else.
    pub const fn small() -> Self {
        Self {
            trainers: 10,
            rounds: 4,
            hidden: 8,
            training_rows: 1_000,
            scoring_rows: 150,
            test_rows: 500,
            ..Self::whole()
        }
    }

    /// How many trainers are hostile.
    pub fn hostile(&self, percent: u32) -> usize {
        (usize::from(self.trainers) * percent as usize).div_ceil(100)
    }

    /// The model, the rows and the protocol in a sentence.
    pub fn told(&self, rows: &str, features: usize) -> String {
        format!(
            "{} trainers, {} seats, {} rounds; {rows}: {} rows to train on, {} to score on; MLP {features}-{}-10, {} epochs, \
             batch {}, SGD 0.1 with momentum 0.9, 16-bit updates, mean; seed {}",
            self.trainers,
            self.seats,
            self.rounds,
            self.training_rows,
            self.scoring_rows,
            self.hidden,
            self.epochs,
            self.batch,
            self.seed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_has_every_attack_at_every_share_and_no_cell_twice() {
        let cells = cells();
        let names: BTreeSet<String> = cells.iter().map(Cell::name).collect();
        assert_eq!(names.len(), cells.len());
        assert_eq!(cells.len(), 3 * (1 + 16 * 3 + 5 * 3));
        assert!(cells[..3].iter().all(|cell| cell.percent == 0), "clean runs come first");
        let small: BTreeSet<&str> = small_cells().iter().map(|cell| cell.attack.name()).collect();
        assert_eq!(small.len(), Attack::ALL.len());
    }

    #[test]
    fn every_cell_and_all_settings_have_a_file_of_their_own() {
        let (scale, other) = (Scale::whole(), Scale { epochs: 3, ..Scale::whole() });
        let settings = [(&scale, "a"), (&other, "a"), (&scale, "b")];
        let files = cells().into_iter().flat_map(|cell| {
            let file = move |(scale, rows): (&Scale, &str)| cell.file(scale, rows);
            settings.map(file)
        });
        let files: BTreeSet<String> = files.collect();
        assert_eq!(files.len(), 3 * cells().len());
        assert!(files.iter().all(|file| file.ends_with(".json")));
    }

    #[test]
    fn shares_are_whole_trainers() {
        assert_eq!(SHARES.map(|percent| Scale::whole().hostile(percent)), [2, 4, 8]);
    }
}
