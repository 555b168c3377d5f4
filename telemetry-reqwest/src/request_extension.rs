//! What a single request can say of itself.

/// The template of a request's path, such as `/orders/{id}`: it names the span, and becomes `url.template` on the span
/// and on metrics.
///
/// It is `'static`, so that templates stay few. Cost: one string for the name of a sampled span.
///
/// ```
/// # let client = telemetry_reqwest::client(reqwest::Client::new());
/// use telemetry_reqwest::UrlTemplate;
///
/// let call = client.get("http://orders:8080/orders/42").with_extension(UrlTemplate("/orders/{id}"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlTemplate(pub &'static str);

/// Sends this request without trace context, baggage and correlation id. Its span is recorded as ever.
///
/// ```
/// # let client = telemetry_reqwest::client(reqwest::Client::new());
/// use telemetry_reqwest::NoPropagation;
///
/// let call = client.get("https://api.partner.example/").with_extension(NoPropagation);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoPropagation;
