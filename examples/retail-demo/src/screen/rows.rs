//! A waterfall of telemetry-viewer, shortened to the rows there is room for.

use crate::paint::plain;

/// A waterfall in parts.
#[derive(Debug)]
pub(super) struct Waterfall<'a> {
    /// The request, how long its caller waited, and how many spans there are, in one line.
    pub(super) title: String,
    /// Where the time went.
    pub(super) time: Vec<&'a str>,
    /// The times above the bars.
    pub(super) axis: &'a str,
    rows: Vec<Row<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Row<'a> {
    line: &'a str,
    depth: usize,
    seconds: f64,
    /// Tells if the row enters a service, which it names then, or begins the work after the answer.
    enters_service: bool,
    /// Tells if it began after the caller had its answer.
    after_answer: bool,
}

impl<'a> Waterfall<'a> {
    /// Takes the text apart; `None` if it is no waterfall of a trace in one piece.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let mut lines = text.lines();
        let above = lines
            .by_ref()
            .take_while(|line| !line.starts_with("trace "));
        let above: Vec<&str> = above.collect();
        let time = above.iter().position(|line| line.starts_with("where "))?;
        let (title, time) = above.split_at(time);
        let axis = lines.next()?;
        let first = Row::of(lines.next()?)?;
        // A line at the margin after the first row is about the trace, not about a span.
        let below = lines.take_while(|line| plain(line).starts_with(' '));
        let rows = std::iter::once(first).chain(below.filter_map(Row::of));
        Some(Self {
            title: title
                .iter()
                .map(|line| line.trim())
                .collect::<Vec<_>>()
                .join(" "),
            time: time.to_vec(),
            axis,
            rows: rows.collect(),
        })
    }

    /// At most so many rows, each with those above it. Of a call and the request that it became, the request stays.
    /// Then the rows that enter a service outlive others, and long ones outlive short ones.
    pub(super) fn longest(&self, most: usize) -> Vec<&'a str> {
        let mut rows: Vec<Row<'a>> = Vec::new();
        for row in &self.rows {
            let mut row = *row;
            // A long name leaves no room for that of the service.
            row.enters_service |=
                row.after_answer && !rows.last().is_some_and(|it| it.after_answer);
            if rows.len() > 1
                && let Some(call) = rows.pop_if(|above| row.is_received_from(above))
            {
                row.depth = call.depth;
            }
            rows.push(row);
        }
        while rows.len() > most.max(1) {
            let innermost = (1..rows.len()).filter(|at| {
                rows.get(at + 1)
                    .is_none_or(|next| next.depth <= rows[*at].depth)
            });
            let shortest = innermost.min_by(|a, b| rows[*a].weight().total_cmp(&rows[*b].weight()));
            let Some(shortest) = shortest else { break };
            rows.remove(shortest);
        }
        rows.into_iter().map(|row| row.line).collect()
    }
}

impl<'a> Row<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let text = plain(line);
        let indent = text.chars().take_while(|it| *it == ' ').count();
        // The last, because a name may look like a duration, too.
        let seconds = text.split_whitespace().filter_map(seconds).next_back()?;
        Some(Self {
            line,
            depth: indent / 2,
            seconds,
            enters_service: text.contains(" ["),
            // The viewer draws an arrow instead of a bar.
            after_answer: text.ends_with('→'),
        })
    }

    /// Tells if this is the request that the call above it became.
    fn is_received_from(&self, call: &Self) -> bool {
        self.enters_service && !self.after_answer && call.depth + 1 == self.depth
    }

    /// How much the row has to tell.
    fn weight(&self) -> f64 {
        match (self.enters_service, self.after_answer) {
            (true, _) => f64::MAX / 2.0 + self.seconds,
            (false, true) => 0.0,
            (false, false) => self.seconds,
        }
    }
}

fn seconds(word: &str) -> Option<f64> {
    let unit = word.find(|it: char| !it.is_ascii_digit() && it != '.')?;
    let (value, unit) = word.split_at(unit);
    let scale = match unit {
        "ns" => 1e-9,
        "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    Some(value.parse::<f64>().ok()? * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
POST /checkout web answered in 13.4ms
  26 spans 3 services
where the time went: database 56%
trace 2f0a
                                0      13.4ms
POST /checkout [web] 200   13.4ms █████████
  Flow                     12.7ms ████████
    Verify                 1.92ms ██
      GET 200              1.75ms ██
        GET /stock [api]    659µs  █
          SELECT            333µs  ▏
    Order                  3.54ms    ████
      POST 201             3.37ms    ████
        \u{1b}[31mPOST /orders [api]\u{1b}[0m  2.43ms \u{1b}[31m ████\u{1b}[0m
          BEGIN             273µs    ▏
          send              181µs     ▏
            process wor…   7.51ms   +95.5ms →
              Deliver      6.28ms   +95.7ms →
swallowed error: POST took 3.54ms
  and more in 2ms
";

    fn names(most: usize) -> Vec<String> {
        let rows = Waterfall::of(TEXT).unwrap().longest(most);
        let name = |line: &str| {
            plain(line)
                .split("  ")
                .find(|it| !it.is_empty())
                .map(str::to_owned)
        };
        rows.into_iter().filter_map(name).collect()
    }

    #[test]
    fn a_waterfall_is_taken_apart() {
        let waterfall = Waterfall::of(TEXT).unwrap();
        let title = "POST /checkout web answered in 13.4ms 26 spans 3 services";
        assert_eq!(waterfall.title, title);
        assert_eq!(waterfall.time, ["where the time went: database 56%"]);
        assert!(waterfall.axis.trim_start().starts_with('0'));
        assert_eq!(waterfall.rows.len(), 13);
        assert!(Waterfall::of("no trace 2f0a: not received yet\n").is_none());
    }

    #[test]
    fn the_longest_rows_stay_with_those_above_them() {
        let all = names(99).join(";");
        assert!(
            !all.contains("GET 200") && !all.contains("POST 201"),
            "{all}"
        );
        assert!(
            all.contains("GET /stock [api]") && all.contains("SELECT"),
            "{all}"
        );
        let few = names(9);
        let expected = [
            "POST /checkout [web] 200",
            "Flow",
            "Verify",
            "GET /stock [api]",
            "SELECT",
            "Order",
            "POST /orders [api]",
            "send",
            "process wor…",
        ];
        assert_eq!(few, expected);
        assert_eq!(names(0).len(), 1);
    }
}
