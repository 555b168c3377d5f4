//! The function as a step: its signature as it was, its body in the step.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Error, GenericArgument, ItemFn, PathArguments, PathSegment, Result, ReturnType, Type,
    TypeParamBound,
    ext::IdentExt as _,
    parse_quote,
    punctuated::Punctuated,
    spanned::Spanned as _,
    visit_mut::{VisitMut, visit_type_mut},
};

use crate::arguments::{Arguments, Attribute};

pub(crate) fn expand(arguments: TokenStream, function: TokenStream) -> Result<TokenStream> {
    let arguments: Arguments = syn::parse2(arguments)?;
    let function: ItemFn = syn::parse2(function)
        .map_err(|error| Error::new(error.span(), "`#[step]` goes on a function with a body"))?;
    if let Some(constness) = &function.sig.constness {
        return Err(Error::new_spanned(
            constness,
            "a const function cannot be a step: nothing is measured before the program runs",
        ));
    }
    if let ReturnType::Type(_, output) = &function.sig.output
        && let Type::Never(never) = &**output
    {
        return Err(Error::new_spanned(
            never,
            "a function that never returns cannot be a step: it has no outcome",
        ));
    }
    let body = body(&arguments, &function);
    let ItemFn {
        attrs, vis, sig, ..
    } = &function;
    Ok(quote! {
        #(#attrs)*
        #vis #sig {
            #body
        }
    })
}

fn body(arguments: &Arguments, function: &ItemFn) -> TokenStream {
    let block = &function.block;
    let step = step(arguments, function);
    let output = match &function.sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, output) => Type::clone(output),
    };
    let known = known(&output);
    // Errors about the body shall point at the body.
    let span = block.span();
    let this = Ident::new("__step", Span::mixed_site());
    let future = Ident::new("__future", Span::mixed_site());
    if function.sig.asyncness.is_some() {
        let statements = &block.stmts;
        let output = Ident::new("__output", Span::mixed_site());
        // An async block cannot say what it returns. A return that never happens can, and so mistakes are reported where
        // they are, not as a wrong type of the whole block.
        let future_of_body = quote_spanned! {span=>
            async move {
                #[allow(unreachable_code, clippy::all)]
                if false {
                    let #output: #known = loop {};
                    return #output;
                }
                #(#statements)*
            }
        };
        let run = run(arguments, &quote!(#this), &quote!(#future));
        return quote! {
            let #this = #step;
            let #future = #future_of_body;
            #run.await
        };
    }
    let closure = if matches!(output, Type::ImplTrait(_)) {
        quote_spanned!(span=> move || #block)
    } else {
        quote_spanned!(span=> move || -> #known #block)
    };
    match Returns::of(&output) {
        Returns::Value => {
            let in_scope = in_scope(arguments, &quote!(#this), &closure);
            quote! {
                let #this = #step;
                #in_scope
            }
        }
        returns => {
            let run = run(arguments, &quote!(#this), &quote!(#future));
            let run = match returns {
                Returns::Boxed => quote!(::std::boxed::Box::pin(#run)),
                _ => run,
            };
            quote! {
                let #this = #step;
                let #future = ::telemetry_core::step::__private::once(#closure);
                #run
            }
        }
    }
}

/// The description of the step.
fn step(arguments: &Arguments, function: &ItemFn) -> TokenStream {
    let name = match &arguments.name {
        Some(name) => quote!(#name),
        None => {
            let name = function.sig.ident.unraw().to_string();
            quote!(#name)
        }
    };
    let flow = arguments.flow.iter();
    let stage = arguments.stage.iter();
    let step = quote! {
        ::telemetry_core::step::step(#name) #(.flow(#flow))* #(.stage(#stage))*
    };
    if arguments.attributes.is_empty() {
        return step;
    }
    let attributes = arguments.attributes.iter().map(attribute);
    quote! {
        if ::telemetry_core::step::__private::wants_attributes() {
            #[allow(unused_imports)]
            use ::telemetry_core::step::__private::{TextArgument as _, TypedArgument as _};
            #step #(#attributes)*
        } else {
            #step
        }
    }
}

fn attribute(attribute: &Attribute) -> TokenStream {
    let Attribute {
        key,
        value,
        sensitive,
    } = attribute;
    let span = value.span();
    if *sensitive {
        return quote_spanned!(span=> .attr_sensitive(#key, &(#value)));
    }
    quote_spanned! {span=>
        .attr(#key, (&&::telemetry_core::step::__private::Argument(&(#value))).value())
    }
}

fn run(arguments: &Arguments, step: &TokenStream, future: &TokenStream) -> TokenStream {
    match &arguments.classify {
        Some(classify) => quote!(#step.run_with(#future, #classify)),
        None => {
            let judge = judge();
            quote!(::telemetry_core::step::__private::run(#step, #future, #judge))
        }
    }
}

fn in_scope(arguments: &Arguments, step: &TokenStream, closure: &TokenStream) -> TokenStream {
    match &arguments.classify {
        Some(classify) => quote!(#step.in_scope_with(#closure, #classify)),
        None => {
            let judge = judge();
            quote!(::telemetry_core::step::__private::in_scope(#step, #closure, #judge))
        }
    }
}

/// Finds by the output's type what it says.
fn judge() -> TokenStream {
    let output = Ident::new("__output", Span::mixed_site());
    quote! {
        |#output| {
            #[allow(unused_imports)]
            use ::telemetry_core::step::__private::{
                OfBox as _, OfError as _, OfOutput as _, OfReport as _, OfResult as _, OfValue as _,
            };
            (&&&&&&::telemetry_core::step::__private::Of(#output)).judge()
        }
    }
}

/// The type with a blank wherever only the compiler knows it.
fn known(output: &Type) -> Type {
    struct Blank;
    impl VisitMut for Blank {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(_) = ty {
                *ty = parse_quote!(_);
            } else {
                visit_type_mut(self, ty);
            }
        }
    }
    let mut known = output.clone();
    Blank.visit_type_mut(&mut known);
    known
}

/// What a function that is not async returns.
enum Returns {
    Value,
    /// Some type of future.
    Future,
    /// `Pin<Box<dyn Future>>`.
    Boxed,
}

impl Returns {
    fn of(output: &Type) -> Self {
        match output {
            Type::ImplTrait(some) if has_future(&some.bounds) => Self::Future,
            Type::Path(path) => match path.path.segments.last() {
                Some(last) if last.ident == "BoxFuture" || last.ident == "LocalBoxFuture" => {
                    Self::Boxed
                }
                Some(last) if last.ident == "Pin" && is_boxed_future(last) => Self::Boxed,
                _ => Self::Value,
            },
            _ => Self::Value,
        }
    }
}

fn is_boxed_future(pin: &PathSegment) -> bool {
    let Some(Type::Path(boxed)) = argument(pin) else {
        return false;
    };
    match boxed.path.segments.last() {
        Some(last) if last.ident == "Box" => {
            matches!(argument(last), Some(Type::TraitObject(object)) if has_future(&object.bounds))
        }
        _ => false,
    }
}

/// The first type between the angle brackets.
fn argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn has_future<P>(bounds: &Punctuated<TypeParamBound, P>) -> bool {
    bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Future"),
        _ => false,
    })
}
