//! The arguments of `#[step(..)]`.

use quote::ToTokens as _;
use syn::{
    Error, Expr, Ident, LitStr, Path, Result, Token,
    ext::IdentExt as _,
    parenthesized,
    parse::{Parse, ParseStream},
};

#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) name: Option<Expr>,
    pub(crate) flow: Option<Expr>,
    pub(crate) stage: Option<Expr>,
    pub(crate) classify: Option<Path>,
    /// The path of the crate that the expansion names.
    pub(crate) krate: Option<Path>,
    pub(crate) attributes: Vec<Attribute>,
}

/// One of `attrs(..)`.
pub(crate) struct Attribute {
    pub(crate) key: String,
    pub(crate) value: Expr,
    pub(crate) sensitive: bool,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        let mut seen = Vec::<Ident>::new();
        while !input.is_empty() {
            let key = Ident::parse_any(input)?;
            if seen.contains(&key) {
                return Err(Error::new(
                    key.span(),
                    format!("`{key}` is set twice: remove one"),
                ));
            }
            match key.to_string().as_str() {
                "name" => arguments.name = Some(value(input, &key)?),
                "flow" => arguments.flow = Some(value(input, &key)?),
                "stage" => arguments.stage = Some(value(input, &key)?),
                "classify" => arguments.classify = Some(path(input, &key, CLASSIFY)?),
                "crate" => arguments.krate = Some(path(input, &key, CRATE)?),
                "attrs" => {
                    let attributes;
                    parenthesized!(attributes in input);
                    let attributes = attributes.parse_terminated(Attribute::parse, Token![,])?;
                    arguments.attributes = attributes.into_iter().collect();
                }
                _ => {
                    return Err(Error::new(
                        key.span(),
                        format!(
                            "`#[step]` has no argument `{key}`: use `name`, `flow`, `stage`, `classify`, `attrs` or \
                             `crate`"
                        ),
                    ));
                }
            }
            seen.push(key);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

const CLASSIFY: &str = "`classify` needs the path of a function that maps the error to a `Verdict`, such as \
                        `classify = CheckoutError::verdict`";

const CRATE: &str = "`crate` needs the path of telemetry-core or telemetry-api, such as \
                     `crate = platform::telemetry_core`";

fn equals(input: ParseStream<'_>, key: &Ident) -> Result<()> {
    input
        .parse::<Token![=]>()
        .map(drop)
        .map_err(|_| Error::new(key.span(), format!("`{key}` needs a value: `{key} = ..`")))
}

fn value(input: ParseStream<'_>, key: &Ident) -> Result<Expr> {
    equals(input, key)?;
    input.parse()
}

fn path(input: ParseStream<'_>, key: &Ident, expected: &str) -> Result<Path> {
    equals(input, key)?;
    input
        .parse()
        .map_err(|error| Error::new(error.span(), expected))
}

impl Parse for Attribute {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let key = input.parse::<LitStr>()?.value();
            input.parse::<Token![=]>()?;
            return Self::of(key, input.parse()?);
        }
        let first = Ident::parse_any(input)?;
        if first == "sensitive" && input.peek(syn::token::Paren) {
            let inner;
            parenthesized!(inner in input);
            let argument: Ident = inner.parse()?;
            return Ok(Self {
                key: argument.unraw().to_string(),
                value: syn::parse2(argument.into_token_stream())?,
                sensitive: true,
            });
        }
        let mut key = first.unraw().to_string();
        let mut dotted = false;
        while input.peek(Token![.]) {
            input.parse::<Token![.]>()?;
            key.push('.');
            key.push_str(&Ident::parse_any(input)?.unraw().to_string());
            dotted = true;
        }
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            return Self::of(key, input.parse()?);
        }
        if dotted || first == "self" {
            return Err(Error::new(
                first.span(),
                format!(
                    "this attribute needs a key, such as `{} = {key}`",
                    key.replace("self.", "")
                ),
            ));
        }
        Ok(Self {
            key,
            value: syn::parse2(first.into_token_stream())?,
            sensitive: false,
        })
    }
}

impl Attribute {
    fn of(key: String, value: Expr) -> Result<Self> {
        if let Expr::Call(call) = &value
            && let Expr::Path(function) = &*call.func
            && function.path.is_ident("sensitive")
        {
            let mut values = call.args.iter();
            return match (values.next(), values.next()) {
                (Some(value), None) => Ok(Self {
                    key,
                    value: value.clone(),
                    sensitive: true,
                }),
                _ => Err(Error::new_spanned(
                    call,
                    "`sensitive(..)` takes exactly one value",
                )),
            };
        }
        Ok(Self {
            key,
            value,
            sensitive: false,
        })
    }
}
