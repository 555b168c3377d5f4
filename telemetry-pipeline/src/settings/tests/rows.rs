//! Every row of docs/configuration.md has an effect.

use super::*;

/// Rows whose effect is not a decision of [`Plan`], with the test that proves it.
const PROVEN_ELSEWHERE: [(&str, &str); 1] = [(
    "OTEL_CONFIG_FILE",
    "settings::file::tests::a_file_says_what_the_variables_say",
)];

/// Settings that count only beside others.
const CONTEXTS: [&[(&str, &str)]; 4] = [
    &[],
    &[("OTEL_TRACES_SAMPLER", "traceidratio")],
    &[("OTEL_METRICS_EXPORTER", "prometheus")],
    &[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:1"),
    ],
];

/// Every decision as text.
fn decisions(vars: &[(&str, &str)]) -> String {
    let config = config(vars)
        .with_file_system("/nowhere")
        .with_resource_attribute("service.instance.id", "one");
    let plan = config.resolve().unwrap();
    let mut resource: Vec<_> = plan
        .resource
        .iter()
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    resource.sort_unstable();
    let Plan {
        disabled,
        traces,
        metrics,
        logs,
        propagation,
        principal,
        hash_key,
        sensitive,
        ..
    } = plan;
    format!(
        "{resource:?} {disabled} {traces:?} {metrics:?} {logs:?} {propagation:?} {principal:?} {hash_key:?} {sensitive:?}"
    )
}

#[tokio::test]
async fn every_row_of_the_document_changes_a_decision_or_names_its_test() {
    for setting in all() {
        let name = setting.name();
        if PROVEN_ELSEWHERE.iter().any(|(row, _)| *row == name) {
            continue;
        }
        let changes = CONTEXTS.iter().any(|context| {
            let without = decisions(context);
            let mut samples = samples(setting).into_iter();
            samples.any(|sample| decisions(&[context, &[(name, sample)][..]].concat()) != without)
        });
        assert!(changes, "{name}");
    }
}
