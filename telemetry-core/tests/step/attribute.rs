//! `#[step]` on every form of function.

use std::{
    fmt::{self, Display},
    future::{Future, pending, ready},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use telemetry_core::{
    Config, Service, StepOutput, Verdict, current_span,
    opentelemetry::{
        Context,
        trace::{
            FutureExt as _, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId,
            TraceState,
        },
    },
    sensitive::Sensitive,
    step,
    testing::TestTelemetry,
};

const FLOW: &str = "checkout";

const SHOWN: [&str; 5] = [
    "retail.flow",
    "retail.stage",
    "retail.outcome",
    "retail.reason",
    "error.type",
];

#[derive(Debug)]
enum Refused {
    Declined,
    Down,
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl Refused {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Declined => Verdict::Rejected("declined"),
            Self::Down => Verdict::Failed("down"),
        }
    }
}

#[step]
fn plain() {}

#[step(name = "Charge", flow = FLOW, stage = "payment", classify = Refused::verdict)]
async fn charge(cents: u32) -> Result<u32, Refused> {
    if cents == 0 {
        return Err(Refused::Declined);
    }
    tokio::task::yield_now().await;
    let checked = check(cents)?;
    Ok(checked)
}

#[step(flow = "checkout", classify = Refused::verdict)]
fn check(cents: u32) -> Result<u32, Refused> {
    let few = u16::try_from(cents).map_err(|_| Refused::Down)?;
    if few > 100 {
        return Err(Refused::Declined);
    }
    Ok(few.into())
}

#[tokio::test]
async fn functions_end_by_return_question_mark_and_value() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    plain();
    assert!(charge(0).await.is_err());
    assert_eq!(charge(7).await.unwrap(), 7);
    assert!(charge(101).await.is_err());
    assert!(charge(1_000_000).await.is_err());
    assert_eq!(
        telemetry.tree(&SHOWN),
        r#"INTERNAL plain retail.outcome="ok"
INTERNAL Charge retail.flow="checkout" retail.stage="payment" retail.outcome="rejected" retail.reason="declined"
INTERNAL Charge retail.flow="checkout" retail.stage="payment" retail.outcome="ok"
  INTERNAL check retail.flow="checkout" retail.outcome="ok"
INTERNAL Charge retail.flow="checkout" retail.stage="payment" retail.outcome="rejected" retail.reason="declined"
  INTERNAL check retail.flow="checkout" retail.outcome="rejected" retail.reason="declined"
INTERNAL Charge retail.flow="checkout" retail.stage="payment" retail.outcome="error" error.type="down" ERROR (refused)
  INTERNAL check retail.flow="checkout" retail.outcome="error" error.type="down" ERROR (refused)
"#
    );
}

struct Cart {
    skus: Vec<String>,
}

impl Cart {
    #[step(attrs(sku, retail.lines = self.skus.len()))]
    fn add(&mut self, sku: String) -> &mut String {
        self.skus.push(sku);
        let last = self.skus.len() - 1;
        &mut self.skus[last]
    }

    #[step]
    async fn first(&self) -> Option<&str> {
        Some(self.skus.first()?.as_str())
    }

    #[step]
    async fn drain(self) -> Vec<String> {
        self.skus
    }

    #[step]
    fn lines(&self) -> impl Iterator<Item = &str> + use<'_> {
        self.skus.iter().map(String::as_str)
    }

    #[step]
    fn take(&mut self) -> impl Future<Output = Option<String>> + use<'_> {
        async move { self.skus.pop() }
    }

    #[step]
    fn boxed<'a>(
        &'a mut self,
    ) -> Pin<Box<dyn Future<Output = Result<&'a str, Refused>> + Send + 'a>> {
        let first = self.skus.first_mut();
        Box::pin(async move { Ok(first.ok_or(Refused::Down)?.as_str()) })
    }

    #[step]
    fn also_boxed(&self) -> BoxFuture<'_, usize> {
        ready(self.skus.len()).boxed()
    }
}

#[tokio::test]
async fn methods_borrow_and_own_and_return_futures() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let mut cart = Cart { skus: Vec::new() };
    assert!(cart.first().await.is_none());
    cart.add("SKU".to_owned()).push_str("-1");
    assert_eq!(cart.first().await, Some("SKU-1"));
    assert_eq!(cart.lines().count(), 1);
    assert_eq!(cart.boxed().await.unwrap(), "SKU-1");
    assert_eq!(cart.also_boxed().await, 1);
    assert_eq!(cart.take().await.as_deref(), Some("SKU-1"));
    assert!(cart.boxed().await.is_err());
    drop(cart.take());
    assert_eq!(cart.drain().await.len(), 0);
    assert_eq!(
        telemetry.tree(&["retail.outcome", "sku", "retail.lines"]),
        r#"INTERNAL first retail.outcome="rejected"
INTERNAL add retail.outcome="ok" sku="SKU" retail.lines=0
INTERNAL first retail.outcome="ok"
INTERNAL lines retail.outcome="ok"
INTERNAL boxed retail.outcome="ok"
INTERNAL also_boxed retail.outcome="ok"
INTERNAL take retail.outcome="ok"
INTERNAL boxed retail.outcome="error" ERROR (refused)
INTERNAL drain retail.outcome="ok"
"#
    );
}

trait Gateway {
    async fn charge(&self, cents: u32) -> Result<(), Refused>;

    #[step]
    fn name(&self) -> &'static str {
        "gateway"
    }
}

#[async_trait::async_trait]
trait Repository<T: Send + Sync + 'static>: Sync {
    async fn find(&self, id: T) -> Option<T>;

    #[step]
    async fn count(&self) -> usize {
        0
    }
}

struct Real;

impl Gateway for Real {
    #[step(name = "Gateway", attrs(cents))]
    async fn charge(&self, cents: u32) -> Result<(), Refused> {
        tokio::task::yield_now().await;
        Err(Refused::Down)
    }
}

#[async_trait::async_trait]
impl<T: Send + Sync + Display + 'static> Repository<T> for Real {
    #[step(name = "Find", attrs(id))]
    async fn find(&self, id: T) -> Option<T> {
        tokio::task::yield_now().await;
        plain();
        Some(id)
    }
}

#[tokio::test]
async fn functions_of_traits_and_of_async_trait() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    assert!(Real.charge(7).await.is_err());
    assert_eq!(Real.name(), "gateway");
    let repository: Box<dyn Repository<&'static str>> = Box::new(Real);
    assert_eq!(repository.find("seven").await, Some("seven"));
    assert_eq!(repository.count().await, 0);
    assert_eq!(
        telemetry.tree(&["retail.outcome", "error.type", "cents", "id"]),
        r#"INTERNAL Gateway retail.outcome="error" error.type="step::attribute::Refused" cents=7 ERROR (refused)
INTERNAL name retail.outcome="ok"
INTERNAL Find retail.outcome="ok" id="seven"
  INTERNAL plain retail.outcome="ok"
INTERNAL count retail.outcome="ok"
"#
    );
}

#[derive(Debug)]
struct Mute;

struct Answer(u16);

impl StepOutput for Answer {
    fn verdict(&self) -> Verdict {
        match self.0 {
            200 => Verdict::Ok,
            _ => Verdict::Failed("gateway"),
        }
    }
}

#[step]
fn io_result() -> io::Result<()> {
    Err(io::Error::other("disk full"))
}

#[step]
async fn mute() -> Result<(), Mute> {
    Err(Mute)
}

#[step]
async fn generic<T, E>(result: Result<T, E>) -> Result<T, E>
where
    E: fmt::Debug,
{
    result
}

#[step]
fn some_number() -> Result<impl Display, Refused> {
    let number = u8::try_from(7_u32).map_err(|_| Refused::Down)?;
    Ok(number)
}

#[step]
async fn answer((status, _): (u16, bool)) -> Answer {
    Answer(status)
}

#[step]
fn longest<'a, const N: usize>(numbers: &'a [u8; N], _other: &str) -> &'a [u8] {
    &numbers[..]
}

#[tokio::test]
async fn the_output_says_what_it_can() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    assert!(io_result().is_err());
    assert!(mute().await.is_err());
    assert!(generic(Err::<(), _>(Mute)).await.is_err());
    assert_eq!(some_number().unwrap().to_string(), "7");
    assert_eq!(longest(&[1, 2], "other").len(), 2);
    assert_eq!(answer((500, true)).await.0, 500);
    assert_eq!(answer((200, true)).await.0, 200);
    assert_eq!(
        telemetry.tree(&["retail.outcome", "error.type"]),
        r#"INTERNAL io_result retail.outcome="error" error.type="std::io::error::Error" ERROR (disk full)
INTERNAL mute retail.outcome="error" error.type="step::attribute::Mute" ERROR
INTERNAL generic retail.outcome="error" error.type="step::attribute::Mute" ERROR
INTERNAL some_number retail.outcome="ok"
INTERNAL longest retail.outcome="ok"
INTERNAL answer retail.outcome="error" error.type="gateway" ERROR
INTERNAL answer retail.outcome="ok"
"#
    );
}

#[step(attrs(number, text, "quoted.key" = number * 2, truth = !text.is_empty(), sensitive(card), mail = sensitive(format!("{text}@shop"))))]
fn arguments(number: u64, text: &str, card: &str) {
    let _ = (number, text, card);
}

#[test]
fn arguments_become_attributes_and_sensitive_ones_their_hash() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    arguments(7, "ada", "tok_visa");
    let hash = telemetry_core::sensitive::hash;
    assert_eq!(
        telemetry.tree(&["number", "text", "quoted.key", "truth", "card", "mail"]),
        format!(
            "INTERNAL arguments number=7 text=\"ada\" quoted.key=14 truth=true card={:?} mail={:?}\n",
            hash("tok_visa"),
            hash("ada@shop")
        )
    );
}

#[step(attrs(never = sensitive(Never)))]
fn secretive() {
    current_span().set_sensitive("late", Never);
}

#[test]
fn where_sensitive_values_are_dropped_nobody_sees_them_in_any_form() {
    let telemetry = TestTelemetry::builder()
        .with_sensitive(Sensitive::Drop)
        .build();
    let _default = telemetry.providers().set_default();
    arguments(7, "ada", "tok_visa");
    secretive();
    let mut guard = step("Charge").attr_sensitive("card", Never).start();
    guard.attr_sensitive("late", Never);
    guard.ok();
    assert_eq!(
        telemetry.tree(&["number", "card", "mail", "never", "late"]),
        "INTERNAL arguments number=7\nINTERNAL secretive\nINTERNAL Charge\n"
    );
}

#[test]
fn a_setting_decides_what_becomes_of_sensitive_values() {
    for (setting, expected) in [
        (None, Sensitive::Hash),
        (Some("hash"), Sensitive::Hash),
        (Some("Drop"), Sensitive::Drop),
        (Some("show"), Sensitive::Hash),
    ] {
        let quiet = ["TRACES", "METRICS", "LOGS"].map(|it| (format!("OTEL_{it}_EXPORTER"), "none"));
        let setting = setting.map(|it| ("TELEMETRY_SENSITIVE_VALUES".to_owned(), it));
        let telemetry = Config::new(Service::new("shop"))
            .with_environment(quiet.into_iter().chain(setting.clone()))
            .build()
            .unwrap();
        assert_eq!(telemetry.providers().sensitive(), expected, "{setting:?}");
    }
}

struct Never;

impl Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("nobody asked")
    }
}

#[step(attrs(never))]
async fn lazily(never: Never) {
    let _ = never;
}

#[tokio::test]
async fn attributes_nobody_will_see_are_not_computed() {
    lazily(Never).await;
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let unsampled = SpanContext::new(
        TraceId::from(1),
        SpanId::from(2),
        TraceFlags::default(),
        false,
        TraceState::default(),
    );
    let unsampled = Context::new().with_remote_span_context(unsampled);
    lazily(Never).with_context(unsampled).await;
    assert_eq!(telemetry.tree(&[]), "");
}

#[step]
async fn slow() {
    pending::<()>().await;
}

#[step]
async fn panics() -> u8 {
    tokio::task::yield_now().await;
    panic!("oh")
}

#[step]
fn panics_now() -> Result<(), Refused> {
    panic!("oh")
}

#[tokio::test]
async fn a_dropped_function_is_cancelled_and_a_panicking_one_panicked() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    assert!(
        tokio::time::timeout(Duration::from_millis(1), slow())
            .await
            .is_err()
    );
    assert!(AssertUnwindSafe(panics()).catch_unwind().await.is_err());
    assert!(catch_unwind(panics_now).is_err());
    assert_eq!(
        telemetry.tree(&["retail.outcome"]),
        r#"INTERNAL slow retail.outcome="cancelled"
INTERNAL panics retail.outcome="panicked" ERROR (panicked)
INTERNAL panics_now retail.outcome="panicked" ERROR (panicked)
"#
    );
}

#[test]
fn futures_of_steps_stay_send() {
    fn is_send<T: Send>(_: T) {}
    is_send(charge(1));
    is_send(Real.charge(1));
    is_send(answer((1, true)));
}
