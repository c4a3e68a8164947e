//! Tells Cargo that the types in `src/api.rs` are made from a file that it does not know of.

fn main() {
    println!("cargo:rerun-if-changed=metadata.scale");
}
