//! Compiles this crate to WebAssembly: what validators execute is that file, never the native code.

fn main() {
    #[cfg(feature = "std")]
    substrate_wasm_builder::WasmBuilder::build_using_defaults();
}
