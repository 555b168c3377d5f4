//! The programs the demo starts: built with the same profile as itself, or found beside itself.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::failure::{Failure, Result};
use crate::progress::progress;

const PACKAGES: [&str; 3] = ["telemetry-viewer", "retail-api", "retail-web"];

const PROGRAMS: [&str; 4] = [
    "telemetry-viewer",
    "retail-api",
    "retail-worker",
    "retail-web",
];

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Binaries(PathBuf);

impl Binaries {
    /// Builds them if cargo runs the demo; else they must be there.
    pub(crate) async fn get() -> Result<Self> {
        let own = env::current_exe()?;
        let by_cargo = env::var_os("CARGO").filter(|_| {
            // Inherited from a build tool that merely uses the demo, it says nothing about this workspace.
            env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == env!("CARGO_PKG_NAME"))
        });
        let place = Place::of(&own);
        if let Some((cargo, place)) = by_cargo.zip(place.as_ref()) {
            progress("building telemetry-viewer, retail-api and retail-web");
            build(&cargo, place).await?;
        }
        let directory = own.parent().map(Path::to_owned).unwrap_or_default();
        let binaries = Self(directory);
        let missing = PROGRAMS
            .iter()
            .map(|program| binaries.path(program))
            .find(|path| !path.is_file());
        match missing {
            None => Ok(binaries),
            Some(path) => Err(Failure::new(format!(
                "{} is not there. Run the demo with: cargo run -p retail-demo; or build the programs beside it \
                 with: cargo build{}{}",
                path.display(),
                place.map(|it| it.profile_flag()).unwrap_or_default(),
                PACKAGES.map(|package| format!(" -p {package}")).concat(),
            ))),
        }
    }

    pub(crate) fn path(&self, program: &str) -> PathBuf {
        self.0.join(format!("{program}{}", env::consts::EXE_SUFFIX))
    }
}

/// The demo itself is part of the build, and up to date: with it cargo resolves the very features it was built with,
/// so that no library is compiled again.
async fn build(cargo: &OsStr, place: &Place) -> Result<()> {
    let mut command = Command::new(cargo);
    command.args(["build", "--profile", &place.profile]);
    command.arg("--target-dir").arg(&place.target_dir);
    command.args(place.triple.iter().flat_map(|it| ["--target", it]));
    if let Some(manifest) = env::var_os("CARGO_MANIFEST_DIR") {
        command
            .arg("--manifest-path")
            .arg(Path::new(&manifest).join("Cargo.toml"));
    }
    for package in PACKAGES.iter().chain([&env!("CARGO_PKG_NAME")]) {
        command.args(["-p", package]);
    }
    let status = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await;
    let status = status.map_err(|error| {
        Failure::new(format!("cannot run {}: {error}", cargo.to_string_lossy()))
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(
            "the programs do not build; cargo says why above",
        ))
    }
}

/// The way in which cargo built a program, read from the program's path.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    profile: String,
    target_dir: PathBuf,
    triple: Option<String>,
}

impl Place {
    /// `<target dir>/[<triple>/]<profile>/<program>`. A target directory is known by the tag cargo leaves in it.
    fn of(program: &Path) -> Option<Self> {
        let profile = program.parent()?;
        let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
        let above = profile.parent()?;
        let is_target = |path: &Path| path.join("CACHEDIR.TAG").is_file();
        let (target_dir, triple) = match above.parent() {
            _ if is_target(above) => (above, None),
            Some(target) if is_target(target) => (target, Some(name(above)?)),
            _ => return None,
        };
        let profile = match name(profile)?.as_str() {
            // The one profile whose directory has another name.
            "debug" => "dev".to_owned(),
            other => other.to_owned(),
        };
        Some(Self {
            profile,
            target_dir: target_dir.to_owned(),
            triple,
        })
    }

    fn profile_flag(&self) -> String {
        match self.profile.as_str() {
            "dev" => String::new(),
            profile => format!(" --profile {profile}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_target_directory_and_triple_are_read_from_the_path() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path();
        let place = |path: &str| Place::of(&target.join(path));
        let expected = |profile: &str, triple: Option<&str>| {
            Some(Place {
                profile: profile.to_owned(),
                target_dir: target.to_owned(),
                triple: triple.map(str::to_owned),
            })
        };
        assert_eq!(place("debug/retail-demo"), None, "no target directory");
        std::fs::write(target.join("CACHEDIR.TAG"), "").unwrap();
        assert_eq!(place("debug/retail-demo"), expected("dev", None));
        assert_eq!(place("release/retail-demo"), expected("release", None));
        assert_eq!(
            place("x86_64-unknown-linux-gnu/debug/retail-demo"),
            expected("dev", Some("x86_64-unknown-linux-gnu"))
        );
    }
}
