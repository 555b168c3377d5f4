//! Jobs and messages between services: the context that travels with them, and the spans and metrics of both ends.
//!
//! ```
//! use telemetry_api::messaging::{Destination, MessageContext};
//!
//! const CONFIRMATIONS: Destination = Destination::new("outbox", "order-confirmations");
//!
//! # async fn insert(_: String) -> Result<(), std::io::Error> { Ok(()) }
//! # async fn confirm() -> Result<(), std::io::Error> { Ok(()) }
//! # async fn example() -> Result<(), std::io::Error> {
//! // The sender keeps the context with the message: here as text, in a column.
//! CONFIRMATIONS.send(|context| insert(context.to_string())).await?;
//!
//! # let column = String::new();
//! // The consumer, in another process and any time later.
//! let context = MessageContext::parse(&column);
//! CONFIRMATIONS.process(&context, confirm()).await?;
//! # Ok(()) }
//! ```

mod message_context;
mod operation;

pub use message_context::MessageContext;

use std::{fmt::Display, future::Future, slice};

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanKind, TraceContextExt as _},
};

use self::operation::{Running, by_type, observe};
use crate::{instrument::context::with_current, principal::Principal, step::Verdict};
use telemetry_semconv::messaging::Operation;

/// Where messages are sent to and consumed from. Its names are `'static`, so that they stay few.
///
/// Each method runs a future as one operation: a span, a measurement of its duration and a count of messages. An `Err`
/// makes the span an error, with the name of its type as `error.type`; dropped before its end it is `cancelled`.
/// Without a pipeline the future runs as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    system: &'static str,
    name: &'static str,
    continues: bool,
    trusts: bool,
    attempt: Option<u32>,
}

impl Destination {
    /// The queue, topic or table of this name in a messaging system, such as `kafka`, `rabbitmq` or one of your own.
    pub const fn new(system: &'static str, name: &'static str) -> Self {
        Self {
            system,
            name,
            continues: false,
            trusts: false,
            attempt: None,
        }
    }

    /// A message that is processed alone continues the trace it was sent in, as a child of the sender's span, and has
    /// the current span, if there is one, as a link.
    ///
    /// Default: processing is a child of the current span, else a trace of its own, and the sender's span is a link,
    /// because that holds for batches and for messages that wait for days, too (semantic conventions 1.44, messaging
    /// spans). For jobs that follow soon and belong to their request, one trace tells more.
    #[must_use]
    pub const fn continuing_traces(mut self) -> Self {
        self.continues = true;
        self
    }

    /// Takes the principal of a message from its baggage: for a queue that only services of your own can write to.
    ///
    /// Default: the principal is left out, because whoever can write a message can name anybody.
    #[must_use]
    pub const fn trusting_senders(mut self) -> Self {
        self.trusts = true;
        self
    }

    /// This is attempt number so and so to process the message, from 1: `messaging.message.delivery_attempt` of the span.
    ///
    /// ```
    /// use telemetry_api::{Verdict, messaging::{Destination, MessageContext}};
    ///
    /// const MAILS: Destination = Destination::new("outbox", "mails");
    ///
    /// # async fn deliver() -> Result<(), std::io::Error> { Ok(()) }
    /// # async fn example(message: &MessageContext, attempt: u32) -> Result<(), std::io::Error> {
    /// let last = attempt == 5;
    /// let verdict = |_: &std::io::Error| match last {
    ///     false => Verdict::Rejected("retry"),
    ///     true => Verdict::Failed("mail_server"),
    /// };
    /// MAILS.with_attempt(attempt).process_with(message, deliver(), verdict).await
    /// # }
    /// ```
    #[must_use]
    pub const fn with_attempt(mut self, attempt: u32) -> Self {
        self.attempt = Some(attempt);
        self
    }

    /// Sends one message: a `send` span of kind producer, whose context goes with the message.
    pub async fn send<F, T, E>(&self, send: impl FnOnce(MessageContext) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        let running = with_current(|parent| {
            Running::start(self, Operation::Send, SpanKind::Producer, parent, &[], None)
        });
        let message = match &running {
            Some(running) => MessageContext::of(running.context()),
            None => MessageContext::current(),
        };
        observe(running, async move { send(message).await }, by_type).await
    }

    /// Makes one message of a batch: a `create` span of its own, so that its consumer can tell it from the others.
    pub fn create(&self) -> MessageContext {
        let running = with_current(|parent| {
            Running::start(
                self,
                Operation::Create,
                SpanKind::Producer,
                parent,
                &[],
                None,
            )
        });
        let Some(running) = running else {
            return MessageContext::current();
        };
        let message = MessageContext::of(running.context());
        running.succeeded();
        message
    }

    /// Sends messages that were [created](Self::create) before: a `send` span of kind client with a link to each.
    pub async fn send_batch<F, T, E>(&self, messages: &[MessageContext], send: F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        let links = links(messages);
        let count = Some(messages.len());
        let running = with_current(|parent| {
            Running::start(
                self,
                Operation::Send,
                SpanKind::Client,
                parent,
                &links,
                count,
            )
        });
        observe(running, send, by_type).await
    }

    /// Processes one message: a `process` span with a link to the sender's, and the message's correlation id, principal
    /// and baggage for all that is logged and called meanwhile.
    pub async fn process<F, T, E>(&self, message: &MessageContext, process: F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        self.process_with(message, process, by_type).await
    }

    /// Like [`process`](Self::process), with the meaning of errors decided by `classify`: an attempt that will be repeated is
    /// no error yet. [`Verdict::Ok`] and [`Verdict::Rejected`] leave the span's status unset, and a rejected one has a log
    /// record at INFO with the reason.
    pub async fn process_with<F, T, E>(
        &self,
        message: &MessageContext,
        process: F,
        classify: impl Fn(&E) -> Verdict,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        let mut links = links(slice::from_ref(message));
        // The batch has counted it.
        let counted = with_current(|ambient| {
            let batch = ambient.get::<InBatch>();
            batch.is_some_and(|batch| batch.0 == self.name)
        });
        let cx = with_current(|ambient| {
            let span = ambient.span();
            let span = span.span_context();
            if self.continues && message.span_context().is_some() {
                links.extend(span.is_valid().then(|| span.clone()));
                return message.attach(&Context::new(), self.trusts);
            }
            // Baggage and ids are the message's, the trace is the consumer's.
            message.attach_without_trace(ambient, self.trusts)
        });
        let kind = SpanKind::Consumer;
        let mut running = Running::start(self, Operation::Process, kind, &cx, &links, None);
        if let Some(running) = &mut running {
            if counted {
                running.counts_nothing();
            }
            running.correlate();
            if let Some(principal) = Principal::of(&cx) {
                principal.record_on(&running.context().span());
            }
        }
        observe(running, process, classify).await
    }

    /// Processes several messages at once: a `process` span with a link to each sender's. Whose correlation id it had
    /// would be arbitrary, so it has none but its own. Wrap the work on one message in
    /// [`process`](Self::process).
    pub async fn process_batch<F, T, E>(
        &self,
        messages: &[MessageContext],
        process: F,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Display,
    {
        let links = links(messages);
        let count = Some(messages.len());
        let kind = SpanKind::Consumer;
        let mut running = with_current(|parent| {
            Running::start(self, Operation::Process, kind, parent, &links, count)
        });
        if let Some(running) = &mut running {
            running.carry(InBatch(self.name));
        }
        observe(running, process, by_type).await
    }
}

/// The context belongs to a batch of this destination, whose messages are counted there.
struct InBatch(&'static str);

/// The spans that made the messages; a message without one has no link.
fn links(messages: &[MessageContext]) -> Vec<SpanContext> {
    messages
        .iter()
        .filter_map(MessageContext::span_context)
        .collect()
}
