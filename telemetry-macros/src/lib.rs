#![doc = include_str!("../README.md")]

mod arguments;
mod expand;

use proc_macro::TokenStream;
use quote::quote;

/// Makes a function a business step, as `telemetry_core::step` does with a future or closure.
///
/// It goes on sync and async functions, on methods, and on functions of traits and their implementations, also with
/// `async_trait`. If a function returns `impl Future`, `Pin<Box<dyn Future>>` or `BoxFuture`, the future is the step.
///
/// The output decides how the step ended. A `Result`, an `Option` or a `StepOutput` decides as with `step`. Any other
/// value is a success.
///
/// # Arguments
///
/// All are optional.
///
/// | argument | default | meaning |
/// |---|---|---|
/// | `name = ".."` | the name of the function | the name of the step |
/// | `flow = ".."` | none | the business process that the step belongs to |
/// | `stage = ".."` | none | the part of the flow |
/// | `classify = path` | the error's own | a function that maps the error to a `Verdict` |
/// | `attrs(..)` | none | span attributes: `argument`, `key = expression`, `sensitive(argument)` or `key = sensitive(expression)` |
/// | `crate = path` | `::telemetry_core` | the path of telemetry-core, if the dependency is renamed or re-exported by another crate |
///
/// Attributes are evaluated when the step begins, and only if its span may be recorded.
///
/// # Example
///
/// ```
/// use telemetry_core::step;
///
/// #[step(name = "Verify_Inventory_Status", flow = "checkout", stage = "inventory", attrs(sku, retail.count = quantity))]
/// async fn verify(sku: &str, quantity: u32) -> Result<bool, std::io::Error> {
///     Ok(quantity > 0)
/// }
/// ```
#[proc_macro_attribute]
pub fn step(arguments: TokenStream, function: TokenStream) -> TokenStream {
    expand(arguments, function, quote!(::telemetry_core))
}

/// [`step`](macro@step) for libraries, which depend on telemetry-api and not on telemetry-core: the expansion names
/// `::telemetry_api`. telemetry-api exports it under the name `step`.
#[proc_macro_attribute]
pub fn api_step(arguments: TokenStream, function: TokenStream) -> TokenStream {
    expand(arguments, function, quote!(::telemetry_api))
}

fn expand(
    arguments: TokenStream,
    function: TokenStream,
    root: proc_macro2::TokenStream,
) -> TokenStream {
    let original = function.clone();
    match expand::expand(arguments.into(), function.into(), root) {
        Ok(expanded) => expanded.into(),
        Err(error) => {
            // The original function follows the error, so that the compiler reports no further errors about its use.
            let mut tokens = TokenStream::from(error.into_compile_error());
            tokens.extend(original);
            tokens
        }
    }
}
