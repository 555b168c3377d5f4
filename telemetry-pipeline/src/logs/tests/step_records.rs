//! Records of steps.

use std::fmt;

use crate::testing::TestTelemetry;

#[tokio::test]
async fn the_record_of_a_step_has_the_keys_of_its_span() {
    let telemetry = TestTelemetry::builder().with_namespace("shop").build();
    let _default = telemetry.set_default();
    let step = telemetry_api::step("Reserve")
        .flow("checkout")
        .stage("stock");
    let failed = step.run(async { Err::<(), _>(fmt::Error) }).await;
    failed.unwrap_err();
    // An event of the application keeps its names.
    tracing::info!(flow = "mine", "not a step");
    let logs = telemetry.logs();
    for (key, value) in [
        ("shop.flow", "checkout"),
        ("shop.stage", "stock"),
        ("shop.outcome", "error"),
    ] {
        assert_eq!(logs[0].field(key), Some(&value.into()), "{}", logs[0]);
        let span = telemetry.assert_span("Reserve").with(key, value);
        span.count(1);
    }
    assert_eq!(logs[0].field("flow"), None);
    assert_eq!(logs[1].field("flow"), Some(&"mine".into()));
}
