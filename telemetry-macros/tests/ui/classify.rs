use telemetry_core::step;

#[step(classify = |_| true)]
fn charge() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {
    let _ = charge();
}
