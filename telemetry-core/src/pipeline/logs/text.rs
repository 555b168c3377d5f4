//! Text of bounded length: a value that someone from outside chose must not make a line that no one takes.

use std::fmt;

/// The most bytes of one value. What is cut ends with `…`.
pub(super) const MAX_VALUE: usize = 32 * 1024;

/// The bytes after which values are cut to nothing: Cloud Logging refuses an entry of more than 256 KiB, and
/// CloudWatch did.
pub(super) const MAX_LINE: usize = 128 * 1024;

const CUT: char = '…';

/// Where a value that begins at the end of the text has to end.
pub(super) fn end_of_value(text: &str, max_value: usize) -> usize {
    (text.len() + max_value).min(text.len().max(MAX_LINE))
}

/// Appends what is written through it, as `append` does it for text that fits, up to a bound.
pub(super) struct Bounded<'a> {
    text: &'a mut String,
    end: usize,
    cut: bool,
    escape: fn(&mut String, &str, usize) -> bool,
}

impl<'a> Bounded<'a> {
    /// `escape` appends text until the length given, and says whether all of it fitted.
    pub(super) fn new(
        text: &'a mut String,
        max_value: usize,
        escape: fn(&mut String, &str, usize) -> bool,
    ) -> Self {
        let end = end_of_value(text, max_value);
        Self {
            text,
            end,
            cut: false,
            escape,
        }
    }

    pub(super) fn push(&mut self, part: &str) {
        if !self.cut && !(self.escape)(self.text, part, self.end) {
            self.cut = true;
            self.text.push(CUT);
        }
    }
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        // An error would end the formatting sooner, but there is code that unwraps what `write!` returns.
        self.push(part);
        Ok(())
    }
}
