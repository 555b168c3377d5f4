//! Metrics of another registry, in OpenMetrics text, taken apart into families.

use super::family_name::Kind;

/// A family as another registry wrote it.
#[derive(Debug, Default)]
pub(crate) struct Foreign<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Option<Kind>,
    pub(crate) help: &'a str,
    pub(crate) unit: Option<&'a str>,
    pub(crate) samples: Vec<&'a str>,
}

/// The families of a text. What is neither a description nor a sample is left out.
pub(crate) fn families(text: &str) -> Vec<Foreign<'_>> {
    let mut families: Vec<Foreign<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let Some(comment) = line.strip_prefix("# ") else {
            if let Some(family) = families.last_mut() {
                family.samples.push(line);
            }
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        let (Some(what), Some(name)) = (words.next(), words.next()) else {
            continue;
        };
        let value = words.next().unwrap_or_default();
        if families.last().is_none_or(|family| family.name != name) {
            families.push(Foreign {
                name,
                ..Foreign::default()
            });
        }
        if let Some(family) = families.last_mut() {
            match what {
                "TYPE" => family.kind = Kind::parse(value),
                "HELP" => family.help = value,
                "UNIT" => family.unit = Some(value),
                _ => {}
            }
        }
    }
    families
}

/// The sample without its exemplar, for a format that has none.
pub(crate) fn without_exemplar(sample: &str) -> &str {
    let mut quoted = false;
    let mut escaped = false;
    let mark = sample.find(|c| {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        c == '#' && !quoted
    });
    sample[..mark.unwrap_or(sample.len())].trim_end()
}
