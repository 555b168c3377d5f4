//! Text from strangers in pages.

use std::fmt::Display;

use maud::{Escaper, Render};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::text;

/// Text from anywhere, on one line and at most so long; everything that could pose as markup or change how the rest is
/// laid out is escaped. All that comes from telemetry goes through this or [`Block`].
pub(super) struct Safe<T>(pub(super) T, pub(super) usize);

/// A name: long enough for every real one.
pub(super) fn name<T: Display>(text: T) -> Safe<T> {
    Safe(text, 160)
}

/// A value, which may be long.
pub(super) fn value<T: Display>(text: T) -> Safe<T> {
    Safe(text, 10_000)
}

impl<T: Display> Render for Safe<T> {
    fn render_to(&self, out: &mut String) {
        let text = self.0.to_string();
        escape(&text::escape(&text::shortened(&text, self.1)), out);
    }
}

/// Text from anywhere that keeps its line breaks, such as a stack trace.
pub(super) struct Block<T>(pub(super) T);

impl<T: Display> Render for Block<T> {
    fn render_to(&self, out: &mut String) {
        let text = text::shortened(&self.0.to_string(), 20_000);
        for line in text.lines() {
            escape(&text::escape(&line.replace('\t', "    ")), out);
            out.push('\n');
        }
    }
}

fn escape(text: &str, out: &mut String) {
    use std::fmt::Write;
    // Writing to a string cannot fail.
    let _ = Escaper::new(out).write_str(text);
}

/// Everything but letters, digits and a few signs that are plain in a query.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':')
    .remove(b'/');

/// An address with a query: `/logs?level=error&service=web`. Empty values are left out.
pub(super) fn address(path: &str, query: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    let mut sign = '?';
    for (key, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(sign);
        out.push_str(key);
        out.push('=');
        out.extend(utf8_percent_encode(value, IN_QUERY));
        sign = '&';
    }
    out
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::*;

    #[test]
    fn text_can_leave_neither_its_element_nor_its_attribute() {
        let text = "</b><script>'\"&\n\u{202e}";
        assert_eq!(
            html! { b title=(value(text)) { (value(text)) } }.into_string(),
            "<b title=\"&lt;/b&gt;&lt;script&gt;'&quot;&amp;\\n\\u{202e}\">\
             &lt;/b&gt;&lt;script&gt;'&quot;&amp;\\n\\u{202e}</b>"
        );
    }

    #[test]
    fn a_block_keeps_its_lines_and_nothing_else() {
        let text = "at main\n\tat \u{1b}[31m<x>";
        assert_eq!(
            html! { (Block(text)) }.into_string(),
            "at main\n    at \\u{1b}[31m&lt;x&gt;\n"
        );
    }

    #[test]
    fn an_address_keeps_what_it_is_given() {
        assert_eq!(
            address("/", &[("q", "a&b=\"c\" d"), ("sort", ""), ("dir", "up")]),
            "/?q=a%26b%3D%22c%22%20d&dir=up"
        );
    }
}
