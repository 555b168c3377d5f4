use telemetry_core::step;

#[step(flow = "checkout", flow = "returns")]
fn charge() {}

fn main() {
    charge();
}
