//! Prints the runtime's metadata (version 16, SCALE) to standard output: `scripts/metadata.sh` stores it for the SDK.

use std::io::Write;

fn main() -> std::io::Result<()> {
    // Some constants are read from storage: their defaults are what a live chain has.
    let metadata = sp_io::TestExternalities::default()
        .execute_with(|| decentralml_runtime::Runtime::metadata_at_version(16))
        .ok_or_else(|| std::io::Error::other("the runtime has no metadata of version 16"))?;
    std::io::stdout().write_all(&metadata)
}
