//! Directories that are added, to a real Kubo and to the embedded store: by forms, and by Kubo's command line.

use crate::{
    CANONICAL, LOOSE, MIB,
    pair::{Equal, Failed, Pair, fresh},
    parity_formats::{ipfs, line},
    support::{FORM, form, post},
};
use std::{fs, os::unix::fs::symlink, path::Path};
use tempfile::TempDir;

const DIRECTORY: &str = "application/x-directory";
const FILE: &str = "application/octet-stream";
const LINK: &str = "application/symlink";

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn forms_with_directories_are_answered_as_by_kubo() {
    let _others = LOOSE.read().await;
    let pair = Pair::start().await;
    let large = fresh(MIB + 1);
    let d = ("d", DIRECTORY, &b""[..]);
    let many: Vec<String> = (0..300).map(|number| format!("d%2F{number}.bin")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), FILE, name.as_bytes())).collect();
    let long = format!("d%2F{}", "x".repeat(255));
    let forms: &[&[(&str, &str, &[u8])]] = &[
        &[d],
        &[d, ("d%2Fb", FILE, b"1"), ("d%2FB", FILE, b"2"), ("d%2F%C3%BC+c", FILE, b"3")],
        &[d, ("d%2Fsub", DIRECTORY, b""), ("d%2Fsub%2Fa", FILE, b"a"), ("d%2Flarge", FILE, &large)],
        &[("d%2Fe%2Ff", FILE, b"1"), ("d%2Fa", FILE, b"2"), ("d%2Fe%2Fg", FILE, b"3")],
        &[("d%2Fb", FILE, b"1"), ("e", FILE, b"2"), ("d%2Fc", FILE, b"3")],
        &[d, ("d%2Fb", FILE, b"1"), ("e", DIRECTORY, b""), ("e%2Fx", FILE, b""), ("f", FILE, b"2")],
        &[d, ("d%2Fb", DIRECTORY, b""), ("d%2Fb", DIRECTORY, b""), d],
        &[d, ("d%2Fl", LINK, b"b"), ("d%2Fdangling", LINK, b"../nowhere")],
        &[("d%2F..%2Fe", FILE, b"1"), ("..%2Fx", FILE, b"2"), ("d%2F.%2F%2Fy", FILE, b"3")],
        &[("", FILE, b"1"), ("", FILE, b"2")],
        &[d, (&long, FILE, b"1"), ("d%2F%00", FILE, b"2")],
        &many,
    ];
    for form_of in forms {
        for options in [
            "",
            "&progress=true",
            "&wrap-with-directory=true",
            "&silent=true",
            "&only-hash=true",
            "&pin-name=d",
        ] {
            // When something is said about a large file depends on how its bytes come.
            if options.contains("progress") && form_of.iter().any(|part| part.2.len() > MIB) {
                continue;
            }
            let command = format!("add?{CANONICAL}{options}");
            pair.send("POST", &command, FORM, &form(form_of), Equal).await;
        }
    }
    let twice = form(&[d, ("d%2Fb", DIRECTORY, b""), ("d%2Fb", FILE, b"1")]);
    let command = format!("add?{CANONICAL}");
    pair.send("POST", &command, FORM, &twice, Failed("directory already has entry by that name"))
        .await;
    pair.finish();
}

/// `tree/{a.txt,B,empty/,large,link,sub/deep/in.txt}` with bytes that no Kubo has seen.
fn tree() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("sub/deep")).unwrap();
    fs::create_dir(tree.join("empty")).unwrap();
    for (name, size) in [("a.txt", 9), ("B", 0), ("large", 3 * MIB + 1), ("sub/deep/in ü.txt", 70)]
    {
        fs::write(tree.join(name), fresh(size)).unwrap();
    }
    symlink("a.txt", tree.join("link")).unwrap();
    let path = tree.to_str().unwrap().to_owned();
    (folder, path)
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn kubos_command_line_adds_directories() {
    let _others = LOOSE.read().await;
    let pair = Pair::start().await;
    let (_folder, tree) = tree();
    let canonical =
        ["--cid-version=1", "--raw-leaves", "--chunker=size-1048576", "--max-file-links=1024"];
    let root = line(pair.kubo, &[&["add", "-rQ"], &canonical[..], &[&tree]].concat()).await;
    for arguments in [
        [&["add", "-rQ"], &canonical[..], &[&tree]].concat(),
        vec!["add", "-rQ", &tree],
        vec!["add", "-rQ", "--progress", &tree],
        vec!["add", "-rQ", "--pin-name=a tree", &tree],
    ] {
        assert_eq!(line(pair.daemon.addr, &arguments).await, root, "{arguments:?}");
    }
    let store = &pair.daemon.store;
    assert_eq!(store.named_pins().unwrap().into_values().collect::<Vec<_>>(), ["a tree"]);
    store.gc(|_| {}).unwrap();
    let read =
        post(pair.daemon.addr, &format!("cat?arg={root}/sub/deep/in%20%C3%BC.txt")).await.body;
    assert_eq!(read, fs::read(Path::new(&tree).join("sub/deep/in ü.txt")).unwrap());
    let (content, large) = ipfs(pair.daemon.addr, &["cat", &format!("{root}/large")]).await;
    assert!(content && large == fs::read(Path::new(&tree).join("large")).unwrap());

    let quiet = ["--quieter", "-w", "--cid-version=1", "--raw-leaves", "--chunker=size-1048576"];
    let file = format!("{tree}/a.txt");
    let wrapped = [&["add"], &quiet[..], &[&file]].concat();
    assert_eq!(line(pair.daemon.addr, &wrapped).await, line(pair.kubo, &wrapped).await);

    // What Kubo spreads over many blocks is refused, in words that the command line shows.
    let wide = Path::new(&tree).with_file_name("wide");
    fs::create_dir(&wide).unwrap();
    for number in 0..6000 {
        fs::write(wide.join(format!("{number:08}")), b"").unwrap();
    }
    let wide = wide.to_str().unwrap();
    let spread = line(pair.kubo, &[&["add", "-rQ"], &canonical[..], &[wide]].concat()).await;
    assert!(post(pair.kubo, &format!("block/get?arg={spread}")).await.body.len() < 256 << 10);
    let (content, _) = ipfs(pair.daemon.addr, &["add", "-rQ", wide]).await;
    assert!(!content);
}
