//! `decentralml task create`.

mod named;

use crate::{
    context::Context,
    exit::{Kind, problem},
    output::{Out, pairs},
    task_file::{Model, Stored, TaskFile},
    units::{Amount, Share, tokens},
};
use clap::Args;
use color_eyre::Result;
use decentralml_learning::ModelSpec;
use decentralml_protocol::payoff;
use decentralml_sdk::{Chain, Constants, Included, Properties, Signer, Wait, call, random_32};
use decentralml_storage::{Storage, unixfs};
use decentralml_types::{Asset, Balance, Cid, Parameters, Role, TaskId, TaskSpec};
use serde::Serialize;
use std::{io, path::PathBuf};

/// Create a task from a file and pay for all its rounds in advance.
///
/// The model and the validation set go into the store, the rest onto the chain. Nothing is stored or paid before the
/// whole description has been checked, what it names by CID included. The sponsor gets back what is not earned.
#[derive(Args, Debug)]
pub struct Opts {
    /// The task file; client/cli/examples/digits.toml explains every key.
    file: PathBuf,
    /// Another name than the file's.
    #[arg(long)]
    name: Option<String>,
    /// Another license (SPDX identifier) than the file's.
    #[arg(long)]
    license: Option<String>,
    /// Another number of rounds than the file's.
    #[arg(long)]
    rounds: Option<u32>,
    /// Another target than the file's, such as `95 %`.
    #[arg(long)]
    target: Option<Share>,
    /// Another reward per round than the file's, such as `10 DML`.
    #[arg(long, value_name = "AMOUNT")]
    reward: Option<Amount>,
    /// Another validation set (CSV) than the file's.
    #[arg(long, value_name = "FILE")]
    validation: Option<PathBuf>,
    /// Another model (TOML or JSON) than the file's.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Check everything and say what it costs; store and pay nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Opts {
    /// The file with what the flags change in it.
    fn task_file(self) -> Result<TaskFile> {
        let mut file = TaskFile::read(&self.file)?;
        file.name = self.name.unwrap_or(file.name);
        file.license = self.license.unwrap_or(file.license);
        file.rounds = self.rounds.unwrap_or(file.rounds);
        file.target = self.target.or(file.target);
        file.terms.reward_per_round = self.reward.unwrap_or(file.terms.reward_per_round);
        if let Some(path) = self.validation {
            file.validation.file = Some(path);
            file.validation.cid = None;
        }
        if let Some(path) = self.model {
            file.model = Model::in_file(path);
        }
        Ok(file)
    }
}

/// What a task costs its sponsor: what rounds pay in the smallest unit of what the task pays in, all else in planck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// What one round pays at most: the reward and a fee for every seat.
    pub round: Balance,
    /// What all rounds pay at most.
    pub rounds: Balance,
    /// What the chain keeps for the calls of one attempt at a round, which are free for those who make them.
    pub charge: Balance,
    /// That for all attempts: what is not used comes back.
    pub charges: Balance,
    /// What the task pays in.
    pub asset: Asset,
    /// Of an asset that is not native: stays in the task's account until the end, then comes back.
    pub minimum: Balance,
    /// Stays in the task's account until the end, then comes back.
    pub existential_deposit: Balance,
    /// Held from the sponsor for storage until the task is reaped.
    pub deposit: Balance,
}

impl Cost {
    fn of(spec: &TaskSpec, constants: &Constants, minimum: Balance) -> Self {
        // The protocol's check has refused specs whose cost does not fit.
        let round = spec.round_pay().unwrap_or(Balance::MAX);
        let charge = spec.round_charge(constants.call_price).unwrap_or(Balance::MAX);
        let rounds = round.saturating_mul(spec.rounds.into());
        let charges = charge.saturating_mul(spec.attempts().into());
        Self {
            round,
            rounds,
            charge,
            charges,
            asset: spec.terms.asset,
            minimum,
            existential_deposit: constants.existential_deposit,
            deposit: constants.deposit(spec.rows()),
        }
    }

    /// What leaves the sponsor's account at creation in native tokens, beside the transaction's fee and what is held as a deposit.
    pub fn escrow(self) -> Balance {
        let pay = if self.asset.is_native() { self.rounds } else { 0 };
        pay.saturating_add(self.charges).saturating_add(self.existential_deposit)
    }

    /// What leaves the sponsor's account at creation in another asset. It has to keep the asset's minimum.
    fn in_asset(self) -> Balance {
        if self.asset.is_native() { 0 } else { self.rounds.saturating_add(self.minimum) }
    }

    /// What the sponsor needs at creation in native tokens, beside the transaction's fee.
    fn needed(self) -> Balance {
        self.escrow().saturating_add(self.deposit)
    }
}

/// Refuses bonds below the least that the chain lets anybody bond, and terms with which honest work is not worth its risk.
fn check_terms(spec: &TaskSpec, parameters: &Parameters, token: &Properties) -> Result<()> {
    for (name, role, bond) in [
        ("trainer_bond", Role::Trainer, spec.terms.trainer_bond),
        ("evaluator_bond", Role::Evaluator, spec.terms.evaluator_bond),
    ] {
        let least = parameters.min_bond(role);
        if bond < least {
            return Err(problem(
                Kind::Usage,
                format!(
                    "[terms] `{name}` is {}, but on this chain a bond is {} at least; raise it",
                    tokens(bond, token),
                    tokens(least, token)
                ),
            ));
        }
    }
    payoff::check_terms(spec, &parameters.penalties)
        .map_err(|violation| problem(Kind::Usage, format!("[terms] {violation}")))
}

/// A task that is ready to be created.
pub struct Draft {
    pub spec: TaskSpec,
    pub cost: Cost,
    /// How what rounds pay is written.
    unit: Properties,
    model: ModelSpec,
    /// What the store has to have before the task is created.
    files: Vec<(Cid, Vec<u8>)>,
}

/// Checks a task file and puts the spec together; nothing is stored yet.
pub async fn draft(file: &TaskFile, chain: &Chain) -> Result<Draft> {
    let model = file.model_spec()?;
    let layers = model.to_canonical_json()?;
    let mut files = vec![(cid(&layers)?, layers)];
    let validation_set = match (file.validation_rows()?, file.validation.cid) {
        (Some(rows), _) => {
            let cid = cid(&rows)?;
            files.push((cid, rows));
            cid
        }
        (None, Some(cid)) => cid,
        // `validation_rows` has refused a file that names neither.
        (None, None) => return Err(problem(Kind::Usage, "[validation]: nothing is given")),
    };
    let stored =
        Stored { model: files.first().map_or(validation_set, |(cid, _)| *cid), validation_set };
    let random = random_32()
        .ok_or_else(|| problem(Kind::Other, "the operating system gave no random bytes"))?;
    let (unit, minimum) = paid_in(file.terms.asset.0, chain).await?;
    let spec = file.spec(&model, stored, random, chain.properties(), &unit)?;
    let constants = chain.constants().await?;
    let parameters = chain.best().await?.parameters().await?;
    check_terms(&spec, &parameters, chain.properties())?;
    let cost = Cost::of(&spec, &constants, minimum);
    Ok(Draft { spec, cost, unit, model, files })
}

/// How amounts of an asset are written, and its minimum, which only counts where it is not native.
async fn paid_in(asset: Asset, chain: &Chain) -> Result<(Properties, Balance)> {
    let Asset::Id(id) = asset else { return Ok((chain.properties().clone(), 0)) };
    let record = chain.best().await?.asset(id).await?.ok_or_else(|| {
        let text = format!(
            "[terms] `asset`: there is no asset {id} on this chain; `decentralml asset list` shows those that there are"
        );
        problem(Kind::Usage, text)
    })?;
    Ok((record.unit(chain.properties()), record.minimum))
}

/// Refuses what the sponsor cannot pay, with what is missing.
async fn check_funds(cost: Cost, unit: &Properties, chain: &Chain, signer: &Signer) -> Result<()> {
    let (view, token, who) = (chain.finalized().await?, chain.properties(), signer.account());
    let mut parts = vec![(cost.needed(), view.balance(&who).await?.free, token)];
    if let Asset::Id(id) = cost.asset {
        // Who pays keeps the minimum.
        let needed = cost.in_asset().saturating_add(cost.minimum);
        parts.push((needed, view.asset_balance(id, &who).await?, unit));
    }
    match parts.into_iter().find(|(needed, has, _)| has < needed) {
        None => Ok(()),
        Some((needed, has, unit)) => Err(problem(
            Kind::Refused,
            format!(
                "the task takes {} in advance and {who} has {}; fund the account, or lower `rounds`, `reward_per_round` or \
                 `fee_per_seat`",
                tokens(needed, unit),
                tokens(has, unit),
            ),
        )),
    }
}

impl Draft {
    /// Puts the files into the store and the task onto the chain; waits until it is final.
    pub async fn create(
        self,
        storage: &Storage,
        chain: &Chain,
        signer: &Signer,
    ) -> Result<(TaskId, Included)> {
        for (cid, bytes) in self.files {
            let added = storage.add(bytes).await?;
            debug_assert_eq!(added.cid, cid, "the canonical form is the same in both places");
        }
        let included = chain.submit(signer, &call::create_task(self.spec), Wait::Finalized).await?;
        let task = included.created_task().ok_or_else(|| {
            problem(Kind::Refused, "the chain took the call and tells of no task that it created")
        })?;
        Ok((task, included))
    }
}

/// The CID under which the store will keep these bytes.
fn cid(bytes: &[u8]) -> Result<Cid> {
    Ok(unixfs::import(bytes, |_| Ok::<(), io::Error>(()))?.cid)
}

#[derive(Serialize)]
struct Created {
    /// `None` in a dry run.
    task: Option<TaskId>,
    spec: TaskSpec,
    cost: Cost,
    fee: Option<Balance>,
}

/// Creates the task and says what it costs.
pub async fn run(opts: Opts, context: &Context, out: &mut Out<'_>) -> Result<()> {
    let dry_run = opts.dry_run;
    let file = opts.task_file()?;
    let chain = context.chain().await?;
    let draft = draft(&file, &chain).await?;
    let (spec, cost, token) = (draft.spec.clone(), draft.cost, chain.properties());
    let unit = draft.unit.clone();
    if file.weights.is_some() || file.validation.cid.is_some() {
        named::check(&file, &draft, &context.storage().await?).await?;
    }
    if dry_run {
        let created = Created { task: None, spec, cost, fee: None };
        return out.result(&created, |created| people(created, token, &unit));
    }
    let signer = context.signer()?;
    check_funds(cost, &unit, &chain, &signer).await?;
    let storage = context.storage().await?;
    let waiting = crate::context::spinner("waiting until the task is final …");
    let (task, included) = draft.create(&storage, &chain, &signer).await?;
    waiting.finish_and_clear();
    let created = Created { task: Some(task), spec, cost, fee: Some(included.fee) };
    out.result(&created, |created| people(created, token, &unit))
}

fn people(created: &Created, token: &Properties, unit: &Properties) -> String {
    let Created { task, spec, cost, fee } = created;
    let mut rows = Vec::new();
    if let Some(task) = task {
        rows.push(("task", task.to_string()));
    }
    rows.extend([
        ("name", String::from_utf8_lossy(&spec.name).into_owned()),
        ("model", spec.model.to_string()),
        ("validation set", spec.validation_set.to_string()),
        ("a round pays", format!("at most {}", tokens(cost.round, unit))),
        ("all rounds pay", format!("at most {} for {}", tokens(cost.rounds, unit), spec.rounds)),
    ]);
    if cost.charge > 0 {
        let (one, all) = (tokens(cost.charge, token), tokens(cost.charges, token));
        rows.push(("a round's calls", format!("{one}, kept by the chain once the round starts")));
        rows.push(("all calls", format!("at most {all}, repeated rounds included")));
    }
    rows.extend([
        (
            "in the account",
            format!("{}, returned at the end", tokens(cost.existential_deposit, token)),
        ),
        ("deposit", format!("{}, returned at the end", tokens(cost.deposit, token))),
        ("in advance", tokens(cost.needed(), token)),
    ]);
    if cost.in_asset() > 0 {
        let kept = tokens(cost.minimum, unit);
        let all = tokens(cost.in_asset(), unit);
        rows.push(("and", format!("{all}, of which {kept} stay in the account until the end")));
    }
    if let Some(fee) = fee {
        rows.push(("fee", tokens(*fee, token)));
    }
    let end = match task {
        Some(task) => format!("\n\nFollow it with `decentralml task watch {task}`."),
        None => "\n\nNothing was stored or paid: this was a dry run.".to_owned(),
    };
    pairs(&rows) + &end
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn constants() -> Constants {
        Constants {
            existential_deposit: 1_000,
            deposit_base: 100,
            deposit_per_row: 7,
            call_price: 2,
            unbonding_period: 5,
        }
    }

    fn parameters() -> Parameters {
        Parameters {
            min_trainer_bond: 10,
            min_evaluator_bond: 20,
            min_validator_bond: 30,
            penalties: decentralml_protocol::slashing::TABLE,
            appeal_bond: 5,
            appeal_percent: 10,
            appeal_costs: 1,
            challenge_bond: 50,
            answer_price: 15,
        }
    }

    #[test]
    fn the_cost_is_every_reward_and_every_fee() {
        let spec = decentralml_protocol::spec::example();
        let cost = Cost::of(&spec, &constants(), 0);
        let round = spec.terms.reward_per_round + 3 * spec.terms.fee_per_seat;
        assert_eq!((cost.round, cost.rounds), (round, 15 * round));
        assert_eq!(cost.charge, 2 * Balance::from(spec.free_calls()));
        assert_eq!(cost.charges, 15 * 4 * cost.charge);
        assert_eq!(cost.escrow(), 15 * round + cost.charges + 1_000);
        assert_eq!(cost.needed(), cost.escrow() + 100 + 7 * Balance::from(spec.rows()));
    }

    #[test]
    fn what_is_paid_in_an_asset_is_not_paid_in_native_tokens() {
        let mut spec = decentralml_protocol::spec::example();
        spec.terms.asset = Asset::Id(7);
        let cost = Cost::of(&spec, &constants(), 30);
        assert_eq!(cost.escrow(), cost.charges + 1_000);
        assert_eq!(cost.in_asset(), cost.rounds + 30);
        let token = Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 };
        let unit = Properties { symbol: "LAB".to_owned(), ..token.clone() };
        let text = people(&Created { task: None, spec, cost, fee: None }, &token, &unit);
        assert!(text.contains(&tokens(cost.in_asset(), &unit)), "{text}");
        assert!(text.contains("30 LAB stay in the account"), "{text}");
    }

    #[test]
    fn a_bond_below_the_chains_minimum_is_refused_with_the_minimum() {
        let token = Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 };
        let mut spec = decentralml_protocol::spec::example();
        spec.terms.trainer_bond = 10;
        spec.terms.evaluator_bond = 20;
        check_terms(&spec, &parameters(), &token).unwrap();
        spec.terms.evaluator_bond = 19;
        let error = check_terms(&spec, &parameters(), &token).unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
        assert!(error.to_string().contains("`evaluator_bond` is 19 DML"), "{error}");
        assert!(error.to_string().contains("20 DML at least"), "{error}");
    }

    #[test]
    fn terms_that_do_not_pay_for_the_risk_of_honest_work_are_refused_with_what_to_change() {
        let token = Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 };
        let mut spec = decentralml_protocol::spec::example();
        spec.terms.reward_per_round = spec.terms.trainer_bond / 100;
        let error = check_terms(&spec, &parameters(), &token).unwrap_err();
        assert_eq!(crate::exit::kind(&error), Kind::Usage);
        assert!(error.to_string().contains("raise the reward, or lower the bond"), "{error}");
    }

    #[test]
    fn people_are_told_of_charges_where_there_are_any() {
        let token = Properties { symbol: "DML".to_owned(), decimals: 0, ss58: 42 };
        let spec = decentralml_protocol::spec::example();
        let cost = Cost { charge: 5, charges: 60, ..Cost::of(&spec, &constants(), 0) };
        let text = |cost| {
            people(&Created { task: None, spec: spec.clone(), cost, fee: None }, &token, &token)
        };
        assert!(text(cost).contains("at most 60 DML, repeated rounds included"));
        assert!(!text(Cost { charge: 0, charges: 0, ..cost }).contains("calls"));
        assert!(text(cost).contains(&tokens(cost.needed(), &token)));
    }

    const EXAMPLE: &str = include_str!("../../../examples/digits.toml");

    fn opts(file: PathBuf) -> Opts {
        Opts {
            file,
            name: None,
            license: None,
            rounds: None,
            target: None,
            reward: None,
            validation: None,
            model: None,
            dry_run: true,
        }
    }

    #[test]
    fn flags_come_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.toml");
        std::fs::write(&file, EXAMPLE).unwrap();
        let opts = Opts {
            name: Some("other".to_owned()),
            rounds: Some(3),
            target: Some("90 %".parse().unwrap()),
            reward: Some("1 planck".parse().unwrap()),
            model: Some("m.toml".into()),
            ..opts(file)
        };
        let task = opts.task_file().unwrap();
        assert_eq!((task.name.as_str(), task.rounds), ("other", 3));
        assert_eq!(task.license, "Apache-2.0");
        assert_eq!(task.target, Some(Share(900_000)));
        assert_eq!(task.validation.file, Some(folder.path().join("validation.csv")));
        assert!(task.model.layers.is_none() && task.model.file.is_some());
    }
    #[test]
    fn another_model_takes_the_place_of_whatever_the_file_has() {
        let folder = tempfile::tempdir().unwrap();
        let (file, model) = (folder.path().join("t.toml"), folder.path().join("m.toml"));
        let layers = "version = 1\ninput = [64]\nlayers = [{ dense = { units = 10 } }]\n";
        std::fs::write(&model, layers).unwrap();
        let (head, rest) = EXAMPLE.split_once("[model]").unwrap();
        let (_, tail) = rest.split_once("[training]").unwrap();
        for table in [
            "name = \"mlp\"",
            "name = \"mlp\"\ninput = [64]",
            "task = \"classification\"\ninput = [64]\nlayers = [{ dense = { units = 10 } }]",
            "file = \"none.toml\"",
        ] {
            let text = format!("{head}[model]\n{table}\n[training]{tail}");
            std::fs::write(&file, text).unwrap();
            let opts = Opts { model: Some(model.clone()), ..opts(file.clone()) };
            let spec = opts.task_file().unwrap().model_spec().unwrap();
            assert_eq!(spec.parameter_count(), 650, "{table}");
        }
    }
}
