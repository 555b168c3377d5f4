//! The declarative configuration file: it is taken or refused with a reason and a line, in bounded work, and read twice
//! it says the same. Environment variables it names are substituted and never parsed as YAML.

#![no_main]

use std::{fs, path::PathBuf, sync::OnceLock};

use libfuzzer_sys::fuzz_target;
use telemetry_core::pipeline::{BootstrapError, Config, Detector, Report};

const INJECTED: &str = "x\nresource: {attributes: []}\n# ${INJECTED} & * \" '";

fuzz_target!(|data: &[u8]| {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        std::env::temp_dir().join(format!("telemetry-fuzz-{}.yaml", std::process::id()))
    });
    fs::write(path, data).expect("a temporary file");
    let path = path.to_str().expect("a path of ours");
    let first = build(path);
    assert_eq!(first, build(path));
    // For YAML a carriage return alone ends a line, too.
    let lines = data.iter().filter(|b| matches!(b, b'\n' | b'\r')).count() + 2;
    match first {
        Ok((report, warnings)) => {
            assert!(std::str::from_utf8(data).is_ok());
            assert!(report.iter().count() > 20);
            assert!(warnings.len() <= 16 + data.len());
        }
        Err((line, reason)) => {
            assert!(!reason.is_empty() && !reason.contains('\n'), "{reason}");
            assert!(
                line.is_none_or(|line| (1..=lines).contains(&line)),
                "{line:?}: {reason}"
            );
        }
    }
});

type Built = Result<(Report, Vec<String>), (Option<usize>, String)>;

fn build(path: &str) -> Built {
    let config = Config::new("fuzz")
        .with_environment([("OTEL_CONFIG_FILE", path), ("INJECTED", INJECTED)])
        .with_file_system("/nowhere")
        .without_detectors([
            Detector::Host,
            Detector::Os,
            Detector::Process,
            Detector::Container,
            Detector::Kubernetes,
            Detector::Cloud,
        ])
        .with_log_sink(|_| {})
        .with_setting("OTEL_TRACES_EXPORTER", "none")
        .with_setting("OTEL_METRICS_EXPORTER", "none")
        .with_setting("OTEL_LOGS_EXPORTER", "none");
    match config.build() {
        Ok(telemetry) => Ok((telemetry.report().clone(), telemetry.warnings().to_vec())),
        Err(BootstrapError::ConfigFile { line, reason, .. }) => Err((line, reason)),
        Err(other) => panic!("{other}"),
    }
}
