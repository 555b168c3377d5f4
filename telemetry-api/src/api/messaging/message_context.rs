//! The context that travels with a message.

use std::{fmt, str::FromStr as _};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    baggage::BaggageExt as _,
    propagation::{Extractor, Injector},
    trace::{SpanContext, TraceContextExt as _},
};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::{
    correlation::CorrelationId,
    instrument::{
        context,
        principal::without_principal,
        propagation::{PresentHeaders, Propagation},
        providers::Providers,
    },
    principal::Principal,
};

/// The key of the correlation id, the name of the header it has in HTTP.
const CORRELATION: &str = "x-correlation-id";

/// A longer text is not the work of this crate: the specification's 8192 bytes of baggage, three times over when encoded.
const MAX_BYTES: usize = 32 * 1024;
const MAX_FIELDS: usize = 64;

/// The bytes that separate fields in the text form, and those that a column or header may not hold.
const RESERVED: &AsciiSet = &CONTROLS.add(b'%').add(b'&').add(b'=').add(b'+').add(b' ');

/// The trace context, baggage, correlation id and principal of the sender of a message.
///
/// It is a handful of keys and values for any carrier: [`inject`](Self::inject) and [`extract`](Self::extract) for
/// carriers with keys, such as headers, `Display` and [`parse`](Self::parse) for one string, such as a column. The keys are those
/// of the propagation formats, by default `traceparent`, `tracestate` and `baggage`, and `x-correlation-id`.
///
/// Reading cannot fail: malformed, hostile and too long fields are left out. The principal is part of it, so everybody who
/// can read the messages can read `user.hash` and `user.roles`.
#[derive(Clone, Default)]
pub struct MessageContext(HeaderMap);

impl MessageContext {
    /// The context that is current now, for a message that is sent in a way of your own.
    pub fn current() -> Self {
        context::with_current(Self::of)
    }

    /// The part of this context that travels.
    pub fn of(cx: &Context) -> Self {
        let mut fields = HeaderMap::new();
        let named = Principal::in_baggage(cx);
        propagation().inject(named.as_ref().unwrap_or(cx), &mut fields);
        if let Some(id) = CorrelationId::of(cx)
            && let Ok(id) = HeaderValue::from_bytes(id.as_bytes())
        {
            let _ = fields.try_insert(CORRELATION, id);
        }
        Self(fields)
    }

    /// Writes it into a carrier with keys, such as a `HashMap<String, String>`.
    pub fn inject(&self, carrier: &mut dyn Injector) {
        for (key, value) in self.fields() {
            carrier.set(key, value.to_owned());
        }
    }

    /// Reads it from a carrier with keys; others than its own are left alone.
    pub fn extract(carrier: &dyn Extractor) -> Self {
        let mut message = Self::default();
        let mut bytes = 0;
        let formats = propagation();
        let is_own = own_keys(&formats);
        for key in carrier.keys() {
            if let Some(value) = carrier.get(key).filter(|_| is_own(key)) {
                bytes += key.len() + value.len();
                if bytes > MAX_BYTES {
                    return Self::default();
                }
                message.insert(key, value);
            }
        }
        message
    }

    /// Reads it from its text form, `key=value&key=value`, percent-encoded; others than its own keys are left alone.
    pub fn parse(text: &str) -> Self {
        let mut message = Self::default();
        if text.len() > MAX_BYTES {
            return message;
        }
        let formats = propagation();
        let is_own = own_keys(&formats);
        for field in text.split('&').take(MAX_FIELDS) {
            if let Some((key, value)) = field.split_once('=')
                && is_own(key)
                && let Ok(value) = percent_decode_str(value).decode_utf8()
            {
                message.insert(key, &value);
            }
        }
        message
    }

    /// The span that made the message.
    pub fn span_context(&self) -> Option<SpanContext> {
        let cx = propagation().extract(&Context::new(), &self.0);
        let span = cx.span().span_context().clone();
        span.is_valid().then_some(span)
    }

    /// The sender's correlation id.
    pub fn correlation_id(&self) -> Option<CorrelationId> {
        CorrelationId::parse(self.0.get(CORRELATION)?.to_str().ok()?)
    }

    /// A context with the sender's span as the remote one, its baggage and its correlation id.
    /// [`Destination`](super::Destination) does this and more.
    ///
    /// The principal is left out: whoever can write the message can name anybody. See
    /// [`attach_trusted_to`](Self::attach_trusted_to).
    #[must_use]
    pub fn attach_to(&self, cx: &Context) -> Context {
        self.attach(cx, false)
    }

    /// Like [`attach_to`](Self::attach_to), and with the principal that the sender names. Only where all senders are
    /// trusted.
    #[must_use]
    pub fn attach_trusted_to(&self, cx: &Context) -> Context {
        self.attach(cx, true)
    }

    pub(super) fn attach(&self, cx: &Context, trusted: bool) -> Context {
        let present = PresentHeaders::of(&self.0);
        let received = propagation().receive(cx.clone(), &self.0, present);
        let cx = match trusted {
            true => received.with_principal().into_context(),
            false => received.into_context(),
        };
        match self.correlation_id() {
            // The trace's own id needs no place of its own while the trace is the same, but here it may change.
            Some(id) => id.attach_to(&cx),
            None => cx,
        }
    }

    /// The same without the sender's span.
    pub(super) fn attach_without_trace(&self, cx: &Context, trusted: bool) -> Context {
        let carried = self.attach(&Context::new(), trusted);
        let mut cx = cx.clone();
        if let Some(id) = self.correlation_id() {
            cx = id.attach_to(&cx);
        }
        if let Some(principal) = Principal::of(&carried) {
            cx = principal.clone().attach_to(&cx);
        }
        let baggage = carried.baggage();
        if baggage.is_empty() {
            cx
        } else {
            cx.with_baggage(without_principal(baggage))
        }
    }

    fn insert(&mut self, key: &str, value: &str) {
        if let (Ok(key), Ok(value)) = (HeaderName::from_str(key), HeaderValue::from_str(value))
            && self.0.len() < MAX_FIELDS
        {
            let _ = self.0.try_insert(key, value);
        }
    }

    fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter_map(|(key, value)| Some((key.as_str(), value.to_str().ok()?)))
    }
}

/// The text form, for a column or a single header. At most a few hundred bytes, unless there is much baggage.
impl fmt::Display for MessageContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.fields().enumerate() {
            if index > 0 {
                f.write_str("&")?;
            }
            write!(f, "{key}={}", utf8_percent_encode(value, RESERVED))?;
        }
        Ok(())
    }
}

impl fmt::Debug for MessageContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageContext({self})")
    }
}

/// True for a key that these formats write, or that has the correlation id. A message must not pass on more.
fn own_keys(formats: &Propagation) -> impl Fn(&str) -> bool {
    move |key| key.eq_ignore_ascii_case(CORRELATION) || formats.writes(key)
}

fn propagation() -> Propagation {
    Providers::current().map_or_else(Propagation::default, |it| it.propagation().clone())
}
