//! A dependency with another name, as `telemetry = { package = "telemetry-core" }` in `Cargo.toml` makes it. Nothing
//! else is imported, so no path of the expansion is below another crate by chance.

extern crate telemetry_core as telemetry;

use telemetry::step;

#[step(crate = telemetry, attrs(cents))]
fn charge(cents: u32) -> Result<u32, std::fmt::Error> {
    Ok(cents)
}

#[step(crate = ::telemetry, flow = "checkout")]
async fn reserve() -> Option<u32> {
    Some(1)
}

fn main() {
    assert_eq!(charge(7), Ok(7));
    drop(reserve());
}
