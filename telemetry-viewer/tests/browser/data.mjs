// Telemetry that no ordinary service sends in a test.
const hex = (number, digits) => number.toString(16).padStart(digits, "0");
const text = (key, value) => ({ key, value: { stringValue: value } });
const BEGIN = 1_700_000_000_000_000_000n;

const span = (trace, id, parent, name, from, to, more = {}) => ({
  traceId: hex(trace, 32),
  spanId: hex(id, 16),
  parentSpanId: parent ? hex(parent, 16) : "",
  name,
  kind: 1,
  startTimeUnixNano: String(BEGIN + BigInt(Math.round(from * 1e6))),
  endTimeUnixNano: String(BEGIN + BigInt(Math.round(to * 1e6))),
  ...more,
});

const request = (service, spans) => ({
  resourceSpans: [{ resource: { attributes: [text("service.name", service)] }, scopeSpans: [{ spans }] }],
});

export const traceId = (trace) => hex(trace, 32);

/** One request that reads a list and then each of its items. */
export const nPlusOne = (trace, items) => {
  const reads = Array.from({ length: items }, (_, index) =>
    span(trace, index + 2, 1, "SELECT users", 5 + index, 5.9 + index, {
      kind: 3,
      attributes: [text("db.system.name", "postgresql"), text("db.query.text", "SELECT * FROM users WHERE id = $1")],
    }));
  const root = span(trace, 1, 0, "GET /report", 0, 10 + items, {
    kind: 2,
    attributes: [text("http.request.method", "GET"), text("http.route", "/report"),
      { key: "http.response.status_code", value: { intValue: "200" } }],
  });
  return request("reports", [root, ...reads]);
};

/** One trace whose spans all differ, so that nothing can be folded. */
export const allDifferent = (trace, spans) =>
  request("wide", Array.from({ length: spans }, (_, index) =>
    span(trace, index + 1, index ? 1 : 0, `step ${index}`, index, index ? index + 1 : spans)));

/** So many traces of two spans. */
export const many = (first, count) =>
  request("busy", Array.from({ length: count }, (_, index) => {
    const trace = first + index;
    return [
      span(trace, 1, 0, `GET /item/${index % 7}`, index, index + 1 + (index % 90), { kind: 2 }),
      span(trace, 2, 1, "load", index, index + 0.5),
    ];
  }).flat());

export const EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'\u202e\u2066\u001b[31m";

/** Names that want to be markup, turn the direction of writing, or are very long. */
export const hostile = (trace) => {
  const attributes = [
    text(EVIL, EVIL), text("http.request.method", EVIL), text("http.route", EVIL), text("url.path", EVIL),
    text("http.response.status_code", EVIL), text("db.query.text", EVIL), text("long", "x".repeat(10_000)),
  ];
  const failed = { code: 2, message: EVIL };
  const event = { timeUnixNano: String(BEGIN), name: "exception", attributes: [text("exception.stacktrace", EVIL + "\n\tat " + EVIL)] };
  return request(EVIL, [
    span(trace, 1, 0, EVIL, 0, 20, { kind: 2, attributes, status: failed, events: [event] }),
    span(trace, 2, 1, "y".repeat(10_000), 5, 10, { attributes, status: failed }),
    span(trace, 3, 2, "漢字 עברית ✓", 5, 10),
  ]);
};

export const checkout = (trace, failed) => {
  const status = failed ? { code: 2, message: "card declined" } : {};
  return request("shop", [
    span(trace, 1, 0, "POST /checkout", 0, 40, { kind: 2, status }),
    span(trace, 2, 1, "charge", 5, 30, { status }),
  ]);
};

export const log = (trace, body) => ({
  resourceLogs: [{
    resource: { attributes: [text("service.name", "shop")] },
    scopeLogs: [{ logRecords: [{
      timeUnixNano: String(BEGIN + 7_000_000n), severityNumber: 17, severityText: "ERROR", body: { stringValue: body },
      traceId: trace ? hex(trace, 32) : "", spanId: trace ? hex(2, 16) : "",
    }] }],
  }],
});
