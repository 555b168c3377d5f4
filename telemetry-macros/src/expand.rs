//! The expansion: a function with the same signature, whose body runs inside a step.

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

/// Expands to paths below `root`, or below the path of the argument `crate`.
pub(crate) fn expand(
    arguments: TokenStream,
    function: TokenStream,
    root: TokenStream,
) -> Result<TokenStream> {
    let arguments: Arguments = syn::parse2(arguments)?;
    let root = match &arguments.krate {
        Some(path) => quote!(#path),
        None => root,
    };
    let function: ItemFn = syn::parse2(function)
        .map_err(|error| Error::new(error.span(), "put `#[step]` on a function that has a body"))?;
    if let Some(constness) = &function.sig.constness {
        return Err(Error::new_spanned(
            constness,
            "a `const fn` cannot be a step, because the compiler may run it",
        ));
    }
    if let ReturnType::Type(_, output) = &function.sig.output
        && let Type::Never(never) = &**output
    {
        return Err(Error::new_spanned(
            never,
            "a function that never returns cannot be a step, because a step ends with an outcome",
        ));
    }
    let expansion = Expansion {
        arguments: &arguments,
        function: &function,
        root: &root,
    };
    let body = expansion.body();
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

struct Expansion<'a> {
    arguments: &'a Arguments,
    function: &'a ItemFn,
    /// The path of the crate with the module `step`.
    root: &'a TokenStream,
}

impl Expansion<'_> {
    fn body(&self) -> TokenStream {
        let output = match &self.function.sig.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, output) => Type::clone(output),
        };
        if self.function.sig.asyncness.is_some() {
            self.async_body(&output)
        } else {
            self.sync_body(&output)
        }
    }

    fn async_body(&self, output: &Type) -> TokenStream {
        let statements = &self.function.block.stmts;
        let known = known(output);
        let step = self.step();
        let this = Ident::new("__step", Span::mixed_site());
        let future = Ident::new("__future", Span::mixed_site());
        let output = Ident::new("__output", Span::mixed_site());
        // The compiler reports errors of the body at the span of the block. An async block cannot declare its type, but
        // an unreachable `return` can. So a mistake is reported at its own place, and not for the whole block.
        let body = quote_spanned! {self.function.block.span()=>
            async move {
                #[allow(unreachable_code, clippy::all)]
                if false {
                    let #output: #known = loop {};
                    return #output;
                }
                #(#statements)*
            }
        };
        let run = self.run(&quote!(#this), &quote!(#future));
        quote! {
            let #this = #step;
            let #future = #body;
            #run.await
        }
    }

    fn sync_body(&self, output: &Type) -> TokenStream {
        let block = &self.function.block;
        let step = self.step();
        let this = Ident::new("__step", Span::mixed_site());
        let future = Ident::new("__future", Span::mixed_site());
        let closure = if matches!(output, Type::ImplTrait(_)) {
            quote_spanned!(block.span()=> move || #block)
        } else {
            let known = known(output);
            quote_spanned!(block.span()=> move || -> #known #block)
        };
        let returns = Returns::of(output);
        if let Returns::Value = returns {
            let in_scope = self.in_scope(&quote!(#this), &closure);
            return quote! {
                let #this = #step;
                #in_scope
            };
        }
        let root = self.root;
        let run = self.run(&quote!(#this), &quote!(#future));
        let run = match returns {
            Returns::Boxed => quote!(::std::boxed::Box::pin(#run)),
            Returns::Future | Returns::Value => run,
        };
        quote! {
            let #this = #step;
            let #future = #root::step::__private::once(#closure);
            #run
        }
    }

    /// The description of the step.
    fn step(&self) -> TokenStream {
        let (arguments, root) = (self.arguments, self.root);
        let name = match &arguments.name {
            Some(name) => quote!(#name),
            None => {
                let name = self.function.sig.ident.unraw().to_string();
                quote!(#name)
            }
        };
        let flow = arguments.flow.iter();
        let stage = arguments.stage.iter();
        let step = quote! {
            #root::step::step(#name) #(.flow(#flow))* #(.stage(#stage))*
        };
        if arguments.attributes.is_empty() {
            return step;
        }
        let attributes = arguments.attributes.iter().map(|it| self.attribute(it));
        quote! {
            if #root::step::__private::wants_attributes() {
                #[allow(unused_imports)]
                use #root::step::__private::{TextArgument as _, TypedArgument as _};
                #step #(#attributes)*
            } else {
                #step
            }
        }
    }

    fn attribute(&self, attribute: &Attribute) -> TokenStream {
        let Attribute {
            key,
            value,
            sensitive,
        } = attribute;
        let root = self.root;
        let span = value.span();
        if *sensitive {
            return quote_spanned!(span=> .attr_sensitive(#key, &(#value)));
        }
        quote_spanned! {span=>
            .attr(#key, (&&#root::step::__private::Argument(&(#value))).value())
        }
    }

    fn run(&self, step: &TokenStream, future: &TokenStream) -> TokenStream {
        if let Some(classify) = &self.arguments.classify {
            return quote!(#step.run_with(#future, #classify));
        }
        let (root, judge) = (self.root, self.judge());
        quote!(#root::step::__private::run(#step, #future, #judge))
    }

    fn in_scope(&self, step: &TokenStream, closure: &TokenStream) -> TokenStream {
        if let Some(classify) = &self.arguments.classify {
            return quote!(#step.in_scope_with(#closure, #classify));
        }
        let (root, judge) = (self.root, self.judge());
        quote!(#root::step::__private::in_scope(#step, #closure, #judge))
    }

    /// A closure that reads the outcome of the step from the output, by the output's type.
    fn judge(&self) -> TokenStream {
        let root = self.root;
        let output = Ident::new("__output", Span::mixed_site());
        quote! {
            |#output| {
                #[allow(unused_imports)]
                use #root::step::__private::{
                    OfBox as _, OfError as _, OfOutput as _, OfReport as _, OfResult as _, OfValue as _,
                };
                (&&&&&&#root::step::__private::Of(#output)).judge()
            }
        }
    }
}

/// The type with `_` in place of each `impl Trait`, which only the compiler knows.
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

/// The kind of output of a function that is not async.
enum Returns {
    Value,
    /// `impl Future`.
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

/// The first type argument of a path segment.
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
