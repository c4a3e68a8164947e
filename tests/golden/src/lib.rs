//! What the chain's own arithmetic gives in WebAssembly.
//!
//! Digests leave the module as little-endian words of 64 bits, so that no memory has to be shared with the host.
//!
//! `unsafe` is allowed in this crate alone: exporting a function under a name and being an allocator are both unsafe by
//! declaration, and a module without a standard library needs both. The primitives themselves forbid it.

#![no_std]

mod heap;

use decentralml_exact::golden as exact_golden;
use decentralml_protocol::golden as protocol_golden;
use decentralml_types::golden as types_golden;

/// Word `index` of the digest of `decentralml-protocol`, of 4; 0 past its end.
#[unsafe(no_mangle)]
pub extern "C" fn protocol(index: u32) -> u64 {
    word(&protocol_golden::digest(), index)
}

/// Word `index` of the digest of `decentralml-exact`, of 1; 0 past its end.
#[unsafe(no_mangle)]
pub extern "C" fn exact(index: u32) -> u64 {
    word(&exact_golden::digest(), index)
}

/// Word `index` of the digest of the rules of `decentralml-exact` that look at updates as a whole, of 1; 0 past its end.
#[unsafe(no_mangle)]
pub extern "C" fn robust(index: u32) -> u64 {
    word(&exact_golden::robust(), index)
}

/// Word `index` of the digest of the server's optimizers in `decentralml-exact`, of 1; 0 past its end.
#[unsafe(no_mangle)]
pub extern "C" fn server(index: u32) -> u64 {
    word(&exact_golden::server(), index)
}

/// Word `index` of the digest of `decentralml-types`, of 4; 0 past its end.
#[unsafe(no_mangle)]
pub extern "C" fn types(index: u32) -> u64 {
    word(&types_golden::digest(), index)
}

fn word(digest: &[u8], index: u32) -> u64 {
    let word = digest.chunks(8).nth(index as usize).unwrap_or_default();
    word.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
