//! Environment variables in scalars of the declarative file: `${VAR}`, `${env:VAR}`, `${VAR:-default}`, and `$$`.

/// The text with its references replaced, in one pass: what a variable holds is not looked at again, so it cannot
/// add references or structure. The error names what is wrong and no value.
pub(crate) fn substitute(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (reference, after) = after
                .split_once('}')
                .ok_or("a ${ without its closing brace; a dollar sign itself is written $$")?;
            out.push_str(&resolve(reference, environment)?);
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn resolve(
    reference: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let reference = reference.strip_prefix("env:").unwrap_or(reference);
    let (name, default) = reference.split_once(":-").unwrap_or((reference, ""));
    let mut bytes = name.bytes();
    let valid = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !valid {
        return Err(
            "an invalid reference; known are ${VAR}, ${env:VAR} and ${VAR:-default}".to_owned(),
        );
    }
    Ok(environment(name)
        .filter(|value| !value.is_empty())
        .unwrap_or_else(|| default.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substituted(text: &str) -> Result<String, String> {
        substitute(text, &|name| match name {
            "HOST" => Some("collector".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${HOST}: [a, b]".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn references_are_replaced_once_and_escapes_are_kept() {
        for (text, expected) in [
            ("http://${HOST}:4318", "http://collector:4318"),
            ("${env:HOST}", "collector"),
            ("${NONE:-http://x:1/y-z}", "http://x:1/y-z"),
            ("${EMPTY:-default}", "default"),
            ("[${NONE}]", "[]"),
            ("$${HOST} $$ $HOME $", "${HOST} $ $HOME $"),
            ("$$${HOST}", "$collector"),
            ("${NESTED}", "${HOST}: [a, b]"),
        ] {
            assert_eq!(substituted(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_malformed_reference_is_an_error() {
        for text in ["${1A}", "${}", "${A?b}", "${HOST", "${file:x}", "${:-x}"] {
            assert!(substituted(text).is_err(), "{text}");
        }
    }
}
