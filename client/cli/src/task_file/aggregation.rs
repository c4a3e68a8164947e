//! Tables `[aggregation]` and `[server]`.

use super::wrong;
use crate::units::{Decimal, Share};
use color_eyre::Result;
use decentralml_protocol::robust;
use decentralml_types::spec::{
    Adaptive, Aggregation, Before, COPY_COSINE, Counts, MILLION, Rule, ServerOptimizer,
    TrainerCount,
};
use serde::Deserialize;

/// How updates become one change.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    pub rule: RuleName,
    pub trim: Option<Share>,
    pub hostile: Option<u16>,
    pub kept: Option<u16>,
    pub steps: Option<u8>,
    pub radius: Option<Decimal>,
    pub norm_bound: Option<Decimal>,
    /// The cosine above which the later of two updates is a copy; `100 %` for equal ones only.
    pub copy_cosine: Option<Share>,
    /// Hostile updates that nearest-neighbor mixing bears.
    pub mixing: Option<u16>,
    /// Updates in a bucket.
    pub buckets: Option<u8>,
    pub counts: Option<CountsName>,
    pub cap: Option<u32>,
}

/// The names of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleName {
    Mean,
    #[serde(alias = "trimmed_mean")]
    TrimmedMean,
    Median,
    Krum,
    #[serde(alias = "multi_krum")]
    MultiKrum,
    Bulyan,
    #[serde(alias = "geometric_median")]
    GeometricMedian,
    #[serde(alias = "centered_clipping")]
    CenteredClipping,
}

/// What each update counts in a mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CountsName {
    Equal,
    Samples,
    FedNova,
}

/// Steps of the rules that approach their result, where the file gives none.
const GEOMETRIC_STEPS: u8 = 8;
const CLIPPING_STEPS: u8 = 3;

impl Aggregate {
    /// With the server's optimizer, for rounds of so many trainers.
    pub fn on_chain(self, server: Option<Server>, trainers: &TrainerCount) -> Result<Aggregation> {
        let before = self.before()?;
        let entering = robust::entering(before, trainers.min.into());
        Ok(Aggregation {
            norm_bound: self.norm_bound.map(|bound| bound.0),
            before,
            rule: self.rule(entering)?,
            counts: self.counts()?,
            server: match server {
                Some(server) => server.on_chain()?,
                None => ServerOptimizer::default(),
            },
            copy_cosine: self.copy_cosine.map_or(COPY_COSINE, |cosine| cosine.0),
        })
    }

    fn before(&self) -> Result<Before> {
        match (self.mixing, self.buckets) {
            (None, None) => Ok(Before::Nothing),
            (Some(hostile), None) => Ok(Before::NearestNeighbors { hostile }),
            (None, Some(size)) => Ok(Before::Buckets { size }),
            (Some(_), Some(_)) => {
                Err(wrong("[aggregation]: give either `mixing` or `buckets`, not both"))
            }
        }
    }

    /// For as many updates as reach it where only `trainers.min` are accepted.
    fn rule(&self, entering: u32) -> Result<Rule> {
        let Self { trim, hostile, kept, steps, radius, .. } = *self;
        let given = [
            ("trim", trim.is_some()),
            ("hostile", hostile.is_some()),
            ("kept", kept.is_some()),
            ("steps", steps.is_some()),
            ("radius", radius.is_some()),
        ];
        let (name, takes): (_, &[&str]) = match self.rule {
            RuleName::Mean => ("mean", &[]),
            RuleName::TrimmedMean => ("trimmed-mean", &["trim"]),
            RuleName::Median => ("median", &[]),
            RuleName::Krum => ("krum", &["hostile"]),
            RuleName::MultiKrum => ("multi-krum", &["hostile", "kept"]),
            RuleName::Bulyan => ("bulyan", &["hostile"]),
            RuleName::GeometricMedian => ("geometric-median", &["steps"]),
            RuleName::CenteredClipping => ("centered-clipping", &["radius", "steps"]),
        };
        refuse_others("aggregation", name, &given, takes)?;
        let hostile = || {
            hostile.ok_or_else(|| {
                wrong(format!("[aggregation]: `{name}` needs `hostile`, the updates to bear"))
            })
        };
        Ok(match self.rule {
            RuleName::Mean => Rule::Mean,
            RuleName::Median => Rule::Median,
            RuleName::TrimmedMean => {
                let needs = "[aggregation]: `trimmed-mean` needs `trim`, such as \"10 %\"";
                Rule::TrimmedMean { trim: trim.ok_or_else(|| wrong(needs))?.0 }
            }
            RuleName::Krum => Rule::Krum { hostile: hostile()? },
            RuleName::MultiKrum => {
                let hostile = hostile()?;
                let honest = entering.saturating_sub(hostile.into());
                let all = u16::try_from(honest).unwrap_or(u16::MAX);
                Rule::MultiKrum { hostile, kept: kept.unwrap_or(all) }
            }
            RuleName::Bulyan => Rule::Bulyan { hostile: hostile()? },
            RuleName::GeometricMedian => {
                Rule::GeometricMedian { steps: steps.unwrap_or(GEOMETRIC_STEPS) }
            }
            RuleName::CenteredClipping => {
                let needs = "[aggregation]: `centered-clipping` needs `radius`, about the length of an update";
                Rule::CenteredClipping {
                    radius: radius.ok_or_else(|| wrong(needs))?.0,
                    steps: steps.unwrap_or(CLIPPING_STEPS),
                }
            }
        })
    }

    fn counts(&self) -> Result<Counts> {
        match (self.counts.unwrap_or(CountsName::Equal), self.cap) {
            (CountsName::Equal, None) => Ok(Counts::Equal),
            (CountsName::Equal, Some(_)) => {
                Err(wrong("[aggregation]: `cap` belongs to the `counts` samples and fednova"))
            }
            (CountsName::Samples, Some(cap)) => Ok(Counts::Samples { cap }),
            (CountsName::FedNova, Some(cap)) => Ok(Counts::Nova { cap }),
            (_, None) => Err(wrong(
                "[aggregation]: these `counts` need a `cap` on the rows that a trainer may claim to have",
            )),
        }
    }
}

/// What the server makes of a round's change.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub optimizer: ServerName,
    pub rate: Option<Decimal>,
    pub momentum: Option<Decimal>,
    pub beta1: Option<Decimal>,
    pub beta2: Option<Decimal>,
    pub tau: Option<Decimal>,
}

/// The names of the server's optimizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerName {
    FedAvg,
    FedAvgM,
    FedAdagrad,
    FedAdam,
    FedYogi,
    DiLoCo,
}

impl Server {
    /// What is left out is as in the papers: momentum 0.9, betas 0.9 and 0.99, tau 0.001, and a rate of 1 for FedAvg and FedAvgM,
    /// 0.7 for DiLoCo and 0.01 for the others.
    fn on_chain(self) -> Result<ServerOptimizer> {
        let Self { rate, momentum, beta1, beta2, tau, .. } = self;
        let given = [
            ("momentum", momentum.is_some()),
            ("beta1", beta1.is_some()),
            ("beta2", beta2.is_some()),
            ("tau", tau.is_some()),
        ];
        let adaptive: &[&str] = &["beta1", "beta2", "tau"];
        let (name, takes, usual): (_, &[&str], u32) = match self.optimizer {
            ServerName::FedAvg => ("fedavg", &[], MILLION),
            ServerName::FedAvgM => ("fedavgm", &["momentum"], MILLION),
            ServerName::FedAdagrad => ("fedadagrad", &["beta1", "tau"], 10_000),
            ServerName::FedAdam => ("fedadam", adaptive, 10_000),
            ServerName::FedYogi => ("fedyogi", adaptive, 10_000),
            ServerName::DiLoCo => ("diloco", &["momentum"], 700_000),
        };
        refuse_others("server", name, &given, takes)?;
        let number = |given: Option<Decimal>, usual| given.map_or(usual, |given| given.0);
        let rate = number(rate, usual);
        let momentum = number(momentum, 900_000);
        let numbers = Adaptive {
            rate,
            beta1: number(beta1, 900_000),
            // Adagrad does not use it.
            beta2: if self.optimizer == ServerName::FedAdagrad {
                0
            } else {
                number(beta2, 990_000)
            },
            tau: number(tau, 1_000),
        };
        Ok(match self.optimizer {
            ServerName::FedAvg => ServerOptimizer::FedAvg { rate },
            ServerName::FedAvgM => ServerOptimizer::FedAvgM { rate, momentum },
            ServerName::FedAdagrad => ServerOptimizer::FedAdagrad(numbers),
            ServerName::FedAdam => ServerOptimizer::FedAdam(numbers),
            ServerName::FedYogi => ServerOptimizer::FedYogi(numbers),
            ServerName::DiLoCo => ServerOptimizer::DiLoCo { rate, momentum },
        })
    }
}

/// Refuses what is given and does not belong to what was chosen: it would be ignored.
fn refuse_others(table: &str, chosen: &str, given: &[(&str, bool)], takes: &[&str]) -> Result<()> {
    match given.iter().find(|(name, given)| *given && !takes.contains(name)) {
        Some((name, _)) => {
            Err(wrong(format!("[{table}]: `{name}` does not belong to {chosen}: leave it out")))
        }
        None => Ok(()),
    }
}
