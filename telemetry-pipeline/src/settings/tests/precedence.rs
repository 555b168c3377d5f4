use std::{collections::HashMap, sync::Arc};

use super::{super::Source, *};
use crate::settings::Env;

fn env(code: &[(&str, &str)], vars: &[(&str, &str)], file: &[(&'static str, &str)]) -> Env {
    let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    let vars: HashMap<_, _> = vars.iter().map(owned).collect();
    Env::with_file_values(
        code.iter().map(owned),
        Arc::new(move |name| vars.get(name).cloned()),
        file.iter()
            .map(|(name, value)| (*name, value.to_string(), format!("key.of.{name}"))),
    )
}

#[test]
fn code_beats_environment_beats_file_beats_default_for_every_setting() {
    for setting in all() {
        let name = setting.name;
        let [code, var, file] = samples(setting).map(|value| (name, value));
        // The file itself is named by the other two only.
        let in_file: &[_] = if name == "OTEL_CONFIG_FILE" {
            &[]
        } else {
            &[file]
        };
        let effective = |env: Env| {
            assert_eq!(env.warnings, [""; 0], "{name}");
            (env.value(name), env.source_of(name))
        };
        assert_eq!(
            effective(env(&[code], &[var], in_file)),
            (code.1.to_owned(), Source::Code)
        );
        assert_eq!(
            effective(env(&[], &[var], in_file)),
            (var.1.to_owned(), Source::Environment(name.to_owned()))
        );
        if !in_file.is_empty() {
            assert_eq!(
                effective(env(&[], &[], in_file)),
                (file.1.to_owned(), Source::File(format!("key.of.{name}")))
            );
        }
        assert_eq!(
            effective(env(&[], &[], &[])),
            (setting.default.to_owned(), Source::Default)
        );
        assert_eq!(
            effective(env(&[], &[(name, "  ")], &[])),
            (setting.default.to_owned(), Source::Default),
            "an empty variable is an unset one"
        );
    }
}

#[test]
fn a_general_setting_counts_where_its_special_one_is_unset_and_a_stronger_source_beats_both() {
    for setting in all() {
        let (Some(general), name) = (setting.general, setting.name) else {
            continue;
        };
        let [a, b, _] = samples(setting);
        assert_eq!(env(&[], &[(general, a)], &[]).value(name), a, "{name}");
        assert_eq!(
            env(&[], &[(general, a), (name, b)], &[]).value(name),
            b,
            "{name}"
        );
        let stronger = env(&[], &[(general, a)], &[(name, b)]);
        assert_eq!(stronger.value(name), a, "{name}");
        assert_eq!(
            stronger.source_of(name),
            Source::Environment(general.to_owned())
        );
    }
}

#[test]
fn a_malformed_value_of_any_setting_is_one_warning_that_names_it() {
    for setting in all() {
        let (name, Some(bad)) = (setting.name, malformed(setting)) else {
            continue;
        };
        // The argument is asked for by one kind of sampler only.
        let sampler = ("OTEL_TRACES_SAMPLER", "traceidratio");
        let vars = match name {
            "OTEL_TRACES_SAMPLER_ARG" => vec![sampler, (name, bad)],
            _ => vec![(name, bad)],
        };
        let vars = [
            &OFF.map(|off| if off.0 == name { ("", "") } else { off }),
            &*vars,
        ]
        .concat();
        for config in [
            config(&vars),
            config(&OFF)
                .with_setting(sampler.0, sampler.1)
                .with_setting(name, bad),
        ] {
            let settings = config.resolve().unwrap();
            let warnings = &settings.warnings;
            assert_eq!(warnings.len(), 1, "{name}: {warnings:?}");
            assert!(warnings[0].starts_with(&format!("{name}=")), "{warnings:?}");
            assert!(warnings[0].contains("; using "), "{warnings:?}");
            let entry = settings.report.get(name).unwrap();
            assert_ne!(entry.value, bad, "what is not used is not reported");
        }
    }
}

#[test]
fn a_malformed_value_gives_way_to_the_next_source_and_its_warning_says_so() {
    const NAME: &str = "OTEL_BSP_SCHEDULE_DELAY";
    let env = env(&[], &[(NAME, "soon")], &[(NAME, "250")]);
    assert_eq!(env.value(NAME), "250");
    assert_eq!(env.warnings.len(), 1);
    assert!(
        env.warnings[0].ends_with("; using 250"),
        "{:?}",
        env.warnings
    );
}

#[test]
fn an_unknown_name_in_code_is_a_warning() {
    let settings = quiet(&[])
        .with_setting("OTEL_BPS_SCHEDULE_DELAY", "1")
        .resolve()
        .unwrap();
    assert_eq!(settings.warnings.len(), 1);
    assert!(settings.warnings[0].contains("OTEL_BPS_SCHEDULE_DELAY"));
}

#[test]
fn the_name_of_the_service_says_which_of_its_sources_counts() {
    let entry = |config: Config| {
        let report = config.resolve().unwrap().report;
        let entry = report.get("OTEL_SERVICE_NAME").unwrap();
        (entry.value.clone(), entry.source.to_string())
    };
    let named = quiet(&[("OTEL_SERVICE_NAME", "env")]);
    assert_eq!(entry(quiet(&[])), ("shop".into(), "default".into()));
    assert_eq!(
        entry(named),
        ("env".into(), "environment OTEL_SERVICE_NAME".into())
    );
    let named = quiet(&[("OTEL_SERVICE_NAME", "env")]);
    assert_eq!(
        entry(named.with_resource_attribute("service.name", "code")),
        ("code".into(), "code".into())
    );
}

#[test]
fn the_report_names_every_setting_once_with_value_and_source() {
    let telemetry = built(
        quiet(&[
            ("OTEL_BSP_SCHEDULE_DELAY", "77"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop-blue"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ])
        .with_setting("OTEL_METRIC_EXPORT_INTERVAL", "99"),
    );
    let report = telemetry.report();
    assert_eq!(report.iter().count(), all().count());
    let text = report.to_string();
    assert_eq!(text.lines().count(), all().count());
    for (name, value, source) in [
        (
            "OTEL_BSP_SCHEDULE_DELAY",
            "77",
            "environment OTEL_BSP_SCHEDULE_DELAY",
        ),
        ("OTEL_METRIC_EXPORT_INTERVAL", "99", "code"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "1000", "default"),
        (
            "OTEL_SERVICE_NAME",
            "shop-blue",
            "environment OTEL_RESOURCE_ATTRIBUTES",
        ),
        (
            "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
            "500",
            "environment OTEL_EXPORTER_OTLP_TIMEOUT",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "", "default"),
    ] {
        let entry = report.get(name).unwrap();
        assert_eq!((&*entry.value, &*entry.source.to_string()), (value, source));
        let line = text
            .lines()
            .find(|line| line.split(' ').next() == Some(name))
            .unwrap();
        assert!(line.ends_with(source), "{line}");
    }
}

#[test]
fn names_of_choices_are_read_in_any_case() {
    let env = Env::of([("OTEL_PROPAGATORS", "TraceContext, B3,b3")]);
    assert_eq!(env.list("OTEL_PROPAGATORS"), ["tracecontext", "b3"]);
    assert_eq!(env.warnings, [""; 0]);
}

#[test]
fn a_warning_says_what_is_wrong_and_what_is_used() {
    for (name, value, said) in [
        ("TELEMETRY_LOG_FORMAT", "text", "; using its default"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0", "from 10 to"),
        (
            "RUST_LOG",
            "shop=debug, Warning",
            "RUST_LOG=\"Warning\" lets all of that target pass",
        ),
    ] {
        let env = Env::of([(name, value)]);
        assert_eq!(env.warnings.len(), 1, "{:?}", env.warnings);
        assert!(env.warnings[0].contains(said), "{:?}", env.warnings);
    }
    let env = Env::of([("RUST_LOG", "warnings_of=debug,errors,allocator")]);
    assert_eq!(env.warnings, [""; 0]);
}
