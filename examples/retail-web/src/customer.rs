//! The customer, as the request names one.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{header::AUTHORIZATION, request::Parts},
};
use telemetry_axum::Identified;
use telemetry_core::Principal;

/// A customer who has logged in, or a guest.
#[derive(Debug)]
pub(crate) struct Customer(Option<(&'static str, &'static [&'static str])>);

impl<S: Sync> FromRequestParts<S> for Customer {
    type Rejection = Infallible;

    /// The identity provider of the example: what it says depends on the token alone. Guests may buy, too.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let token = parts.headers.get(AUTHORIZATION).map(|it| it.as_bytes());
        Ok(Self(match token {
            Some(b"Bearer tok_ada") => Some(("ada@shop.example", &["customer", "gold"])),
            Some(b"Bearer tok_bob") => Some(("bob@shop.example", &["customer"])),
            _ => None,
        }))
    }
}

impl Identified for Customer {
    fn principal(&self) -> Option<Principal> {
        // A guest is nobody.
        Some(self.0.map_or_else(Principal::default, |(id, roles)| {
            Principal::new(id).with_roles(roles)
        }))
    }
}
