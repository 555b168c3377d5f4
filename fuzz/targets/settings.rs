//! Settings as an environment has them: no value stops bootstrap, what is in force is in force when said again, and no
//! credential is shown.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use telemetry_core::pipeline::{Config, Detector, Report};

const SECRET: &str = "hunter2";

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let value = String::from_utf8_lossy(rest).into_owned();
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let (report, _) = build(Vec::new());
        let names = report.iter().map(|entry| entry.name);
        // A file has a target of its own, and what is exported would leave the machine.
        names
            .filter(|name| *name != "OTEL_CONFIG_FILE" && !name.ends_with("S_EXPORTER"))
            .collect()
    });
    let name = names[usize::from(*first) % names.len()];

    let (report, warnings) = build(vec![(name, value.clone())]);
    assert!(warnings.len() <= 8, "{warnings:?}");
    for warning in &warnings {
        assert!(warning.len() <= 1024 + 4 * value.len(), "{warning}");
    }
    let entry = report.get(name).expect("every setting is reported");
    if !entry.value.contains("REDACTED") && !value.is_empty() {
        let (again, warnings) = build(vec![(name, entry.value.clone())]);
        let said = &again.get(name).expect("every setting is reported").value;
        assert_eq!(said, &entry.value, "{name}={value:?}: {warnings:?}");
    }

    if !value.contains(SECRET) {
        let (before, after) = value.split_at(value.floor_char_boundary(value.len() / 2));
        let headers = format!("{before},authorization={SECRET},{after}");
        let url = format!("http://user:{SECRET}@{after}");
        let (report, warnings) = build(vec![
            ("OTEL_EXPORTER_OTLP_HEADERS", headers.clone()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", url.clone()),
        ]);
        for text in [
            report.to_string(),
            format!("{report:?}"),
            warnings.join("\n"),
        ] {
            assert!(!text.contains(SECRET), "{headers:?} {url:?}: {text}");
        }
    }
});

fn build(environment: Vec<(&'static str, String)>) -> (Report, Vec<String>) {
    let config = Config::new("fuzz")
        .with_environment(environment)
        .with_file_system("/nowhere")
        .without_detectors([
            Detector::Host,
            Detector::Os,
            Detector::Process,
            Detector::Container,
            Detector::Kubernetes,
            Detector::Cloud,
        ])
        .with_setting("OTEL_TRACES_EXPORTER", "none")
        .with_setting("OTEL_METRICS_EXPORTER", "none")
        .with_setting("OTEL_LOGS_EXPORTER", "none");
    let telemetry = config
        .build()
        .expect("nothing is exported, so nothing is impossible");
    (telemetry.report().clone(), telemetry.warnings().to_vec())
}
