//! Does nothing. Cargo asks for a build script where the manifest has `links`, and `links` lets it refuse a program with two
//! versions of this crate.
#![allow(clippy::print_stdout)]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
