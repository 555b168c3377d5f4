use telemetry_core::step;

#[step(flow)]
fn charge() {}

fn main() {
    charge();
}
