//! The first screen: one trace, one failure and the figures of the routes, each with its address in the viewer.

mod rows;

use crate::cases::Case;
use crate::checkouts::OWN_ID;
use crate::failure::{Failure, Result};
use crate::red::table;
use crate::report::Report;
use crate::screen::rows::Waterfall;
use crate::terminal::fit;
use crate::verify::culprit;
use crate::viewer::RedRow;

/// Lines of the whole screen.
const LINES: usize = 30;
/// Routes in the table.
const ROUTES: usize = 4;

/// The text, at most [`LINES`] lines.
pub(crate) async fn write(report: &Report<'_>) -> Result<String> {
    let mut below = vec![String::new()];
    below.extend(failure(report)?);
    below.push(String::new());
    below.extend(routes(report).await?);
    below.push(next(report).to_owned());
    let mut lines = trace(report, LINES - below.len()).await?;
    lines.append(&mut below);
    Ok(lines.join("\n") + "\n")
}

/// The checkout with an id of its own: its waterfall, where the time went, and its address.
async fn trace(report: &Report<'_>, most: usize) -> Result<Vec<String>> {
    let (_, trace) = report.of(|visit| visit.correlation_id == OWN_ID)?;
    let text = report.viewer.waterfall_text(
        &trace.trace_id,
        report.terminal.width,
        report.terminal.paint.is_on(),
    );
    let text = text.await?;
    let waterfall = Waterfall::of(&text)
        .ok_or_else(|| Failure::new(format!("the viewer draws no waterfall: {text}")))?;
    let all = trace.spans.len();
    // The line of the address says how many spans there are.
    let title = waterfall.title.split(&format!(" {all} span")).next();
    let mut lines: Vec<String> = title.into_iter().map(str::to_owned).collect();
    lines.extend(waterfall.time.iter().map(|&line| line.to_owned()));
    lines.push(waterfall.axis.to_owned());
    let rows = waterfall.longest(most - lines.len() - 1);
    lines.extend(rows.into_iter().map(str::to_owned));
    let address = report.viewer.page(&format!("/traces/{}", trace.trace_id));
    lines.push(format!("  {address}  all {all} spans"));
    Ok(lines)
}

/// A checkout that broke: what the customer saw, where and why it went wrong, and its address.
fn failure(report: &Report<'_>) -> Result<Vec<String>> {
    let case = Case::GatewayDown;
    let (visit, trace) = report.of(|visit| visit.case == case)?;
    let span = culprit(trace)
        .ok_or_else(|| Failure::new("the checkout that failed has no span with an error"))?;
    let (paint, width) = (report.terminal.paint, report.terminal.width);
    let told = format!("One that failed: {} \"{}\"", case.status(), visit.refusal);
    let place = format!("  at   {}: {}", span.title(), span.reason());
    let log = &report.evidence.failure_log;
    let said = format!("  log  {} [{}] {}", log.severity, log.service, log.body);
    let address = report.viewer.page(&format!("/traces/{}", trace.trace_id));
    Ok(vec![
        paint.bold(&fit(&told, width)),
        paint.red(&fit(&place, width)),
        fit(&said, width),
        format!("  {address}"),
        format!(
            "  {}",
            report.viewer.page(&format!("/logs?id={}", trace.trace_id))
        ),
    ])
}

/// The routes with most requests, those of the customers first.
async fn routes(report: &Report<'_>) -> Result<Vec<String>> {
    let mut rows = report.viewer.red().await?;
    rows.sort_by(|a, b| b.requests.cmp(&a.requests).then(b.service.cmp(&a.service)));
    let most: Vec<&RedRow> = rows.iter().take(ROUTES).collect();
    let mut lines = table(&most, report.terminal.width);
    if let Some(heading) = lines.first_mut() {
        *heading = report.terminal.paint.bold(heading);
    }
    lines.push(format!("  {}", report.viewer.page("/routes")));
    Ok(lines)
}

fn next(report: &Report<'_>) -> &'static str {
    if report.stays {
        "All runs until Ctrl-C. Everything else: cargo run -p retail-demo -- --full"
    } else {
        "Stopped again. To leave it running: cargo run -p retail-demo -- --keep-running"
    }
}
