//! The primitives give the same bytes natively and in WebAssembly, run by the engine that runs the chain's code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use decentralml_exact::golden as exact;
use decentralml_protocol::golden as protocol;
use decentralml_types::golden as types;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use wasmtime::{Engine, Instance, Module, Store, TypedFunc};

const TARGET: &str = "wasm32v1-none";

#[test]
fn encodings_rules_optimizers_and_exact_arithmetic_are_the_same_natively_and_in_webassembly() {
    let mut golden = Golden::load(&build());
    assert_eq!(golden.digest::<32>("types"), types::digest());
    assert_eq!(golden.digest::<32>("protocol"), protocol::digest());
    assert_eq!(golden.digest::<8>("exact"), exact::digest());
    assert_eq!(golden.digest::<8>("robust"), exact::robust());
    assert_eq!(golden.digest::<8>("server"), exact::server());
}

/// Compiles `tests/golden` into a folder beside the workspace's own, and returns the module's path.
fn build() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/Cargo.toml");
    let folder = target_folder().join("golden");
    let status = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--quiet", "--release", "--locked", "--target", TARGET])
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(&folder)
        .status()
        .expect("cargo can be started");
    assert!(status.success(), "tests/golden does not compile for {TARGET}");
    folder.join(TARGET).join("release/decentralml_golden.wasm")
}

/// The workspace's target folder: test programs lie in its `release/deps`.
fn target_folder() -> PathBuf {
    let program = env::current_exe().unwrap();
    program.ancestors().nth(3).expect("tests run from target/<profile>/deps").into()
}

struct Golden {
    store: Store<()>,
    instance: Instance,
}

impl Golden {
    fn load(path: &Path) -> Self {
        let engine = Engine::default();
        let module = Module::new(&engine, fs::read(path).unwrap()).unwrap();
        let mut store = Store::new(&engine, ());
        // No imports: what the module computes depends on nothing but itself.
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        Self { store, instance }
    }

    /// The digest of `N` bytes that the module exports as words of 64 bits.
    fn digest<const N: usize>(&mut self, name: &str) -> [u8; N] {
        let word: TypedFunc<u32, u64> =
            self.instance.get_typed_func(&mut self.store, name).unwrap();
        let bytes: Vec<u8> = (0..N.div_ceil(8) as u32)
            .flat_map(|index| word.call(&mut self.store, index).unwrap().to_le_bytes())
            .collect();
        bytes.try_into().unwrap()
    }
}
