use telemetry_core::step;

#[step]
async fn serve() -> ! {
    loop {}
}

fn main() {
    drop(serve());
}
