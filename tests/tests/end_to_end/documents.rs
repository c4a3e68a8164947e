//! The documents stay true: their commands are ones that the programs take, and the files that they name exist.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const DOCUMENTS: [&str; 11] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/benchmarks.md",
    "docs/machines.md",
    "docs/models.md",
    "docs/protocol.md",
    "docs/security.md",
    "docs/simulator.md",
    "docs/validators.md",
];

#[test]
fn every_command_of_the_documents_is_one_that_the_programs_take() {
    let mut seen = 0;
    for (document, line) in documents().flat_map(|(name, text)| commands(name, &text)) {
        // Without the comment, and without the file to which the shell writes.
        let command = line.split(['#', '>']).next().unwrap();
        let words: Vec<&str> = command.split_whitespace().collect();
        let (program, arguments) = words.split_first().unwrap();
        match *program {
            "decentralml" | "decentralml-node" => is_taken(document, program, arguments),
            "." | "cargo" => {}
            script => assert!(is_executable(&root().join(script)), "{document}: {script}"),
        }
        seen += 1;
    }
    assert!(seen > 12, "only {seen} commands were found");
}

#[test]
fn every_command_of_the_compose_file_is_one_that_the_programs_take() {
    let name = "docker/compose.yml";
    let text = fs::read_to_string(root().join(name)).unwrap().replace("\\\n#", " ");
    let mut seen = 0;
    for before in ["command: [", "test: [CMD, ", "exec console ", "|| "] {
        for line in text.lines().filter_map(|line| Some(line.split_once(before)?.1)) {
            let line = line.split(" && ").next().unwrap();
            let words = line.split([' ', ',', ']']).filter(|word| !word.is_empty());
            let words: Vec<&str> = words.collect();
            let (program, arguments) = words.split_first().unwrap();
            if program.starts_with("decentralml") {
                is_taken(name, program, arguments);
                seen += 1;
            }
        }
    }
    assert!(seen > 12, "only {seen} commands were found");
}

/// Whatever stands before --help is parsed first, and refused where it is not known.
fn is_taken(document: &str, program: &str, arguments: &[&str]) {
    let output = Command::new(decentralml_tests::program(program).unwrap())
        .args(arguments)
        .arg("--help")
        .output()
        .unwrap();
    let answer = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{document}: {program} {arguments:?}\n{answer}");
}

#[test]
fn every_file_that_the_documents_name_exists() {
    let folders: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let mut seen = 0;
    for (document, text) in documents() {
        for quoted in text.split('`').skip(1).step_by(2) {
            let inside = quoted.split_once('/').is_some_and(|(first, rest)| {
                // What the programs write is not part of the checkout.
                first != "out"
                    && folders.iter().any(|folder| folder == first)
                    && !rest.contains(' ')
            });
            if inside {
                assert!(root().join(quoted).exists(), "{document} names {quoted}");
                seen += 1;
            }
        }
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if !target.starts_with("https://") {
                let path = target.split('#').next().unwrap();
                let from = root().join(document);
                assert!(from.with_file_name(path).exists(), "{document} links to {target}");
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "only {seen} files were found");
}

fn documents() -> impl Iterator<Item = (&'static str, String)> {
    DOCUMENTS.into_iter().map(|name| (name, fs::read_to_string(root().join(name)).unwrap()))
}

/// The lines of a document's shell blocks.
fn commands(document: &'static str, text: &str) -> Vec<(&'static str, String)> {
    text.split("```sh\n")
        .skip(1)
        .flat_map(|block| block.split("```").next().unwrap().lines())
        .filter(|line| !line.trim().is_empty())
        .map(|line| (document, line.to_owned()))
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().into()
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
