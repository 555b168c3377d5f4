//! The user of a request as telemetry may show it: in a context, as attributes, and in the baggage of trusted services.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use opentelemetry::{
    Array, Context, KeyValue, StringValue, Value,
    baggage::{Baggage, BaggageExt as _},
};

use crate::instrument::sensitive;

/// The attribute names, which are also the keys in baggage.
pub mod attribute {
    pub use telemetry_semconv::attribute::{USER_HASH, USER_ID, USER_ROLES};
}

use attribute::{USER_HASH, USER_ID, USER_ROLES};

/// The longest user id, in bytes.
pub const MAX_ID: usize = 256;
/// The longest role, in bytes.
pub const MAX_ROLE: usize = 64;
/// The most roles.
pub const MAX_ROLES: usize = 16;
/// The longest hash accepted from a caller, which may use another function.
const MAX_HASH: usize = 64;

static SHOWN: OnceLock<Shown> = OnceLock::new();

/// A user and its roles, as telemetry may show them: the user id is hashed ([`sensitive::hash`]), and not kept, unless
/// `TELEMETRY_PRINCIPAL_ATTRIBUTES` says otherwise.
///
/// It is for logs and spans. Never grant access by it: the services behind take it from baggage, which any caller can
/// write.
///
/// [`scope`](Self::scope) makes it the principal of a request. The server span gets `user.hash` and `user.roles`, every
/// log line of the request has them, and telemetry-reqwest sends them on as W3C baggage, but only to hosts that it was
/// explicitly told to propagate to. The next service reads them there, if an option says that it trusts its callers.
///
/// ```
/// use telemetry_api::Principal;
///
/// # async fn handle() {}
/// # async fn example() {
/// let principal = Principal::new("ada@shop.example").with_roles(["customer", "gold"]);
/// principal.scope(handle()).await;
/// # }
/// ```
///
/// The default is nobody. As the principal of a request it replaces the one that the caller named.
///
/// Ids, roles and numbers of roles beyond the limits of this module, control characters, and commas in a role are
/// left out.
///
/// Cost: a hash and three allocations when made; on a log line the bytes written; nothing where there is none.
#[derive(Clone, Default)]
pub struct Principal {
    id: Option<Arc<str>>,
    hash: Option<Arc<str>>,
    roles: Arc<[Arc<str>]>,
    /// Of one that a caller named: whether it is still the request's. Spans keep all values of an attribute, so it is
    /// set only when the service can no longer say better.
    pending: Option<Arc<AtomicBool>>,
}

impl Principal {
    /// The user of this id, without roles.
    pub fn new(user_id: &str) -> Self {
        Self::shown_as(user_id, Shown::get())
    }

    fn shown_as(user_id: &str, shown: Shown) -> Self {
        if !is_text(user_id, MAX_ID) {
            return Self::default();
        }
        Self {
            id: shown.id.then(|| Arc::from(user_id)),
            hash: shown.hash.then(|| sensitive::hash(user_id).into()),
            ..Self::default()
        }
    }

    /// The same with these roles, or groups; at most 16.
    #[must_use]
    pub fn with_roles<R: AsRef<str>>(self, roles: impl IntoIterator<Item = R>) -> Self {
        let roles = roles.into_iter().take(MAX_ROLES);
        self.with_roles_shown(roles, Shown::get())
    }

    fn with_roles_shown<R: AsRef<str>>(
        mut self,
        roles: impl Iterator<Item = R>,
        shown: Shown,
    ) -> Self {
        if shown.roles {
            self.roles = roles
                .filter(|role| is_role(role.as_ref()))
                .map(|role| Arc::from(role.as_ref()))
                .collect();
        }
        self
    }

    /// The principal of a context; none if it is the caller's word, and the service has named another since.
    pub fn of(cx: &Context) -> Option<&Self> {
        let replaced = |pending: &AtomicBool| !pending.load(Ordering::Relaxed);
        cx.get::<Self>()
            .filter(|principal| !principal.pending.as_deref().is_some_and(replaced))
    }

    /// A copy of the context that carries this principal; no span is touched.
    #[must_use]
    pub fn attach_to(self, cx: &Context) -> Context {
        cx.with_value(self)
    }

    /// Tells that the service has named another principal than its caller.
    pub(crate) fn replace_named_by_caller(cx: &Context) {
        if let Some(pending) = Self::of(cx).and_then(|named| named.pending.as_ref()) {
            pending.store(false, Ordering::Relaxed);
        }
    }

    /// True while the request is still on behalf of this principal, which a caller named.
    pub(crate) fn is_pending(&self) -> bool {
        let pending = self.pending.as_ref();
        pending.is_some_and(|pending| pending.load(Ordering::Relaxed))
    }

    /// `user.id`, if it is to be shown.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// `user.hash`.
    pub fn hash(&self) -> Option<&str> {
        self.hash.as_deref()
    }

    /// `user.roles`.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &str> {
        self.roles.iter().map(|role| &**role)
    }

    /// The attributes that may be shown.
    pub fn attributes(&self) -> impl Iterator<Item = KeyValue> + use<> {
        let text = |key, text: &Option<Arc<str>>| text.clone().map(|text| KeyValue::new(key, text));
        let roles = (!self.roles.is_empty()).then(|| {
            let roles = self.roles.iter().cloned().map(StringValue::from);
            KeyValue::new(USER_ROLES, Value::Array(Array::String(roles.collect())))
        });
        text(USER_ID, &self.id)
            .into_iter()
            .chain(text(USER_HASH, &self.hash))
            .chain(roles)
    }

    /// The context with its principal as baggage, for writing it where only the trusted read; `None` if it has none.
    ///
    /// It is no baggage before, so that instrumentation which knows nothing of it does not send it anywhere.
    pub fn in_baggage(cx: &Context) -> Option<Context> {
        let principal = Self::of(cx)?;
        let mut baggage = without_principal(cx.baggage());
        let roles = principal.roles.join(",");
        let roles = (!roles.is_empty()).then_some(roles);
        for (key, value) in [
            (USER_ID, principal.id().map(str::to_owned)),
            (USER_HASH, principal.hash().map(str::to_owned)),
            (USER_ROLES, roles),
        ] {
            if let Some(value) = value {
                baggage.insert(key, value);
            }
        }
        Some(cx.with_baggage(baggage))
    }

    /// Takes the principal out of the baggage that a caller filled: the context without it, and the principal as this
    /// process may show it.
    pub(crate) fn take_from_baggage(cx: Context) -> (Context, Option<Self>) {
        Self::taken(cx, Shown::get())
    }

    fn taken(cx: Context, shown: Shown) -> (Context, Option<Self>) {
        let baggage = cx.baggage();
        if baggage.is_empty() || KEYS.iter().all(|key| baggage.get(*key).is_none()) {
            return (cx, None);
        }
        let text = |key, shown: bool, max| {
            let value = baggage.get(key).filter(|_| shown)?.as_str();
            is_text(value, max).then(|| Arc::from(value))
        };
        let principal = Self {
            id: text(USER_ID, shown.id, MAX_ID),
            hash: text(USER_HASH, shown.hash, MAX_HASH),
            roles: Arc::default(),
            pending: Some(Arc::new(AtomicBool::new(true))),
        };
        let roles = baggage.get(USER_ROLES).map_or("", StringValue::as_str);
        // No service of this crate writes a longer list.
        let many = roles.split(',').count() > MAX_ROLES;
        let roles = roles.split(',').filter(|_| !many);
        let principal = principal.with_roles_shown(roles, shown);
        let cx = cx.with_baggage(without_principal(baggage));
        let is_somebody = principal != Self::default();
        (cx, is_somebody.then_some(principal))
    }
}

const KEYS: [&str; 3] = [USER_ID, USER_HASH, USER_ROLES];

/// True if a reader would take a log field of this name for an attribute of the principal.
pub fn is_key(name: &str) -> bool {
    KEYS.contains(&name)
}

/// The baggage without the principal's keys, which name somebody else.
pub(crate) fn without_principal(baggage: &Baggage) -> Baggage {
    let mut others = Baggage::new();
    for (key, (value, metadata)) in baggage.iter() {
        if !KEYS.contains(&key.as_str()) {
            others.insert_with_metadata(key.clone(), value.clone(), metadata.clone());
        }
    }
    others
}

impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, &self.hash, &self.roles) == (&other.id, &other.hash, &other.roles)
    }
}

impl Eq for Principal {}

/// Shows the attributes that telemetry may show.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("id", &self.id)
            .field("hash", &self.hash)
            .field("roles", &self.roles)
            .finish()
    }
}

/// The attributes of a [`Principal`] that telemetry may show. Default: `user.hash` and `user.roles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    id: bool,
    hash: bool,
    roles: bool,
}

impl Shown {
    /// Shows the attributes with these names; other names have no effect.
    pub fn listed<S: AsRef<str>>(names: &[S]) -> Self {
        let has = |name| names.iter().any(|listed| listed.as_ref() == name);
        Self {
            id: has(USER_ID),
            hash: has(USER_HASH),
            roles: has(USER_ROLES),
        }
    }

    /// Makes this the allow-list of the process. Only the first call has an effect.
    pub fn install(self) {
        SHOWN.get_or_init(|| self);
    }

    fn get() -> Self {
        SHOWN.get().copied().unwrap_or(Self {
            id: false,
            hash: true,
            roles: true,
        })
    }
}

fn is_text(text: &str, max: usize) -> bool {
    // Baggage that is no UTF-8 comes with replacement characters.
    let refused = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
    (1..=max).contains(&text.len()) && !text.contains(refused)
}

fn is_role(role: &str) -> bool {
    is_text(role, MAX_ROLE) && !role.contains(',')
}

#[cfg(test)]
mod tests;
