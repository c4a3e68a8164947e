//! Trees that Kubo makes, read by us; CARs in both directions; Kubo's command line as our client; both gateways.
//!
//! Needs the program as well, in `DECENTRALML_IPFS`, and for the gateway the repository of the running Kubo, in `IPFS_PATH`.

use crate::{
    LOOSE, MIB, addr, gateway,
    pair::{Equal, Failed, Pair, fresh},
    support::{Daemon, http, post, upload},
};
use decentralml_storage::{
    WrittenCid,
    gateway::{Gateway, Limits},
    parse_cid,
};
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::spawn_blocking};

const CAR: &str = "name=\"file\"; filename=\"some.car\"";

/// Kubo's command line, speaking to the RPC at `addr`: whether it was content, and what it wrote.
fn run(addr: SocketAddr, arguments: &[&str], input: &Path) -> (bool, Vec<u8>) {
    let program = std::env::var("DECENTRALML_IPFS").expect("DECENTRALML_IPFS is the program");
    let output = Command::new(program)
        .arg(format!("--api=/ip4/{}/tcp/{}", addr.ip(), addr.port()))
        .args(arguments)
        .env("IPFS_TELEMETRY", "off")
        .stdin(Stdio::from(fs::File::open(input).unwrap()))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    (output.status.success(), output.stdout)
}

pub async fn ipfs(addr: SocketAddr, arguments: &[&str]) -> (bool, Vec<u8>) {
    let owned: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
    let run = move || {
        let arguments: Vec<&str> = owned.iter().map(String::as_str).collect();
        run(addr, &arguments, Path::new("/dev/null"))
    };
    spawn_blocking(run).await.unwrap()
}

/// What a command wrote, as a line; it was content.
pub async fn line(addr: SocketAddr, arguments: &[&str]) -> String {
    let (content, output) = ipfs(addr, arguments).await;
    let text = String::from_utf8_lossy(&output).trim().to_owned();
    assert!(content, "{arguments:?}: {text}");
    text
}

/// `tree/{a.txt,empty,large,link,sub/in.txt}` with bytes that no Kubo has seen.
struct Files {
    folder: TempDir,
    large: Vec<u8>,
}

impl Files {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("sub")).unwrap();
        let large = fresh(700_000);
        fs::write(tree.join("a.txt"), "hello\n").unwrap();
        fs::write(tree.join("empty"), "").unwrap();
        fs::write(tree.join("large"), &large).unwrap();
        fs::write(tree.join("sub/in.txt"), fresh(60)).unwrap();
        std::os::unix::fs::symlink("a.txt", tree.join("link")).unwrap();
        Self { folder, large }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

/// Has both Kubo and the embedded store hold a DAG, by a CAR.
async fn share(pair: &Pair, root: &str) -> Vec<u8> {
    let car = post(pair.kubo, &format!("dag/export?arg={root}")).await;
    let imported = upload(pair.daemon.addr, "dag/import", CAR, &car.body).await;
    assert_eq!(imported.json()["Root"]["Cid"]["/"], root);
    assert_eq!(imported.json()["Root"]["PinErrorMsg"], "");
    car.body
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn files_of_every_form_that_kubo_makes_are_read_with_equal_bytes() {
    let _others = LOOSE.read().await;
    let pair = Pair::start().await;
    let files = Files::new();
    let (path, client) = (files.path("tree/large"), pair.daemon.client().await);
    for options in [
        &[][..],
        &["--cid-version=0", "--raw-leaves=false"],
        &["--cid-version=1"],
        &["--cid-version=1", "--raw-leaves=false"],
        &["--trickle", "--chunker=size-1000", "--raw-leaves=false"],
        &["--trickle", "--chunker=size-1000", "--cid-version=1"],
        &["--chunker=size-1000", "--max-file-links=3"],
        &["--chunker=rabin-1000-2000-4000"],
        &["--chunker=buzhash"],
        &["--chunker=size-1048576", "--max-file-links=1024", "--cid-version=1"],
    ] {
        let arguments = [&["add", "-Q"], options, &[path.as_str()]].concat();
        let root = line(pair.kubo, &arguments).await;
        share(&pair, &root).await;
        let read = post(pair.daemon.addr, &format!("cat?arg={root}")).await.body;
        assert!(read == files.large, "{options:?}: other bytes");
        let cid = parse_cid(&root).unwrap();
        let fetched = client.fetch(&cid, files.large.len() as u64).await.unwrap();
        assert!(fetched == files.large, "{options:?}: other bytes fetched");
        for (offset, length) in [(0, 1), (999, 2), (262_143, 2), (500_000, 300_000)] {
            let part = format!("cat?arg={root}&offset={offset}&length={length}");
            let end = (offset + length).min(files.large.len());
            assert_eq!(post(pair.daemon.addr, &part).await.body, &files.large[offset..end]);
        }
        for command in
            ["dag/stat?progress=false&arg=", "ls?arg=", "files/stat?arg=/ipfs/", "dag/export?arg="]
        {
            pair.ask(&format!("{command}{root}"), Equal).await;
        }
    }
    pair.finish();
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn directories_that_kubo_makes_are_listed_and_read_as_by_kubo() {
    let _others = LOOSE.read().await;
    let pair = Pair::start().await;
    let files = Files::new();
    let tree = files.path("tree");
    for version in ["--cid-version=0", "--cid-version=1"] {
        let root = line(pair.kubo, &["add", "-rQ", version, &tree]).await;
        share(&pair, &root).await;
        for command in [
            "ls?arg=ROOT",
            "ls?arg=ROOT/sub",
            "ls?arg=/ipfs/ROOT/",
            "ls?arg=/ipfs/ROOT//sub/../a.txt",
            "ls?arg=ROOT&stream=true",
            "ls?arg=ROOT&size=false",
            "ls?arg=ROOT&resolve-type=false",
            "ls?arg=ROOT&resolve-type=false&size=false",
            "ls?arg=ROOT/large",
            "ls?arg=ROOT/a.txt",
            "ls?arg=ROOT/link",
            "ls?arg=ROOT&arg=ROOT/sub",
            "ls?arg=ROOT/nope",
            "ls?arg=ROOT&stream=maybe",
            "ls",
            "cat?arg=ROOT/sub/in.txt",
            "cat?arg=ROOT/large",
            "cat?arg=ROOT/a.txt&offset=2&length=3",
            "cat?arg=ROOT/a.txt&arg=ROOT/sub/in.txt&offset=3",
            "cat?arg=ROOT/empty",
            "cat?arg=ROOT/nope",
            "files/stat?arg=/ipfs/ROOT",
            "files/stat?arg=/ipfs/ROOT/sub",
            "files/stat?arg=/ipfs/ROOT/large",
            "files/stat?arg=/ipfs/ROOT/empty",
            "files/stat?arg=/ipfs/ROOT/link",
            "files/stat?arg=/ipfs/ROOT/nope",
            "files/stat?arg=ROOT",
            "files/stat",
            "dag/stat?arg=ROOT&progress=false",
            "dag/stat?arg=ROOT/sub&progress=false",
            "dag/stat?arg=ROOT&arg=ROOT/sub&arg=ROOT&progress=false",
            "dag/stat",
            "dag/export?arg=ROOT",
            "dag/export?arg=ROOT/sub",
            "dag/export?arg=/ipfs/ROOT/large",
            "dag/export?arg=ROOT/nope",
            "dag/export",
            "dag/import",
        ] {
            pair.ask(&command.replace("ROOT", &root), Equal).await;
        }
        for (command, words) in [
            ("cat?arg=ROOT/sub", "directory"),
            ("cat?arg=ROOT/a.txt/x", ""),
            ("ls?arg=/elsewhere/ROOT", "unknown namespace: \"elsewhere\""),
            ("files/stat?arg=/elsewhere", "file does not exist"),
            ("dag/export?arg=nonsense", "invalid path"),
            ("dag/stat?arg=nonsense", "invalid path"),
            ("ls?arg=nonsense", "invalid path"),
        ] {
            pair.ask(&command.replace("ROOT", &root), Failed(words)).await;
        }
        // A small one: Kubo hangs up on an upload that it refuses.
        let car = post(pair.kubo, &format!("dag/export?arg={root}/sub")).await.body;
        for options in [
            "",
            "?stats=true",
            "?pin-roots=false",
            "?pin-roots=false&stats=true",
            "?silent=true",
            "?pin-roots=maybe",
        ] {
            pair.give(&format!("dag/import{options}"), CAR, &car, Equal).await;
        }
        let mut damaged = car.clone();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        pair.give("dag/import", CAR, &car[..last], Failed("unexpected EOF")).await;
        pair.give("dag/import", CAR, &damaged, Failed("mismatch in content integrity")).await;
    }
    pair.finish();
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn cars_of_the_embedded_store_are_taken_by_kubo() {
    let _others = LOOSE.read().await;
    let daemon = Daemon::start().await;
    let data = fresh(3 * MIB + 7);
    let root = daemon.store.add(&data[..], true).unwrap().cid;
    let car = post(daemon.addr, &format!("dag/export?arg={root}")).await.body;
    let answer = upload(addr(), "dag/import?stats=true", CAR, &car).await;
    assert!(answer.text().contains("\"PinErrorMsg\":\"\""), "{}", answer.text());
    assert!(answer.text().contains("\"BlockCount\":5"), "{}", answer.text());
    assert_eq!(post(addr(), &format!("cat?arg={root}")).await.body, data);
    assert_eq!(post(addr(), &format!("dag/export?arg={root}")).await.body, car);
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn kubos_command_line_works_with_the_embedded_store_as_with_kubo() {
    let _others = LOOSE.read().await;
    let pair = Pair::start().await;
    let files = Files::new();
    let tree = line(pair.kubo, &["add", "-rQ", "--cid-version=0", &files.path("tree")]).await;
    let car = files.path("tree.car");
    fs::write(&car, share(&pair, &tree).await).unwrap();
    let large = files.path("tree/large");
    let canonical =
        ["--cid-version=1", "--raw-leaves", "--chunker=size-1048576", "--max-file-links=1024"];
    let add = [&["add", "-Q"], &canonical[..], &[large.as_str()]].concat();
    let cid = line(pair.daemon.addr, &add).await;
    assert_eq!(cid, line(pair.kubo, &add).await);
    // Without any option, the store has its own way.
    assert_eq!(cid, line(pair.daemon.addr, &["add", "-Q", &large]).await);
    let (sub, link, a) = (format!("{tree}/sub"), format!("{tree}/link"), format!("{tree}/a.txt"));
    let (root, nope) = (format!("/ipfs/{tree}"), format!("{tree}/nope"));
    let commands: &[&[&str]] = &[
        &["add", "--cid-version=1", "--raw-leaves", "--chunker=size-1048576", &large],
        &["cat", &cid],
        &["cat", "--offset=699990", &cid],
        &["cat", "--offset=10", "--length=20", &cid],
        &["cat", &a],
        &["cat", &nope],
        &["ls", &tree],
        &["ls", "--size=false", "--resolve-type=false", &tree],
        &["ls", "--stream", "--headers", &tree, &sub],
        &["ls", &nope],
        &["files", "stat", &root],
        &["files", "stat", "--hash", &root],
        &["dag", "stat", "--progress=false", &tree],
        &["dag", "stat", &tree, &sub],
        &["dag", "export", "--progress=false", &tree],
        &["dag", "export", &cid],
        &["dag", "export", &link],
        &["dag", "import", &car],
        &["dag", "import", "--stats", "--pin-roots=false", &car],
        &["dag", "import", &large],
        &["block", "stat", &cid],
        &["block", "get", &cid],
        &["pin", "ls", "--type=recursive", &cid],
        &["pin", "add", "--progress", &cid],
        &["pin", "rm", &cid],
        &["pin", "rm", &cid],
        &["pin", "add", &cid],
        &["get", "-o", "/dev/null", "nonsense"],
    ];
    for arguments in commands {
        let (kubo, ours) =
            (ipfs(pair.kubo, arguments).await, ipfs(pair.daemon.addr, arguments).await);
        assert_eq!(kubo.0, ours.0, "{arguments:?}: Kubo and we differ in whether it works");
        if kubo.1 != ours.1 {
            let text = |output: &[u8]| {
                String::from_utf8_lossy(output).escape_debug().take(600).collect::<String>()
            };
            panic!("{arguments:?}: {} and {}", text(&kubo.1), text(&ours.1));
        }
    }
    for arguments in
        [&["repo", "stat"][..], &["version"], &["pin", "ls"], &["repo", "verify"], &["id"]]
    {
        assert!(ipfs(pair.daemon.addr, arguments).await.0, "{arguments:?}");
    }
    pair.finish();
}

#[tokio::test]
#[ignore = "needs a Kubo: scripts/kubo.sh"]
async fn the_gateway_answers_as_kubos() {
    let _others = LOOSE.read().await;
    let kubo: SocketAddr = gateway().strip_prefix("http://").unwrap().parse().unwrap();
    let pair = Pair::start().await;
    let files = Files::new();
    let gateway = Gateway::bind(pair.daemon.store.clone(), "127.0.0.1:0".parse().unwrap());
    let gateway = gateway.await.unwrap().with_limits(Limits::default());
    let ours = gateway.addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(gateway.run(async move { drop(stopped.await) }));
    let mut differences = Vec::new();
    for version in ["--cid-version=0", "--cid-version=1"] {
        let tree = files.path("tree");
        let root = line(pair.kubo, &["add", "-rQ", version, &tree]).await;
        share(&pair, &root).await;
        let list = post(pair.kubo, &format!("ls?arg={root}")).await.json();
        let large = list["Objects"][0]["Links"][2]["Hash"].as_str().unwrap().to_owned();
        assert!(WrittenCid::parse(&large).is_ok());
        for (method, target, headers) in [
            ("GET", "ROOT/a.txt", ""),
            ("HEAD", "ROOT/a.txt", ""),
            ("GET", "LARGE", ""),
            ("GET", "ROOT/large", "Range: bytes=262140-262150\r\n"),
            ("GET", "ROOT/large", "Range: bytes=-5\r\n"),
            ("GET", "ROOT/large", "Range: bytes=699999-\r\n"),
            ("GET", "ROOT/large", "Range: bytes=700000-\r\n"),
            ("GET", "LARGE", "If-None-Match: \"LARGE\"\r\n"),
            ("GET", "ROOT/sub/in.txt", ""),
            ("GET", "ROOT/empty", ""),
            ("GET", "ROOT?format=raw", ""),
            ("GET", "ROOT/sub?format=raw", ""),
            ("HEAD", "ROOT?format=raw", ""),
            ("GET", "LARGE?format=raw", "Range: bytes=5-9\r\n"),
            ("GET", "LARGE", "Accept: application/vnd.ipld.raw\r\n"),
            ("GET", "ROOT?format=car", ""),
            ("GET", "ROOT?format=car&dag-scope=block", ""),
            ("GET", "ROOT?format=car&dag-scope=entity", ""),
            ("GET", "ROOT/large?format=car", ""),
            ("GET", "ROOT/large?format=car&dag-scope=entity", ""),
            ("GET", "ROOT/sub?format=car&dag-scope=entity", ""),
            ("GET", "ROOT/sub/in.txt?format=car&dag-scope=block", ""),
            ("GET", "ROOT", "Accept: application/vnd.ipld.car; version=1; order=dfs; dups=n\r\n"),
            ("GET", "ROOT", "Accept: application/vnd.ipld.car; version=2\r\n"),
            ("GET", "ROOT?format=car&dag-scope=most", ""),
            ("GET", "ROOT/nope", ""),
            ("GET", "nonsense", ""),
            ("POST", "ROOT/a.txt", ""),
            ("OPTIONS", "ROOT/a.txt", ""),
        ] {
            let fill = |text: &str| text.replace("ROOT", &root).replace("LARGE", &large);
            let target = format!("/ipfs/{}", fill(target));
            let send = async |addr| http(addr, method, &target, &fill(headers), b"").await;
            let (theirs, mine) = (send(kubo).await, send(ours).await);
            let mut differ = |what: &str, kubo: String, ours: String| {
                if kubo != ours {
                    differences
                        .push(format!("{method} {target} {headers:?} {what}: {kubo} and {ours}"));
                }
            };
            differ("status", theirs.status.to_string(), mine.status.to_string());
            // Kubo leaves out of a 304 what the standard wants in it.
            if theirs.status < 300 {
                let excerpt = |body: &[u8]| {
                    format!("{} bytes {:02x?}", body.len(), &body[..body.len().min(80)])
                };
                if theirs.body != mine.body {
                    differ("body", excerpt(&theirs.body), excerpt(&mine.body) + " (ours)");
                }
                let is_car = target.contains("format=car") || headers.contains("ipld.car");
                for header in [
                    "cache-control",
                    "content-range",
                    "x-ipfs-path",
                    "x-ipfs-roots",
                    "accept-ranges",
                ] {
                    let value =
                        |answer: &crate::support::Answer| format!("{:?}", answer.header(header));
                    differ(header, value(&theirs), value(&mine));
                }
                if !is_car {
                    for header in ["etag", "content-length"] {
                        let value = |answer: &crate::support::Answer| {
                            format!("{:?}", answer.header(header))
                        };
                        differ(header, value(&theirs), value(&mine));
                    }
                }
            }
        }
    }
    assert!(differences.is_empty(), "Kubo's gateway and ours:\n{}", differences.join("\n"));
    stop.send(()).unwrap();
    running.await.unwrap();
    pair.finish();
}
