use telemetry_core::step;

#[step(crate = "telemetry")]
fn charge() {}

fn main() {
    charge();
}
