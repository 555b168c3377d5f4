use telemetry_macros::api_step as step;

#[step]
fn charge() {}

fn main() {
    charge();
}
