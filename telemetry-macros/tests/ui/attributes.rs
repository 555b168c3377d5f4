use telemetry_core::step;

struct Cart {
    lines: usize,
}

impl Cart {
    #[step(attrs(self.lines))]
    fn check(&self) {}

    #[step(attrs(mail = sensitive()))]
    fn send(&self) {}
}

fn main() {
    let cart = Cart { lines: 1 };
    cart.check();
    cart.send();
    let _ = cart.lines;
}
