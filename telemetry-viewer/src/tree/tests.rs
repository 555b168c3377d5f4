use super::*;
use crate::model::{SpanKind, TraceId, Value};

const TRACE: TraceId = TraceId([7; 16]);

fn id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

fn span(number: u64, parent: u64, name: &str) -> Span {
    Span {
        service: "web".into(),
        trace_id: TRACE,
        span_id: id(number),
        parent_span_id: (parent != 0).then(|| id(parent)),
        name: name.into(),
        kind: SpanKind::Internal,
        scope: String::new(),
        start_unix_nanos: number * 1000,
        end_unix_nanos: number * 1000 + 1_500_000,
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        status: SpanStatus::Unset,
        flags: 1,
        trace_state: String::new(),
        resource: Arc::default(),
    }
}

fn render(spans: Vec<Span>) -> String {
    Trace::new(TRACE, spans).render(&TreeStyle::plain())
}

#[test]
fn children_are_drawn_under_their_parent_in_order_of_start() {
    let spans = vec![
        span(5, 1, "third"),
        span(3, 2, "inner"),
        span(4, 1, "second"),
        span(2, 1, "first"),
        span(1, 0, "root"),
    ];
    assert_eq!(
        render(spans),
        "\
root [web] INTERNAL
├─ first [web] INTERNAL
│  └─ inner [web] INTERNAL
├─ second [web] INTERNAL
└─ third [web] INTERNAL
"
    );
}

#[test]
fn equal_starts_are_ordered_by_span_id() {
    let mut later = span(3, 1, "b");
    later.start_unix_nanos = 2000;
    let tree = render(vec![later, span(2, 1, "a"), span(1, 0, "root")]);
    assert!(
        tree.find(" a ").unwrap() < tree.find(" b ").unwrap(),
        "{tree}"
    );
}

#[test]
fn a_line_shows_duration_attributes_and_error() {
    let mut failed = span(1, 0, "GET /orders/{id}");
    failed.kind = SpanKind::Server;
    failed.attributes = vec![
        ("http.response.status_code".into(), Value::Int(500)),
        ("error.type".into(), Value::from("500")),
        ("db.query.text".into(), Value::from("SELECT 1")),
        ("other".into(), Value::Bool(true)),
    ];
    failed.status = SpanStatus::Error {
        message: "no\nstock".into(),
    };
    let trace = Trace::new(TRACE, vec![failed]);
    assert_eq!(
        trace.render(&TreeStyle::default()),
        "GET /orders/{id} [web] SERVER 1.50ms http.response.status_code=500 \
         db.query.text=\"SELECT 1\" ERROR 500 no\\nstock\n"
    );
    assert_eq!(
        trace.render(
            &TreeStyle::plain()
                .with_attributes(["other"])
                .with_error_mark("✗")
        ),
        "GET /orders/{id} [web] SERVER other=true ✗ 500 no\\nstock\n"
    );
    let all = trace.render(&TreeStyle::plain().with_all_attributes());
    assert!(
        all.contains("error.type=500 db.query.text=\"SELECT 1\" other=true"),
        "{all}"
    );
    let colours = trace.render(&TreeStyle::plain().with_colours(true));
    assert!(colours.contains("\u{1b}[1;31mERROR"), "{colours}");
}

#[test]
fn a_span_that_is_wider_than_the_terminal_goes_on_below_itself_beside_the_lines_of_the_tree() {
    let mut spans = vec![
        span(1, 0, "root"),
        span(2, 1, "first"),
        span(3, 2, "inner"),
        span(4, 1, "second"),
    ];
    for span in &mut spans {
        span.attributes = vec![
            ("db.query.text".into(), Value::from("SELECT 1")),
            ("rows".into(), Value::Int(1)),
        ];
    }
    let trace = Trace::new(TRACE, spans);
    let style = TreeStyle::plain().with_all_attributes().with_width(40);
    let tree = trace.render(&style);
    assert_eq!(
        tree,
        "\
root [web] INTERNAL
│    db.query.text=\"SELECT 1\" rows=1
├─ first [web] INTERNAL
│  │    db.query.text=\"SELECT 1\" rows=1
│  └─ inner [web] INTERNAL
│          db.query.text=\"SELECT 1\"
│          rows=1
└─ second [web] INTERNAL
        db.query.text=\"SELECT 1\" rows=1
"
    );
    let coloured = trace.render(&style.with_colours(true));
    assert_eq!(coloured.lines().count(), tree.lines().count(), "{coloured}");
}

#[test]
fn a_span_whose_parent_is_missing_is_a_root_that_says_so() {
    assert_eq!(
        render(vec![
            span(1, 0, "root"),
            span(2, 9, "orphan"),
            span(3, 2, "leaf")
        ]),
        "\
root [web] INTERNAL
orphan [web] INTERNAL (parent 0000000000000009 not received)
└─ leaf [web] INTERNAL
"
    );
}

#[test]
fn cycles_and_self_parents_are_drawn_once_and_end() {
    assert_eq!(
        render(vec![
            span(1, 1, "self"),
            span(2, 4, "a"),
            span(3, 2, "b"),
            span(4, 3, "c"),
            span(5, 4, "tail"),
        ]),
        "\
self [web] INTERNAL (parent 0000000000000001 leads into a cycle)
a [web] INTERNAL (parent 0000000000000004 leads into a cycle)
└─ b [web] INTERNAL
   └─ c [web] INTERNAL
      └─ tail [web] INTERNAL
"
    );
}

#[test]
fn a_chain_of_fifty_thousand_spans_neither_overflows_nor_explodes() {
    let spans = (1..=50_000).map(|n| span(n, n - 1, "deep")).collect();
    let tree = render(spans);
    assert_eq!(tree.lines().count(), 50_000);
    assert!(tree.len() < 50_000 * 300);
    let last = tree.lines().last().unwrap();
    assert!(last.contains("(depth 49999) deep"), "{last}");
}

#[test]
fn hostile_names_cannot_forge_lines_or_escape_sequences() {
    let mut hostile = span(1, 0, "a\n└─ forged [bank] SERVER\u{1b}[2J");
    hostile.service = "s\r\nx".into();
    hostile.attributes = vec![("k\ney".into(), Value::from("v\u{202e}\nx"))];
    let tree = Trace::new(TRACE, vec![hostile]).render(&TreeStyle::plain().with_all_attributes());
    assert_eq!(tree.lines().count(), 1, "{tree}");
    assert!(!tree.trim_end().contains(char::is_control), "{tree}");
}

#[test]
fn no_spans_render_as_nothing() {
    assert_eq!(render(Vec::new()), "");
}
