//! The parts of a JSON line that are the same for all events of one callsite. They are formatted once.

use std::{borrow::Cow, ptr, sync::OnceLock};

use tracing::{
    Metadata,
    field::{Field, FieldSet},
};

/// More than the callsites of most programs; a power of two. A slot is 16 bytes until it is taken.
const SLOTS: usize = 4096;

/// How many slots a callsite may take. Where all are taken by others, its parts are written anew each time.
const TRIES: usize = 8;

/// All callsites that have logged, or have begun a span whose fields lines have. Found by their addresses, without a
/// lock or a count of references.
#[derive(Debug)]
pub(crate) struct Callsites(Box<[OnceLock<Box<Callsite>>]>);

impl Callsites {
    pub(crate) fn new() -> Self {
        // The last slot has others behind it, too.
        Self((0..SLOTS + TRIES).map(|_| OnceLock::new()).collect())
    }

    pub(crate) fn get(
        &self,
        metadata: &'static Metadata<'static>,
        write: impl Fn() -> Callsite,
    ) -> Cow<'_, Callsite> {
        let first = slot(metadata);
        for slot in self.0.get(first..first + TRIES).unwrap_or_default() {
            let callsite = slot.get_or_init(|| Box::new(write()));
            if ptr::eq(callsite.metadata, metadata) {
                return Cow::Borrowed(callsite);
            }
        }
        Cow::Owned(write())
    }
}

/// Spreads addresses, which lie at regular distances, by the golden ratio.
fn slot(metadata: &'static Metadata<'static>) -> usize {
    let address = ptr::from_ref(metadata).addr() as u64;
    let spread = address.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread >> (u64::BITS - SLOTS.trailing_zeros())) as usize
}

/// The parts of one callsite.
#[derive(Clone, Debug)]
pub(crate) struct Callsite {
    pub(crate) metadata: &'static Metadata<'static>,
    /// From the end of the time to the fields.
    pub(crate) head: String,
    /// Where in the source it is, if lines say so.
    pub(crate) place: String,
    pub(crate) keys: Keys,
    /// If they are other ones where the line says on whose behalf it was written.
    pub(crate) beside_principal: Option<Keys>,
}

/// The keys of all fields.
#[derive(Clone, Debug)]
pub(crate) struct Keys(Box<[Option<Key>]>);

#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// `,"name":`
    pub(crate) bare: Box<str>,
    /// `,"name":"`, before a value that is a string.
    pub(crate) quoted: Box<str>,
}

impl Keys {
    /// The keys of the fields that are shown. `write` makes one, as before a string.
    pub(crate) fn of(
        fields: &FieldSet,
        is_shown: impl Fn(&str) -> bool,
        write: impl Fn(&str) -> String,
    ) -> Self {
        let is_repeated = |field: &Field| {
            let mut earlier = fields.iter().take(field.index());
            earlier.any(|earlier| earlier.name() == field.name())
        };
        let keys = fields.iter().map(|field| {
            (!is_repeated(&field) && is_shown(field.name())).then(|| {
                let quoted = write(field.name());
                Key {
                    bare: quoted.strip_suffix('"').unwrap_or_default().into(),
                    quoted: quoted.into(),
                }
            })
        });
        Self(keys.collect())
    }

    /// A field's key. There is none for a field that is not shown, such as the second of two fields with one name.
    pub(crate) fn get(&self, field: &Field) -> Option<&Key> {
        self.0.get(field.index())?.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use tracing::{
        Level,
        callsite::{self, Identifier},
        metadata::Kind,
        subscriber::Interest,
    };

    use super::*;

    struct Nowhere;

    impl callsite::Callsite for Nowhere {
        fn set_interest(&self, _: Interest) {}

        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("nobody asks")
        }
    }

    #[test]
    fn each_callsite_has_its_own_parts_however_many_there_are() {
        let fields = || FieldSet::new(&[], Identifier(&Nowhere));
        let new = |_| Metadata::new("", "", Level::INFO, None, None, None, fields(), Kind::EVENT);
        let all: &'static [Metadata<'static>] = (0..2 * SLOTS).map(new).collect::<Vec<_>>().leak();
        let callsites = Callsites::new();
        let get = |metadata| {
            callsites.get(metadata, || Callsite {
                metadata,
                head: String::new(),
                place: String::new(),
                keys: Keys::of(metadata.fields(), |_| true, str::to_owned),
                beside_principal: None,
            })
        };
        let kept = |metadata| matches!(get(metadata), Cow::Borrowed(_));
        for metadata in all.iter().chain(all) {
            assert!(ptr::eq(get(metadata).metadata, metadata));
        }
        // Nearly all of half as many as there are slots, and no more than slots.
        let (first, second) = all.split_at(SLOTS / 2);
        assert!(first.iter().filter(|metadata| kept(metadata)).count() > SLOTS * 49 / 100);
        assert!(second.iter().filter(|metadata| !kept(metadata)).count() > SLOTS / 4);
    }
}
