use telemetry_core::step;

#[step]
struct Charge;

trait Gateway {
    #[step]
    fn charge(&self);
}

fn main() {
    let _ = Charge;
}
