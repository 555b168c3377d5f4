#![doc = include_str!("../README.md")]

mod arguments;
mod expand;

use proc_macro::TokenStream;

/// Makes a function a business step, as `telemetry_core::step` does with a future or closure.
///
/// Arguments, all optional: `name = ".."` (default: the function's), `flow = ".."`, `stage = ".."`,
/// `classify = path` (a function from the error to a `Verdict`), and `attrs(..)`: what becomes an attribute of the span,
/// each one an argument's name, `key = expression`, or one of these with the value in `sensitive(..)`.
///
/// ```
/// use telemetry_core::step;
///
/// #[step(name = "Verify_Inventory_Status", flow = "checkout", stage = "inventory", attrs(sku, retail.count = quantity))]
/// async fn verify(sku: &str, quantity: u32) -> Result<bool, std::io::Error> {
///     Ok(quantity > 0)
/// }
/// ```
///
/// It goes on sync and async functions, methods, functions of traits and their implementations, those of `async_trait`
/// included, and on functions that return `impl Future`, `Pin<Box<dyn Future>>` or `BoxFuture`: then the future is the
/// step. The output says how the step ended: a `Result`, an `Option` or a `StepOutput` as with `step`; any other value
/// is ok.
///
/// Attributes are evaluated when the step begins, and only if its span may be recorded.
#[proc_macro_attribute]
pub fn step(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let original = function.clone();
    match expand::expand(arguments.into(), function.into()) {
        Ok(expanded) => expanded.into(),
        Err(error) => {
            // With the function as it was, the mistake is the only one the compiler has to tell.
            let mut tokens = TokenStream::from(error.into_compile_error());
            tokens.extend(original);
            tokens
        }
    }
}
