use telemetry_api::instrument::{
    redaction::{CREDENTIAL_NAMES, ERROR_TEXTS},
    settings::HTTP_KNOWN_METHODS,
};

use super::{super::groups::GROUPS, *};

const DOCUMENT: &str = include_str!("../../../../docs/configuration.md");

fn row(setting: &dyn AnySetting) -> String {
    let default = match setting.default() {
        "" => String::new(),
        default => format!("`{default}`"),
    };
    let (name, unit, about) = (setting.name(), setting.unit(), setting.about());
    format!("| `{name}` | {default} | {unit} | {about} |\n")
}

/// The tables of docs/configuration.md, made from the constants.
fn tables() -> String {
    let mut text = String::new();
    for (heading, lists) in GROUPS {
        text.push_str(&format!(
            "## {heading}\n\n| variable | default | unit | what it does |\n|---|---|---|---|\n"
        ));
        for setting in lists.iter().copied().flatten() {
            text.push_str(&row(*setting));
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_document_and_the_constants_are_equal() {
    let tables = tables();
    assert!(
        DOCUMENT.contains(&tables),
        "docs/configuration.md should contain:\n\n{tables}"
    );
    let rows = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("| `OTEL_"))
            .count()
    };
    let (own, _) = DOCUMENT.split_once("## Adapters").unwrap();
    assert_eq!(rows(own), rows(&tables), "no row is there twice");
}

#[test]
fn the_settings_below_the_pipeline_are_in_the_document() {
    let settings: [&dyn AnySetting; 3] = [&HTTP_KNOWN_METHODS, &CREDENTIAL_NAMES, &ERROR_TEXTS];
    for row in settings.map(row) {
        assert!(
            DOCUMENT.contains(&row),
            "docs/configuration.md should contain:\n\n{row}"
        );
    }
}

#[test]
fn defaults_are_valid_and_names_are_there_once() {
    for setting in all() {
        let name = setting.name();
        assert_eq!(all().filter(|other| other.name() == name).count(), 1);
        if !setting.default().is_empty() && !setting.is_secret() {
            let parsed = setting.parse(setting.default());
            assert_eq!(parsed.wrong, None, "{name}");
            assert_eq!(parsed.value.unwrap().1, setting.default());
        }
        if let Some(general) = setting.general() {
            let default = general.default();
            assert_eq!(default, setting.default(), "{name}");
            assert!(general.general().is_none() && all().any(|one| one.name() == general.name()));
        }
    }
}
