use telemetry_core::step;

#[step]
const fn cents(euros: u32) -> u32 {
    euros * 100
}

fn main() {
    cents(1);
}
