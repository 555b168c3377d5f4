//! One line for each request, at its end.

/// What a line says.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) method: &'static str,
    pub(crate) route: Option<&'a str>,
    pub(crate) status: Option<u16>,
    pub(crate) seconds: f64,
    pub(crate) request_bytes: Option<u64>,
    pub(crate) response_bytes: u64,
    pub(crate) outcome: &'static str,
}

/// Writes the line as an event of target `telemetry_axum::access`, level INFO, in the current context: the trace,
/// span and correlation ids come from there, as for any other log.
pub(crate) fn write(line: &Line<'_>) {
    tracing::info!(
        name: "http.server.request",
        target: "telemetry_axum::access",
        // A value like the others: the usual form, of a format, would be formatted each time.
        message = "request",
        http.request.method = line.method,
        http.route = line.route,
        http.response.status_code = line.status,
        http.request.body.size = line.request_bytes,
        http.response.body.size = line.response_bytes,
        telemetry.outcome = line.outcome,
        duration = line.seconds,
    );
}

/// What a line says of a gRPC call.
#[derive(Debug)]
pub(crate) struct CallLine<'a> {
    pub(crate) method: &'a str,
    pub(crate) status: Option<&'static str>,
    pub(crate) seconds: f64,
    pub(crate) request_bytes: Option<u64>,
    pub(crate) response_bytes: u64,
    pub(crate) outcome: &'static str,
}

/// Writes the line of a call, by the RPC conventions, like that of a request.
pub(crate) fn write_call(line: &CallLine<'_>) {
    tracing::info!(
        name: "rpc.server.call",
        target: "telemetry_axum::access",
        message = "call",
        rpc.system.name = "grpc",
        rpc.method = line.method,
        rpc.response.status_code = line.status,
        http.request.body.size = line.request_bytes,
        http.response.body.size = line.response_bytes,
        telemetry.outcome = line.outcome,
        duration = line.seconds,
    );
}
