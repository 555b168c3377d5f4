//! Prometheus text, made comparable.

/// The samples without their scopes, sorted.
pub(crate) fn metrics(text: &str) -> String {
    let mut lines: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("target_info"))
        .map(without_scope)
        .collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn without_scope(line: &str) -> String {
    let (Some(open), Some(close)) = (line.find('{'), line.rfind('}')) else {
        return line.to_owned();
    };
    let labels: Vec<_> = split_labels(&line[open + 1..close])
        .into_iter()
        .filter(|label| !label.starts_with("otel_scope_"))
        .collect();
    if labels.is_empty() {
        return format!("{}{}", &line[..open], &line[close + 1..]);
    }
    format!(
        "{}{{{}}}{}",
        &line[..open],
        labels.join(","),
        &line[close + 1..]
    )
}

/// Splits at commas that are not inside a quoted value.
fn split_labels(labels: &str) -> Vec<&str> {
    let mut quoted = false;
    let mut escaped = false;
    labels
        .split(move |c| {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                _ => {}
            }
            c == ',' && !quoted
        })
        .collect()
}
