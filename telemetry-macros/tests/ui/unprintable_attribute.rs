use telemetry_core::step;

struct Card;

#[step(attrs(card))]
fn charge(card: Card) {
    let _ = card;
}

fn main() {
    charge(Card);
}
