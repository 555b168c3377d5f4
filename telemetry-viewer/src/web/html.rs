use std::fmt::{Display, Write};

use crate::text;

/// HTML under construction. Text enters it escaped, unless it is a literal of this program.
pub(super) struct Markup(String);

impl Markup {
    pub(super) fn new() -> Self {
        Self(String::new())
    }

    /// Adds markup that is part of the program.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text from anywhere, on one line.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        let escaped = text::escape(&text.to_string());
        self.block(&escaped)
    }

    /// Adds text that keeps its line breaks; it must be free of control characters otherwise.
    pub(super) fn block(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => {
                    let _ = self.0.write_char(c);
                }
            }
        }
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_leave_neither_its_element_nor_its_attribute() {
        let mut markup = Markup::new();
        markup.raw("<b>").text("</b><script>'\"&\n").raw("</b>");
        assert_eq!(
            markup.finish(),
            "<b>&lt;/b&gt;&lt;script&gt;&#39;&quot;&amp;\\n</b>"
        );
    }
}
