//! Jobs: their batches, errors and attempts.

use std::future::Future;

use futures_util::FutureExt as _;
use opentelemetry::trace::Status;
use telemetry_api::{
    Verdict,
    messaging::{Destination, MessageContext},
    step,
};
use telemetry_pipeline::testing::TestTelemetry;
use tracing::Level;

const JOBS: Destination = Destination::new("outbox", "jobs");
const CONSUMED: &str = "messaging_client_consumed_messages_total{messaging_destination_name=\"jobs\",messaging_operation_name=\"process\",messaging_system=\"outbox\"}";

fn done<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

#[test]
fn messages_that_a_batch_processes_one_by_one_are_counted_once() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let messages = [JOBS.create(), JOBS.create(), JOBS.create()];
    let all = async {
        for message in &messages {
            JOBS.process(message, async { Ok::<_, String>(()) }).await?;
        }
        Ok::<_, String>(())
    };
    done(JOBS.process_batch(&messages, all)).unwrap();
    assert_eq!(telemetry.metric(CONSUMED), Some(3.0));
    let durations = CONSUMED.replace(
        "client_consumed_messages_total",
        "process_duration_seconds_count",
    );
    assert_eq!(telemetry.metric(&durations), Some(4.0));

    done(JOBS.process(&messages[0], async { Ok::<_, String>(()) })).unwrap();
    assert_eq!(telemetry.metric(CONSUMED), Some(4.0));
}

#[test]
fn an_error_outside_of_a_step_is_one_record_in_the_span_where_it_ended() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let refused = || anyhow::anyhow!("refused").context("get http://h/?token=s3cret");
    let failed = async { Err::<(), _>(refused()) };
    done(JOBS.process(&MessageContext::default(), failed)).unwrap_err();
    telemetry
        .assert_log("message failed")
        .level(Level::ERROR)
        .target("telemetry_core::messaging")
        .with("messaging.destination.name", "jobs")
        .with("error.type", "_OTHER")
        .with("exception.message", "get http://h/?token=REDACTED")
        .with("exception.cause", "refused")
        .in_span("process jobs")
        .count(1);
    let spans = telemetry.spans();
    assert_eq!(
        spans[0].status,
        Status::error("get http://h/?token=REDACTED")
    );

    done(JOBS.send(|_| async { Err::<(), _>("full") })).unwrap_err();
    telemetry
        .assert_log("message failed")
        .with("exception.message", "full")
        .in_span("send jobs");
}

#[test]
fn an_error_of_a_step_inside_has_no_second_record() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let inside = async { step("Deliver").in_scope(|| Err::<(), _>("bounced")) };
    done(JOBS.process(&MessageContext::default(), inside)).unwrap_err();
    let recorded = telemetry.logs();
    let recorded = recorded
        .iter()
        .filter(|log| log.field("exception.message").is_some());
    assert_eq!(recorded.count(), 1);
}

#[test]
fn an_attempt_that_will_be_repeated_is_no_error() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let verdict = |last: bool| {
        move |_: &std::fmt::Error| match last {
            false => Verdict::Rejected("retry"),
            true => Verdict::Failed("mail_server"),
        }
    };
    for (attempt, last) in [(1, false), (2, true)] {
        let work = async { Err::<(), _>(std::fmt::Error) };
        let job = JOBS.with_attempt(attempt);
        done(job.process_with(&MessageContext::default(), work, verdict(last))).unwrap_err();
    }
    assert_eq!(
        telemetry.tree(&["messaging.message.delivery_attempt", "error.type"]),
        "CONSUMER process jobs messaging.message.delivery_attempt=1\n\
         CONSUMER process jobs messaging.message.delivery_attempt=2 error.type=\"mail_server\" ERROR (an error occurred when formatting an argument)\n"
    );
    telemetry
        .assert_log("message rejected")
        .level(Level::INFO)
        .with("reason", "retry");
    telemetry
        .assert_log("message failed")
        .level(Level::ERROR)
        .with("error.type", "mail_server");
}
