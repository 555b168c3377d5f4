//! What the demo prints.

mod next;
mod paint;

use std::fmt::Write;

use crate::cases::Case;
use crate::checkouts::{OWN_ID, Visit};
use crate::failure::{Failure, Result};
use crate::stage::{Addresses, Stage};
use crate::verify::{Evidence, culprit};
use crate::viewer::{Trace, Viewer};

pub(crate) use self::paint::Paint;

/// For a terminal of usual width, with a margin.
const WIDTH: usize = 110;
/// What stands before each line of a tree or table.
const MARGIN: usize = 3;
/// What tells the story of a request, in this order; the viewer keeps all the others, too.
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
    pub(crate) keep_running: bool,
    pub(crate) paint: Paint,
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
        next::write(&mut out, &self.stage.addresses, self.keep_running);
        if self.keep_running {
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
                format!("receives OTLP here and at {grpc} (gRPC)"),
            ),
            ("retail-api", api.as_str(), "exports over gRPC".to_owned()),
            (
                "retail-worker",
                "",
                "confirms the orders of retail-api, from its outbox".to_owned(),
            ),
            (
                "retail-web",
                web.as_str(),
                "exports over HTTP; this is the one customers call".to_owned(),
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
        push_indented(out, &tree, None, &self.paint);
        out.push('\n');
        let time = self.viewer.time_text(&trace.trace_id).await?;
        push_indented(out, &time, None, &self.paint);
        out.push_str("\n   The scope telemetry-core is that of the steps, made by hand; the others come with the libraries.\n");
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
            let _ = writeln!(out, "   {}\n   {about}\n", self.paint.bold(&told));
            let tree = self.tree(trace, BRIEF).await?;
            push_indented(
                out,
                &tree,
                culprit(trace).map(|span| span.title()),
                &self.paint,
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
        push_indented(out, &self.viewer.red_text().await?, None, &self.paint);
        out.push_str("\n   Route - is what matched no route: one row for all such paths, however many there are.\n");
        out.push_str("\n   And what the business counts, from /metrics of both services:\n\n");
        push_indented(out, &self.business.join("\n"), None, &self.paint);
        Ok(())
    }

    async fn logs(&self, out: &mut String) -> Result<()> {
        let title = format!(
            "The {} log lines of all services about {OWN_ID}, found by this id alone",
            self.evidence.logs
        );
        self.heading(out, 4, &title);
        let width = (WIDTH - MARGIN).to_string();
        let logs = self.viewer.logs_text(OWN_ID, &width).await?;
        push_indented(out, &logs, None, &self.paint);
        Ok(())
    }

    async fn tree(&self, trace: &Trace, attributes: &str) -> Result<String> {
        let width = (WIDTH - MARGIN).to_string();
        let colours = self.paint.is_on().to_string();
        let style = [
            ("attributes", attributes),
            ("width", width.as_str()),
            ("colours", colours.as_str()),
        ];
        self.viewer.tree_text(&trace.trace_id, &style).await
    }

    /// The first visit of that kind and its trace.
    fn of(&self, wanted: impl Fn(&Visit) -> bool) -> Result<(&Visit, &Trace)> {
        let mut both = self.visits.iter().zip(&self.evidence.traces);
        both.find(|(visit, _)| wanted(visit))
            .ok_or_else(|| Failure::new("a request that was made is not in the report"))
    }

    fn heading(&self, out: &mut String, number: u32, title: &str) {
        let _ = writeln!(
            out,
            "\n{}\n",
            self.paint.bold(&format!("{number}  {title}"))
        );
    }
}

/// Adds the text behind a margin, with an arrow where the span of that title is.
fn push_indented(out: &mut String, text: &str, marked: Option<String>, paint: &Paint) {
    // Titles repeat in a tree; the one that went wrong is what the request came to last.
    let marked = marked.and_then(|title| {
        let lines = text.lines().enumerate();
        let matching = lines.filter(|(_, line)| paint::plain(line).contains(&title));
        matching.last().map(|(at, _)| at)
    });
    for (at, line) in text.lines().enumerate() {
        let margin = if Some(at) == marked {
            paint.red(" ▶ ")
        } else {
            "   ".to_owned()
        };
        let _ = writeln!(out, "{margin}{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                &Paint::new(false),
            );
            let marked: Vec<bool> = out.lines().map(|line| line.contains('▶')).collect();
            assert_eq!(marked, [false, true, false], "{out}");
        }
    }
}
