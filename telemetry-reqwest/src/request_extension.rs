//! Extensions that a caller puts on a single request.

/// The template of a request's path, such as `/orders/{id}`. It becomes a part of the span's name, and `url.template` on
/// the span and on metrics. Default: no template.
///
/// It is `'static`, so that a program has few templates. Cost: one allocation, for the name of a sampled span.
///
/// ```
/// # let client = telemetry_reqwest::client(reqwest::Client::new());
/// use telemetry_reqwest::UrlTemplate;
///
/// let call = client.get("http://orders:8080/orders/42").with_extension(UrlTemplate("/orders/{id}"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlTemplate(pub &'static str);

/// Sends this request without trace context, baggage and correlation id. Its span and metrics are recorded.
///
/// ```
/// # let client = telemetry_reqwest::client(reqwest::Client::new());
/// use telemetry_reqwest::NoPropagation;
///
/// let call = client.get("https://api.partner.example/").with_extension(NoPropagation);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoPropagation;
