//! The text of a value of the application, whose `Display` may fail or panic.

use std::{
    fmt::{Display, Write as _},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The mark after the text of a value whose `Display` returned an error.
const FAILED: &str = "[Display failed]";

/// The mark after the text of a value whose `Display` panicked.
const PANICKED: &str = "[Display panicked]";

/// The text of a value. If its `Display` fails or panics, the text so far and a mark: telemetry must not panic in the
/// caller, as `to_string` does.
pub fn of(value: &dyn Display) -> String {
    written(|text| write!(text, "{value}"))
}

/// The text of a value in the alternate form, `{:#}`. With it, errors of anyhow and eyre write all their causes.
pub(crate) fn alternate_of(value: &dyn Display) -> String {
    written(|text| write!(text, "{value:#}"))
}

fn written(write: impl FnOnce(&mut String) -> std::fmt::Result) -> String {
    let mut text = String::new();
    // The text is whole between two writes, and the value is looked at no more.
    match catch_unwind(AssertUnwindSafe(|| write(&mut text))) {
        Ok(Ok(())) => {}
        Ok(Err(_)) => text.push_str(FAILED),
        Err(payload) => {
            text.push_str(PANICKED);
            // Its destructor may panic, too.
            mem::forget(payload);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    struct Half(fn() -> fmt::Result);

    impl Display for Half {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            (self.0)()
        }
    }

    #[test]
    fn a_display_that_fails_or_panics_leaves_its_text_and_a_mark() {
        assert_eq!(of(&Half(|| Ok(()))), "half");
        assert_eq!(of(&Half(|| Err(fmt::Error))), "half[Display failed]");
        assert_eq!(of(&Half(|| panic!("oh"))), "half[Display panicked]");
    }
}
