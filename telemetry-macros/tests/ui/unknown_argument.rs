use telemetry_core::step;

#[step(flow = "checkout", stag = "payment")]
fn charge() {}

fn main() {
    charge();
}
