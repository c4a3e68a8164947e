//! What must not show: secrets in the logs of workers, which say all that they can, and on the command lines of processes.

use anyhow::{Context, Result, ensure};
use decentralml_sdk::{Signer, encryption};
use decentralml_storage::{Storage, StoreToken, seal::SecretKey};
use decentralml_tests::{
    LONG, Process, SPONSOR, System, free_port, logs, run_json, stop, wait_until,
};
use decentralml_types::{Phase, TaskId, TaskStatus};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    ops::RangeInclusive,
    path::PathBuf,
    time::Duration,
};

const PASSPHRASE: &str = "nine lives of a correct horse";
const TOKEN: &str = "store-token-0f3c9a5e71d24b68";

/// Generations of an account's encryption key that are looked for; a worker uses the first.
const GENERATIONS: u32 = 2;

/// Longer than everything that is looked for: what a reading of a log begins with of the one before.
const OVERLAP: u64 = 4_096;

/// How often logs and processes are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Somebody with a key of the keystore.
struct Person {
    name: String,
    phrase: String,
    signer: Signer,
}

fn person(system: &System, role: &str, number: usize) -> Result<Person> {
    let name = format!("{role}-{number}");
    let mut command = system.command(SPONSOR)?;
    for (key, value) in keys(system) {
        command.env(key, value);
    }
    let made = run_json(command.args(["account", "new", &name]))?;
    let phrase = made["phrase"].as_str().context("a phrase")?.to_owned();
    let signer = Signer::from_uri(&phrase)?;
    ensure!(made["account"] == signer.account().to_string(), "{made}");
    Ok(Person { name, phrase, signer })
}

fn keys(system: &System) -> Vec<(String, String)> {
    let path = |name: &str| system.folder().join(name).display().to_string();
    [("DECENTRALML_KEYSTORE", path("keys")), ("DECENTRALML_PASSPHRASE_FILE", path("passphrase"))]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec()
}

fn state(system: &System, person: &Person) -> PathBuf {
    system.folder().join("state").join(&person.name)
}

fn log(system: &System, name: &str) -> PathBuf {
    system.folder().join(format!("{name}.log"))
}

/// Everything at the most verbose level. The first of each role opens its key with the passphrase and takes the token from a file, the
/// others have both in the environment.
fn worker(system: &System, person: &Person, task: TaskId, store: &str) -> Result<Process> {
    let (role, number) = person.name.split_once('-').context("a role and a number")?;
    let file = |name: &str| system.folder().join(name).display().to_string();
    let mut environment: Vec<_> = [
        ("DECENTRALML_CHAIN", system.chain.url().to_owned()),
        ("DECENTRALML_STORE", store.to_owned()),
        ("DECENTRALML_STATE", state(system, person).display().to_string()),
        ("DECENTRALML_CONFIG", "/dev/null".to_owned()),
        ("DECENTRALML_LOG", "trace".to_owned()),
        ("RUST_BACKTRACE", "full".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec();
    let own = match number {
        "1" => {
            environment.extend(keys(system));
            [("ACCOUNT", person.name.clone()), ("STORE_TOKEN_FILE", file("token"))]
        }
        _ => [("SURI", person.phrase.clone()), ("STORE_TOKEN", TOKEN.to_owned())],
    };
    environment.extend(own.map(|(key, value)| (format!("DECENTRALML_{key}"), value)));
    let mut arguments = vec![role.to_owned(), "run".to_owned(), "--task".to_owned()];
    arguments.push(task.to_string());
    if role == "trainer" {
        let rows = file(&format!("data/trainer-{number}.csv"));
        arguments.extend(["--data", &rows, "--classes", "10"].map(str::to_owned));
    }
    Process::start("decentralml", arguments, environment, &log(system, &person.name))
}

/// Starts a store that asks for the token.
async fn store(system: &System) -> Result<(Process, Storage, String)> {
    let address = format!("127.0.0.1:{}", free_port()?);
    let path = |name: &str| system.folder().join(name).display().to_string();
    let [blocks, token] = [path("guarded"), path("token")];
    let place = ["ipfs", "daemon", "--listen", &address, "--folder", &blocks];
    let arguments = place.into_iter().chain(["--token-file", &token, "--log", "trace"]);
    let arguments = arguments.map(str::to_owned).collect();
    let process = Process::start("decentralml", arguments, Vec::new(), &log(system, "store"))?;
    let (url, token) = (format!("http://{address}"), StoreToken::new(TOKEN)?);
    let storage = wait_until("the store", LONG, async || {
        Ok(Some(Storage::connect_as(&url, Some(&token), Default::default()).await?))
    })
    .await?;
    Ok((process, storage, url))
}

/// What is looked for, by what it is: texts, and bytes as logs write them.
#[derive(Default)]
struct Secrets(BTreeMap<String, Vec<String>>);

impl Secrets {
    fn text(&mut self, what: String, text: &str) {
        self.bytes(what.clone(), text.as_bytes());
        self.0.entry(what).or_default().push(text.to_owned());
    }

    fn bytes(&mut self, what: String, bytes: &[u8]) {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
        let forms = [digits.to_uppercase(), digits, numbers.join(", "), numbers.join(",")];
        self.0.entry(what).or_default().extend(forms);
    }

    /// What of it is in a text.
    fn found_in(&self, text: &str) -> Vec<&str> {
        let shows = |forms: &Vec<String>| forms.iter().any(|form| text.contains(form));
        self.0.iter().filter(|(_, forms)| shows(forms)).map(|(what, _)| &what[..]).collect()
    }
}

/// What is secret for ever.
fn lasting(people: &[Person]) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.text("the passphrase".to_owned(), PASSPHRASE);
    secrets.text("the store's token".to_owned(), TOKEN);
    for Person { name, phrase, signer } in people {
        secrets.text(format!("the phrase of {name}"), phrase);
        for generation in 0..GENERATIONS {
            let key = encryption::derive(signer, generation);
            let what = format!("encryption key {generation} of {name}");
            secrets.bytes(what.clone(), key.secret());
            secrets.text(what, SecretKey::from_bytes(key.secret()).reveal().as_str());
        }
    }
    secrets
}

/// The salts in the records of a task: of updates, or of scores.
fn salts(system: &System, people: &[Person], kind: &str) -> Result<Secrets> {
    let mut secrets = Secrets::default();
    for person in people {
        let Ok(folders) = fs::read_dir(state(system, person)) else { continue };
        for folder in folders {
            // One for the account on this chain, and in it one for each task.
            let Ok(tasks) = fs::read_dir(folder?.path()) else { continue };
            for task in tasks {
                let Ok(records) = fs::read_dir(task?.path()) else { continue };
                for record in records {
                    let path = record?.path();
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    if !(name.starts_with(kind) && name.ends_with(".json")) {
                        continue;
                    }
                    let record: Value = serde_json::from_slice(&fs::read(&path)?)?;
                    let salt = record["salt"].as_str().context("a salt")?;
                    let digits = salt.trim_start_matches("0x");
                    let bytes = (0..digits.len()).step_by(2);
                    let bytes = bytes.map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
                    let bytes = bytes.collect::<Result<Vec<_>, _>>()?;
                    secrets.bytes(format!("the salt of {} in {name}", person.name), &bytes);
                }
            }
        }
    }
    Ok(secrets)
}

/// A log that is read as it grows.
struct Reading {
    path: PathBuf,
    end: u64,
}

impl Reading {
    /// What has come since, with the end of what was there.
    fn more(&mut self) -> Result<String> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.end.saturating_sub(OVERLAP)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        self.end = file.stream_position()?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Somebody who is stopped from its part in a phase until the salts of two others have been looked for: the phase is over as soon as
/// everybody has committed, perhaps between two looks.
struct Late<'a> {
    process: &'a Process,
    phases: RangeInclusive<Phase>,
    kind: &'static str,
    stopped: bool,
}

impl<'a> Late<'a> {
    fn new(process: &'a Process, phases: RangeInclusive<Phase>, kind: &'static str) -> Self {
        Self { process, phases, kind, stopped: false }
    }

    fn hold(&mut self, phase: Option<Phase>, covered: &BTreeSet<String>) -> Result<()> {
        let kind = format!(" in {}", self.kind);
        let seen = covered.iter().filter(|what| what.contains(&kind)).count();
        let stop = seen < 2 && phase.is_some_and(|phase| self.phases.contains(&phase));
        if stop != self.stopped {
            self.process.signal(if stop { "STOP" } else { "CONT" })?;
            self.stopped = stop;
        }
        Ok(())
    }
}

/// The command lines of all processes of this machine that may be seen.
fn command_lines() -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for entry in fs::read_dir("/proc")? {
        // It may have ended meanwhile.
        if let Ok(line) = fs::read(entry?.path().join("cmdline")) {
            lines.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    Ok(lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_log_at_the_most_verbose_level_nor_on_a_command_line() -> Result<()> {
    let system = System::start().await?;
    let write = |name: &str, text: &str| fs::write(system.folder().join(name), text);
    write("passphrase", PASSPHRASE)?;
    write("token", TOKEN)?;
    let mut people = Vec::new();
    for role in ["trainer", "evaluator"] {
        for number in 1..=3 {
            people.push(person(&system, role, number)?);
        }
    }
    let phrases: Vec<&str> = people.iter().map(|person| &person.phrase[..]).collect();
    system.prepare(&phrases, 3).await?;
    let task = system.create_task(1, 3, &[("sealed = false", "sealed = true")])?;
    let (guarded, storage, url) = store(&system).await?;
    let open = Storage::connect(&system.store.url).await?;
    let spec = system.chain.best().await?.task(task).await?.context("the task")?.spec;
    for cid in [spec.model, spec.validation_set] {
        storage.add(open.fetch(&cid, 1 << 30).await?).await?;
    }

    let secrets = lasting(&people);
    let mut workers = vec![guarded];
    for person in &people {
        workers.push(worker(&system, person, task, &url)?);
    }
    let names = people.iter().map(|person| &person.name[..]).chain(["store"]);
    let mut readings: Vec<_> =
        names.map(|name| Reading { path: log(&system, name), end: 0 }).collect();
    let mut covered = BTreeSet::new();
    // In the order in which they were started, behind the store.
    let mut late = [
        Late::new(&workers[3], Phase::Training..=Phase::Training, "update"),
        Late::new(&workers[6], Phase::Revealing..=Phase::Scoring, "scores"),
    ];
    wait_until("the task to complete", LONG, async || {
        let line_up = command_lines()?;
        for line in &line_up {
            let found = secrets.found_in(line);
            assert!(found.is_empty(), "{found:?} on the command line {line:?}");
        }
        let own = format!("trainer run --task {task}");
        assert!(line_up.iter().any(|line| line.contains(&own)), "no worker among {line_up:?}");

        let held = [("update", Phase::Training), ("scores", Phase::Scoring)];
        let held = held.map(|(kind, until)| (salts(&system, &people, kind), until));
        let texts = readings.iter_mut().map(Reading::more).collect::<Result<Vec<_>>>()?;
        // What was read was written before this: in a phase in which nothing was opened yet.
        let view = system.chain.best().await?;
        let phase = view.round(task, 1).await?.map(|round| round.phase);
        for (text, Reading { path, .. }) in texts.iter().zip(&readings) {
            let found = secrets.found_in(text);
            assert!(found.is_empty(), "{found:?} in {}", path.display());
        }
        for (salts, until) in held {
            if phase == Some(until) {
                let salts = salts?;
                for (text, Reading { path, .. }) in texts.iter().zip(&readings) {
                    let found = salts.found_in(text);
                    assert!(found.is_empty(), "{found:?} in {} in {until:?}", path.display());
                }
                covered.extend(salts.0.into_keys());
            }
        }
        late.iter_mut().try_for_each(|late| late.hold(phase, &covered))?;
        tokio::time::sleep(LOOK).await;
        let task = view.task(task).await?;
        Ok(task.filter(|task| task.status == TaskStatus::Completed).map(drop))
    })
    .await
    .with_context(|| tails(&workers))?;
    stop(&mut workers)?;
    for reading in &mut readings {
        let text = reading.more()?;
        assert!(secrets.found_in(&text).is_empty(), "{}", reading.path.display());
    }

    // All of it was looked at, and was there to be looked at.
    assert!(covered.len() >= 4, "salts that were secret while it was looked: {covered:?}");
    for person in &people {
        let text = fs::read_to_string(log(&system, &person.name))?;
        let mut public = Secrets::default();
        public.text("its address".to_owned(), &person.signer.account().to_string());
        assert_eq!(public.found_in(&text), ["its address"], "{}", person.name);
        let levels = text.lines().filter(|line| line.contains(" TRACE ")).count();
        assert!(levels > 100, "{} lines of {}", levels, person.name);
    }
    let model = system.chain.best().await?.model(task, 1).await?.context("version 1")?;
    assert_eq!(model.updates, 3, "{}", tails(&workers));
    Ok(())
}

/// The ends of the logs: the whole is too much for a failure.
fn tails(workers: &[Process]) -> String {
    let all = logs(workers);
    let lines: Vec<&str> = all.lines().filter(|line| !line.contains(" TRACE ")).collect();
    lines[lines.len().saturating_sub(200)..].join("\n")
}
