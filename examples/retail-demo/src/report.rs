//! The whole report, as `--full` prints it.

mod next;

use std::fmt::Write;

use crate::cases::Case;
use crate::checkouts::{OWN_ID, Visit};
use crate::failure::{Failure, Result};
use crate::paint::plain;
use crate::red::table;
use crate::stage::{Addresses, Stage};
use crate::terminal::{Terminal, wrap};
use crate::verify::{Evidence, culprit};
use crate::viewer::{RedRow, Trace, Viewer};

/// The blanks before each line of a tree or table.
const MARGIN: usize = 3;
/// The attributes that tell the story of a request, in this order; the viewer keeps all the others, too.
const TELLING: &str = "http.response.status_code,correlation_id,user.roles,retail.flow,retail.stage,retail.reason,\
                       url.full,db.response.returned_rows,db.query.text";
/// For a failed one less, so that the error is not lost among what went well.
const BRIEF: &str = "http.response.status_code,retail.stage,retail.reason,db.query.text";

/// Everything there is to report.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) viewer: &'a Viewer,
    pub(crate) stage: &'a Stage,
    pub(crate) visits: &'a [Visit],
    pub(crate) evidence: &'a Evidence,
    pub(crate) business: &'a [String],
    /// Tells if everything runs on afterwards.
    pub(crate) stays: bool,
    pub(crate) terminal: Terminal,
}

impl Report<'_> {
    /// The whole text.
    pub(crate) async fn write(&self) -> Result<String> {
        let mut out = String::new();
        self.running(&mut out);
        self.success(&mut out).await?;
        self.failures(&mut out).await?;
        self.red(&mut out).await?;
        self.logs(&mut out).await?;
        self.heading(&mut out, 5, "What to try next");
        next::write(&mut out, &self.stage.addresses, self.stays);
        if self.stays {
            let directory = self.stage.directory().display();
            let _ = writeln!(
                out,
                "\n   What the services log is in {directory} until you press Ctrl-C."
            );
        }
        Ok(out)
    }

    fn running(&self, out: &mut String) {
        let Addresses {
            viewer,
            grpc,
            api,
            web,
        } = &self.stage.addresses;
        for (program, url, about) in [
            (
                "telemetry-viewer",
                viewer.as_str(),
                format!("gRPC at {grpc}"),
            ),
            ("retail-api", api.as_str(), "exports over gRPC".to_owned()),
            (
                "retail-worker",
                "",
                "confirms orders, from the outbox".to_owned(),
            ),
            (
                "retail-web",
                web.as_str(),
                "exports over HTTP, for customers".to_owned(),
            ),
        ] {
            let _ = writeln!(out, "   {program:<17} {url:<22}  {about}");
        }
    }

    async fn success(&self, out: &mut String) -> Result<()> {
        self.heading(
            out,
            1,
            "A checkout, from the customer's request to the SQL and the confirmation that follows: one trace",
        );
        let (_, trace) = self.of(|visit| visit.correlation_id == OWN_ID)?;
        let tree = self.tree(trace, TELLING).await?;
        self.say(out, &tree);
        out.push('\n');
        let time = self.viewer.time_text(&trace.trace_id).await?;
        self.say(out, &time);
        out.push('\n');
        self.say(
            out,
            "The scope telemetry-core is that of the steps, made by hand; the others come with the libraries.",
        );
        Ok(())
    }

    async fn failures(&self, out: &mut String) -> Result<()> {
        self.heading(
            out,
            2,
            "Three that failed; ▶ marks the span where it went wrong",
        );
        for (case, about) in [
            (
                Case::CardDeclined,
                "The bank said no: an error to whoever asked it, an answer to everybody else.",
            ),
            (
                Case::SoldOut,
                "Nothing broke: no span is an error, and the step says why it stopped.",
            ),
            (
                Case::GatewayDown,
                "Something broke: every span on the way up to the customer is an error.",
            ),
        ] {
            let (visit, trace) = self.of(|visit| visit.case == case)?;
            let told = format!("The customer saw {} \"{}\".", case.status(), visit.refusal);
            let _ = writeln!(out, "   {}", self.terminal.paint.bold(&told));
            self.say(out, about);
            out.push('\n');
            let tree = self.tree(trace, BRIEF).await?;
            push_indented(
                out,
                &tree,
                culprit(trace).map(|span| span.title()),
                &self.terminal,
            );
            out.push('\n');
        }
        out.pop();
        Ok(())
    }

    async fn red(&self, out: &mut String) -> Result<()> {
        self.heading(
            out,
            3,
            "Rate, errors and duration by route, from the metrics",
        );
        let rows = self.viewer.red().await?;
        let rows: Vec<&RedRow> = rows.iter().collect();
        self.say(out, &table(&rows, self.inner()).join("\n"));
        out.push('\n');
        self.say(
            out,
            "Route - is what matched no route: one row for all such paths, however many there are.",
        );
        out.push_str("\n   And what the business counts, from /metrics of both services:\n\n");
        self.say(out, &self.business.join("\n"));
        Ok(())
    }

    async fn logs(&self, out: &mut String) -> Result<()> {
        let title = format!(
            "The {} log lines of all services about {OWN_ID}, found by this id alone",
            self.evidence.logs
        );
        self.heading(out, 4, &title);
        let width = self.inner().to_string();
        let logs = self.viewer.logs_text(OWN_ID, &width).await?;
        self.say(out, &logs);
        Ok(())
    }

    async fn tree(&self, trace: &Trace, attributes: &str) -> Result<String> {
        let width = self.inner().to_string();
        let colours = self.terminal.paint.is_on().to_string();
        let style = [
            ("attributes", attributes),
            ("width", width.as_str()),
            ("colours", colours.as_str()),
        ];
        self.viewer.tree_text(&trace.trace_id, &style).await
    }

    /// Columns beside the margin.
    fn inner(&self) -> usize {
        self.terminal.width - MARGIN
    }

    /// Adds text behind the margin.
    fn say(&self, out: &mut String, text: &str) {
        push_indented(out, text, None, &self.terminal);
    }

    /// The first visit of that kind and its trace.
    pub(crate) fn of(&self, wanted: impl Fn(&Visit) -> bool) -> Result<(&Visit, &Trace)> {
        let mut both = self.visits.iter().zip(&self.evidence.traces);
        both.find(|(visit, _)| wanted(visit))
            .ok_or_else(|| Failure::new("a request that was made is not in the report"))
    }

    fn heading(&self, out: &mut String, number: u32, title: &str) {
        out.push('\n');
        for line in wrap(&format!("{number}  {title}"), self.terminal.width) {
            let _ = writeln!(out, "{}", self.terminal.paint.bold(&line));
        }
        out.push('\n');
    }
}

/// Adds the text behind a margin, with an arrow where the span of that title is.
fn push_indented(out: &mut String, text: &str, marked: Option<String>, terminal: &Terminal) {
    // Titles repeat in a tree; the request ended at the last span of that title.
    let marked = marked.and_then(|title| {
        let lines = text.lines().enumerate();
        let matching = lines.filter(|(_, line)| plain(line).contains(&title));
        matching.last().map(|(at, _)| at)
    });
    for (at, line) in text.lines().enumerate() {
        for (part, folded) in folded(line, terminal.width - MARGIN).iter().enumerate() {
            let margin = if Some(at) == marked && part == 0 {
                terminal.paint.red(" ▶ ")
            } else {
                "   ".to_owned()
            };
            let _ = writeln!(out, "{margin}{folded}");
        }
    }
}

/// The line, broken between words if it is too long; the branches of a tree go on beside every part.
fn folded(line: &str, width: usize) -> Vec<String> {
    let text = plain(line);
    if text.chars().count() <= width {
        return vec![line.to_owned()];
    }
    let branches: String = text.chars().take_while(|it| " │".contains(*it)).collect();
    let rest = text.strip_prefix(&branches).unwrap_or_default();
    let room = width.saturating_sub(branches.chars().count());
    let parts = wrap(rest, room).into_iter();
    parts.map(|part| format!("{branches}{part}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::Paint;

    const TERMINAL: Terminal = Terminal {
        is_terminal: false,
        width: 80,
        paint: Paint::NONE,
    };

    #[test]
    fn a_line_that_is_too_long_goes_on_beside_the_branches() {
        assert_eq!(folded("│  short", 8), ["│  short"]);
        assert_eq!(
            folded("│  │   a=\"SELECT one FROM two\"", 20),
            ["│  │   a=\"SELECT one", "│  │     FROM two\""]
        );
    }

    #[test]
    fn the_span_that_went_wrong_is_marked_with_and_without_colours() {
        for (colour, end) in [("", ""), ("\u{1b}[1m", "\u{1b}[0m")] {
            let tree = format!(
                "a [web] SERVER\n└─ {colour}b{end} [web] CLIENT 1ms\n   └─ c [api] SERVER\n"
            );
            let mut out = String::new();
            push_indented(
                &mut out,
                &tree,
                Some("b [web] CLIENT".to_owned()),
                &TERMINAL,
            );
            let marked: Vec<bool> = out.lines().map(|line| line.contains('▶')).collect();
            assert_eq!(marked, [false, true, false], "{out}");
        }
    }
}
