//! The macro of telemetry-api, in a crate that has telemetry-core too. Here telemetry-api is a second name of
//! telemetry-core, which has the same module `step`.

extern crate telemetry_core as telemetry_api;

mod library {
    use telemetry_macros::api_step as step;

    #[step(flow = "checkout", attrs(cents))]
    pub(crate) fn charge(cents: u32) -> Result<u32, std::fmt::Error> {
        Ok(cents)
    }
}

mod application {
    use telemetry_core::step;

    #[step(flow = "checkout")]
    pub(crate) fn pay() -> Result<u32, std::fmt::Error> {
        crate::library::charge(7)
    }
}

fn main() {
    assert_eq!(application::pay(), Ok(7));
}
