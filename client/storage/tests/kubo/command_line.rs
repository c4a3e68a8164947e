//! Kubo's command line as what keeps the embedded store in order. Needs the program, in `DECENTRALML_IPFS`.

use crate::{
    MIB,
    parity_formats::{ipfs, line},
    support::{Daemon, bytes},
};
use decentralml_storage::unixfs;
use std::{fs, os::unix::fs::symlink, path::Path};

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn kubos_command_line_gets_files_and_directories() {
    let daemon = Daemon::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let data = bytes(3 * MIB + 7);
    fs::create_dir_all(path("from/sub/empty")).unwrap();
    fs::write(path("from/large"), &data).unwrap();
    fs::write(path("from/sub/small"), b"small").unwrap();
    symlink("sub/small", path("from/link")).unwrap();
    let root = line(daemon.addr, &["add", "-r", "-Q", &path("from")]).await;

    let (done, output) = ipfs(daemon.addr, &["get", "-o", &path("to"), &root]).await;
    assert!(done, "{}", String::from_utf8_lossy(&output));
    assert!(fs::read(path("to/large")).unwrap() == data);
    assert_eq!(fs::read(path("to/link")).unwrap(), b"small");
    assert_eq!(fs::read_link(path("to/link")).unwrap(), Path::new("sub/small"));
    assert!(Path::new(&path("to/sub/empty")).is_dir());

    let large = format!("{root}/large");
    let (done, output) = ipfs(daemon.addr, &["get", "-o", &path("file"), &large]).await;
    assert!(done, "{}", String::from_utf8_lossy(&output));
    assert!(fs::read(path("file")).unwrap() == data);
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn kubos_command_line_names_pins_collects_and_checks() {
    let daemon = Daemon::start().await;
    let run = async |arguments: &[&str]| line(daemon.addr, arguments).await;
    let data = bytes(MIB + 1);
    let root = daemon.store.add(&data[..], false).unwrap().cid.to_string();
    let leaf = unixfs::canonical_cid(&data[MIB..]);
    assert_eq!(
        run(&["pin", "add", "--name=first model", &root]).await,
        format!("pinned {root} recursively")
    );
    for which in ["--type=recursive", "--name=model"] {
        assert_eq!(
            run(&["pin", "ls", "--names", which]).await,
            format!("{root} recursive first model")
        );
    }

    let (content, _) = ipfs(daemon.addr, &["block", "rm", &root]).await;
    assert!(!content, "it is pinned");
    for command in [&["block", "rm"][..], &["repo", "gc"]] {
        let loose = daemon.store.add(&b"loose"[..], false).unwrap().cid.to_string();
        let arguments: Vec<&str> = match command[0] {
            "block" => [command, &[&loose]].concat(),
            _ => command.to_vec(),
        };
        assert_eq!(run(&arguments).await, format!("removed {loose}"));
    }
    assert_eq!(daemon.store.stat().unwrap().blocks, 3);
    assert!(run(&["repo", "stat"]).await.contains("NumObjects: 3"));

    let whole = run(&["repo", "verify"]).await;
    assert!(whole.ends_with("verify complete, all blocks validated."), "{whole}");
    fs::write(daemon.block_file(&leaf), b"rot").unwrap();
    let (content, output) = ipfs(daemon.addr, &["repo", "verify"]).await;
    let output = String::from_utf8_lossy(&output);
    assert!(!content, "{output}");
    assert!(output.contains(&format!("block {leaf} was corrupt")), "{output}");
    assert_eq!(run(&["pin", "rm", &root]).await, format!("unpinned {root}"));
    assert_eq!(run(&["repo", "gc", "--quiet"]).await.lines().count(), 3);
}
