//! A program with two versions of telemetry-api does not build, and the reason names the crate.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, process::Command};

/// A package that wants this version, and one that wants the next, as an application and its library would.
#[test]
fn cargo_refuses_a_second_version_and_names_both() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("two-versions");
    let next = program.join("next");
    for directory in [program.join("src"), next.join("src")] {
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("lib.rs"), "").unwrap();
    }
    fs::write(next.join("build.rs"), "fn main() {}").unwrap();
    let package = |name: &str, version: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n")
    };
    fs::write(
        next.join("Cargo.toml"),
        format!(
            "{}links = \"telemetry-api\"\n",
            package("telemetry-api", "99.0.0")
        ),
    )
    .unwrap();
    fs::write(
        program.join("Cargo.toml"),
        format!(
            "{}[workspace]\n[dependencies]\ntelemetry-api = {{ path = {here:?} }}\n\
             library = {{ package = \"telemetry-api\", path = \"next\" }}\n",
            package("program", "0.1.0"),
        ),
    )
    .unwrap();
    // The same versions of everything else, which need no network.
    let lockfile = here.parent().unwrap().join("Cargo.lock");
    if lockfile.exists() {
        fs::copy(lockfile, program.join("Cargo.lock")).unwrap();
    }

    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline"])
        .current_dir(&program)
        .output()
        .unwrap();
    let reason = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "two versions were accepted");
    let version = concat!("telemetry-api v", env!("CARGO_PKG_VERSION"));
    for named in [
        "links to the native library `telemetry-api`",
        version,
        "telemetry-api v99.0.0",
    ] {
        assert!(reason.contains(named), "{named} is not in: {reason}");
    }
}
