//! Text of bounded length: a value that someone from outside chose must not make a line that no one takes.

use std::fmt::{self, Write as _};

use crate::guarded_format;

/// The most bytes of one value. What is cut ends with `…`.
pub(crate) const MAX_VALUE: usize = 32 * 1024;

/// The bytes after which values are cut to nothing: Cloud Logging refuses an entry of more than 256 KiB, and
/// CloudWatch did.
pub(crate) const MAX_LINE: usize = 128 * 1024;

pub(crate) const CUT: char = '…';

/// Returns whether a character could move the cursor, begin a line or change the order of the text on a terminal: control
/// characters (C0, DEL and C1), the line and paragraph separators, and the controls of bidirectional text.
pub(crate) fn is_unsafe(c: char) -> bool {
    match c {
        '\0'..='\u{7e}' => c < ' ',
        '\u{7f}'..='\u{9f}' => true,
        _ => matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        ),
    }
}

/// Where a value that begins at the end of the text has to end.
pub(crate) fn end_of_value(text: &str, max_value: usize) -> usize {
    (text.len() + max_value).min(text.len().max(MAX_LINE))
}

/// Appends what is written through it, by a function that appends text until the length given and says whether all of
/// it fitted.
pub(crate) struct Bounded<'a, F> {
    text: &'a mut String,
    end: usize,
    cut: bool,
    append: F,
}

impl<'a, F: Fn(&mut String, &str, usize) -> bool> Bounded<'a, F> {
    pub(crate) fn new(text: &'a mut String, max_value: usize, append: F) -> Self {
        let end = end_of_value(text, max_value);
        Self {
            text,
            end,
            cut: false,
            append,
        }
    }
}

impl<F: Fn(&mut String, &str, usize) -> bool> Bounded<'_, F> {
    /// Appends a value of the application. A formatter of the application that fails or panics does neither here: the
    /// value ends with a mark after the text so far.
    pub(crate) fn format(mut self, value: fmt::Arguments<'_>) {
        // A plain text needs no guard.
        if let Some(text) = value.as_str() {
            let _ = self.write_str(text);
            return;
        }
        if let Some(mark) = guarded_format::write(&mut self, value) {
            self.text.push_str(mark);
        }
    }
}

impl<F: Fn(&mut String, &str, usize) -> bool> fmt::Write for Bounded<'_, F> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        // An error would end the formatting sooner, but there is code that unwraps what `write!` returns.
        if !self.cut && !(self.append)(self.text, part, self.end) {
            self.cut = true;
            self.text.push(CUT);
        }
        Ok(())
    }
}
