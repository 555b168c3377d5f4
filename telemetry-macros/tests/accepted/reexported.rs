//! A crate of a company that re-exports telemetry-core to its applications.

mod platform {
    pub extern crate telemetry_core as telemetry;
}

use platform::telemetry::step;

#[step(crate = crate::platform::telemetry, flow = "checkout")]
fn reserve() -> std::pin::Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(async { 1 })
}

fn main() {
    drop(reserve());
}
