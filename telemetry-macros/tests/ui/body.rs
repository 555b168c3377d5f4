use telemetry_core::step;

#[step]
async fn charge() -> Result<u32, std::io::Error> {
    Ok("seven")
}

#[step(flow = 7)]
fn cancel() {}

fn main() {
    drop(charge());
    cancel();
}
