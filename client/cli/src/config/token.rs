//! The token that a store asks for: from a file, or from the environment.

use super::Settings;
use crate::exit::{Kind, problem};
use color_eyre::Result;
use decentralml_storage::StoreToken;
use std::{env, ffi::OsString, io::Read, path::Path};

/// The environment variable that has the token of the store.
const STORE_TOKEN: &str = "DECENTRALML_STORE_TOKEN";
/// The one that has the name of a file with it.
pub(super) const STORE_TOKEN_FILE: &str = "DECENTRALML_STORE_TOKEN_FILE";

/// What gives another process of this program the token that this one uses: out of sight in its environment.
pub type TokenVariable = (&'static str, OsString);

/// Whether the environment has a token.
pub(super) fn has_token() -> bool {
    env::var_os(STORE_TOKEN).is_some_and(|token| !token.is_empty())
}

impl Settings {
    /// What the store asks for: from the file that was named, else from the environment.
    pub fn store_token(&self) -> Result<Option<StoreToken>> {
        if let Some(path) = &self.store_token_file {
            let wrong = |error| problem(Kind::Usage, format!("{}: {error}", path.display()));
            return StoreToken::new(&first_line(path)?).map(Some).map_err(wrong);
        }
        match env::var(STORE_TOKEN) {
            Ok(token) if !token.is_empty() => StoreToken::new(&token)
                .map(Some)
                .map_err(|error| problem(Kind::Usage, format!("{STORE_TOKEN}: {error}"))),
            Ok(_) | Err(env::VarError::NotPresent) => Ok(None),
            Err(error) => Err(problem(Kind::Usage, format!("{STORE_TOKEN}: {error}"))),
        }
    }

    /// The token for the store at a URL, which may be another one than that of the settings, and what gives it to a process of ours.
    pub fn store_token_for(&self, url: &str) -> Result<Option<(StoreToken, TokenVariable)>> {
        if self.store_token_is_bound && url != self.store {
            return Ok(None);
        }
        let Some(token) = self.store_token()? else { return Ok(None) };
        let variable = match &self.store_token_file {
            Some(path) => (STORE_TOKEN_FILE, std::path::absolute(path)?.into()),
            None => (STORE_TOKEN, env::var_os(STORE_TOKEN).unwrap_or_default()),
        };
        Ok(Some((token, variable)))
    }
}

/// Most bytes of a file that has a token.
const MAX_TOKEN_FILE: u64 = 4096;

/// The first line of a file that has a secret.
pub fn first_line(path: &Path) -> Result<String> {
    let wrong = |why: std::io::Error| problem(Kind::Usage, format!("{}: {why}", path.display()));
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_TOKEN_FILE).read_to_string(&mut text))
        .map_err(wrong)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{Flags, parse};
    use std::path::PathBuf;

    #[test]
    fn the_token_of_the_files_store_is_sent_to_no_other() {
        let text = "store = \"http://a:1\"\nstore_token_file = \"token\"";
        let merged = |store: Option<&str>| {
            let flags = Flags { store: store.map(str::to_owned), ..Flags::default() };
            let path = Some(PathBuf::from("/etc/dml/config.toml"));
            Settings::merge(flags, path, parse(text).unwrap()).store_token_file
        };
        let file = Some(PathBuf::from("/etc/dml/token"));
        assert_eq!((merged(None), merged(Some("http://a:1"))), (file.clone(), file));
        assert_eq!(merged(Some("http://b:1")), None);
    }

    #[test]
    fn a_store_that_only_the_demo_is_told_of_gets_no_token_of_the_files_store() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "0123456789abcdef\n").unwrap();
        let file = folder.path().join("token");
        let text = "store = \"http://a:1\"\nstore_token_file = \"token\"";
        let config = Some(folder.path().join("config.toml"));
        let settings = Settings::merge(Flags::default(), config.clone(), parse(text).unwrap());
        assert!(settings.store_token_for("http://b:1").unwrap().is_none());
        let (_, variable) = settings.store_token_for("http://a:1").unwrap().unwrap();
        assert_eq!(variable, (STORE_TOKEN_FILE, file.clone().into()));

        let flags = Flags { store_token_file: Some(file.clone()), ..Flags::default() };
        let settings = Settings::merge(flags, config, parse("store = \"http://a:1\"").unwrap());
        let (_, variable) = settings.store_token_for("http://b:1").unwrap().unwrap();
        assert_eq!(variable.1, file);

        let store = Some("http://c:1".to_owned());
        let flags = Flags { store, store_token_file: Some(file), ..Flags::default() };
        let settings = Settings::merge(flags, None, parse("").unwrap());
        assert!(settings.store_token_for("http://b:1").unwrap().is_none());
        assert!(settings.store_token_for("http://c:1").unwrap().is_some());
    }
}
