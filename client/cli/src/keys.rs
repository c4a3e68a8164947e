//! Which key signs, and how its passphrase is found. A secret is never on the command line.

use crate::{
    config::Settings,
    exit::{Kind, problem},
};
use color_eyre::{Result, eyre::WrapErr};
use decentralml_sdk::{Signer, keystore};
use std::{
    env,
    ffi::OsStr,
    fs,
    io::{IsTerminal, stdin},
    path::{Path, PathBuf},
};

/// The environment variable with a key's URI or phrase.
pub const SURI: &str = "DECENTRALML_SURI";

/// The same of the sponsor for which a trainer makes gold results.
const GOLD_SURI: &str = "DECENTRALML_GOLD_SURI";

/// A key file of the keystore.
pub fn path(keystore: &Path, name: &str) -> Result<PathBuf> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(good) {
        return Err(problem(
            Kind::Usage,
            format!("`{name}` is no name of a key; use letters, digits, `-`, `_` and `.`"),
        ));
    }
    Ok(keystore.join(format!("{name}.json")))
}

/// The names of all keys, sorted.
pub fn names(keystore: &Path) -> Result<Vec<String>> {
    if !keystore.exists() {
        return Ok(Vec::new());
    }
    let folder = fs::read_dir(keystore)
        .wrap_err_with(|| format!("{} cannot be read", keystore.display()))?;
    let mut names = Vec::new();
    for entry in folder {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("json"))
            && let Some(name) = path.file_stem().and_then(OsStr::to_str)
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// A key that was asked for.
pub enum Chosen<'a> {
    /// A key of the keystore.
    Name(&'a str),
    /// The URI or phrase of a key.
    Uri(String),
}

/// The key that the command line, the environment or the configuration file asks for, in this order.
pub fn chosen(settings: &Settings) -> Option<Chosen<'_>> {
    choose(settings, env::var(SURI).ok().filter(|suri| !suri.is_empty()))
}

fn choose(settings: &Settings, suri: Option<String>) -> Option<Chosen<'_>> {
    match (settings.account.as_deref(), suri) {
        (Some(name), _) if settings.account_is_flag => Some(Chosen::Name(name)),
        (_, Some(suri)) => Some(Chosen::Uri(suri)),
        (name, None) => name.map(Chosen::Name),
    }
}

/// The key that signs.
pub fn signer(settings: &Settings) -> Result<Signer> {
    match chosen(settings) {
        Some(chosen) => open(settings, chosen),
        None => Err(problem(Kind::Key, format!("no key was named; {HOW_TO_NAME_ONE}"))),
    }
}

fn open(settings: &Settings, chosen: Chosen<'_>) -> Result<Signer> {
    match chosen {
        Chosen::Uri(suri) => Ok(Signer::from_uri(&suri)?),
        Chosen::Name(name) => {
            let path = path(&settings.keystore, name)?;
            if !path.is_file() {
                return Err(problem(Kind::Key, missing(settings, name)));
            }
            let passphrase = passphrase(settings, &format!("Passphrase of {name}: "))?;
            Ok(keystore::open(&path, &passphrase)?)
        }
    }
}

/// The key of a sponsor for which a trainer makes gold results: by its name, or from the environment.
pub fn gold_sponsor(settings: &Settings, name: Option<&str>) -> Result<Signer> {
    let suri = || env::var(GOLD_SURI).ok().filter(|suri| !suri.is_empty()).map(Chosen::Uri);
    let Some(chosen) = name.map(Chosen::Name).or_else(suri) else {
        let message = format!(
            "gold results are announced by the task's sponsor: name its key with --gold-sponsor, or put its URI into {GOLD_SURI}"
        );
        return Err(problem(Kind::Key, message));
    };
    open(settings, chosen)
}

/// What to do where no key is named.
pub const HOW_TO_NAME_ONE: &str = "give --account <NAME> (`decentralml account list` shows the names, `decentralml account \
    new <NAME>` makes one), or put a URI into DECENTRALML_SURI";

fn missing(settings: &Settings, name: &str) -> String {
    let keystore = settings.keystore.display();
    match names(&settings.keystore).unwrap_or_default().as_slice() {
        [] => format!(
            "there is no key `{name}` in {keystore}; make it with `decentralml account new {name}`"
        ),
        names => format!("there is no key `{name}` in {keystore}; it has: {}", names.join(", ")),
    }
}

/// The passphrase of a key that exists.
fn passphrase(settings: &Settings, prompt: &str) -> Result<String> {
    match &settings.passphrase_file {
        Some(file) => from_file(file),
        None => hidden(prompt),
    }
}

/// The passphrase of a new key; asked for twice where it is typed.
pub fn new_passphrase(settings: &Settings) -> Result<String> {
    let passphrase = match &settings.passphrase_file {
        Some(file) => from_file(file)?,
        None => {
            let first = hidden("New passphrase: ")?;
            if hidden("The same again: ")? != first {
                return Err(problem(Kind::Key, "the two passphrases differ; nothing was written"));
            }
            first
        }
    };
    if passphrase.is_empty() {
        return Err(problem(Kind::Key, "an empty passphrase protects nothing"));
    }
    Ok(passphrase)
}

/// The first line of a file.
fn from_file(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).map_err(|error| {
        problem(Kind::Key, format!("the passphrase file {}: {error}", file.display()))
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Something secret, from the terminal.
pub fn hidden(prompt: &str) -> Result<String> {
    if !stdin().is_terminal() {
        return Err(problem(
            Kind::Key,
            "a secret is needed and there is no terminal to ask on; give --passphrase-file or \
             DECENTRALML_PASSPHRASE_FILE for the passphrase, and DECENTRALML_SURI for a key",
        ));
    }
    Ok(rpassword::prompt_password(prompt)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Flags;

    #[test]
    fn a_name_cannot_leave_the_keystore() {
        let keystore = Path::new("/keys");
        assert_eq!(path(keystore, "alice-2").unwrap(), Path::new("/keys/alice-2.json"));
        for name in ["", "..", "../x", "a/b", ".hidden", "a b"] {
            assert_eq!(
                crate::exit::kind(&path(keystore, name).unwrap_err()),
                Kind::Usage,
                "{name}"
            );
        }
    }

    #[test]
    fn a_flag_comes_before_the_environment_and_that_before_the_file() {
        let settings = |account: Option<&str>, account_is_flag| {
            let account = account.map(str::to_owned);
            let keystore = Some(PathBuf::from("/keys"));
            let flags = Flags { account, account_is_flag, keystore, ..Flags::default() };
            Settings::load(flags).unwrap()
        };
        let choice = |account, account_is_flag, suri: Option<&str>| {
            let settings = settings(account, account_is_flag);
            choose(&settings, suri.map(str::to_owned)).map(|chosen| match chosen {
                Chosen::Name(name) => name.to_owned(),
                Chosen::Uri(suri) => suri,
            })
        };
        assert_eq!(choice(Some("me"), true, Some("//Alice")).as_deref(), Some("me"));
        assert_eq!(choice(Some("me"), false, Some("//Alice")).as_deref(), Some("//Alice"));
        assert_eq!(choice(Some("me"), false, None).as_deref(), Some("me"));
        assert_eq!(choice(None, false, Some("//Alice")).as_deref(), Some("//Alice"));
        assert!(choice(None, false, None).is_none());
    }

    #[test]
    fn names_are_the_json_files_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b.json", "a.json", "notes.txt"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        assert_eq!(names(folder.path()).unwrap(), ["a", "b"]);
        assert!(names(&folder.path().join("none")).unwrap().is_empty());
    }

    #[test]
    fn a_passphrase_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p");
        fs::write(&file, "correct horse \nsecond\n").unwrap();
        assert_eq!(from_file(&file).unwrap(), "correct horse ");
        let missing = from_file(&folder.path().join("none")).unwrap_err();
        assert_eq!(crate::exit::kind(&missing), Kind::Key);
    }
}
