//! `decentralml completions`.

use crate::{cli::Cli, output::Out};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use color_eyre::Result;

/// Print the completions of a shell.
///
/// For example: `decentralml completions bash > ~/.local/share/bash-completion/completions/decentralml`.
#[derive(Args, Debug)]
pub struct Opts {
    /// Whose completions.
    shell: Shell,
}

/// Writes the script.
pub fn run(opts: &Opts, out: &mut Out<'_>) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(opts.shell, &mut Cli::command(), "decentralml", &mut script);
    out.bytes(&script)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let mut bytes = Vec::new();
            run(&Opts { shell }, &mut Out::new(&mut bytes, false)).unwrap();
            let script = String::from_utf8(bytes).unwrap();
            assert!(script.contains("evaluator") && script.contains("stop-on-eof"), "{shell}");
        }
    }
}
