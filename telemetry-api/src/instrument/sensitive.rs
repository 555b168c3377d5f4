//! Values that nobody may read in telemetry: keyed hashes tell them apart, or they are left out.

use std::{
    fmt::Display,
    hash::{BuildHasher as _, RandomState},
    sync::OnceLock,
};

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::instrument::{hex, text};

type KeyedHash = Hmac<Sha256>;

/// The form of attributes whose values are marked as sensitive: by `attr_sensitive`, `sensitive(..)` in `#[step]`
/// and of `set_sensitive`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitive {
    /// The value is shown as its [`hash`].
    #[default]
    Hash,
    /// The attribute is left out.
    Drop,
}

impl Sensitive {
    /// The text to show in place of the value; `None` for nothing. A value to be dropped is not even formatted.
    ///
    /// ```
    /// use telemetry_api::sensitive::{Sensitive, hash};
    ///
    /// assert_eq!(Sensitive::Hash.shown("ada"), Some(hash("ada")));
    /// assert_eq!(Sensitive::Drop.shown("ada"), None);
    /// ```
    pub fn shown(self, value: impl Display) -> Option<String> {
        match self {
            Self::Hash => Some(hash(&text::of(&value))),
            Self::Drop => None,
        }
    }
}

static KEYED: OnceLock<KeyedHash> = OnceLock::new();

/// Makes this the key of all hashes of the process. Only the first call has an effect, and none has one after the first
/// hash, which chose a random key.
pub fn install_hash_key(key: &str) {
    KEYED.get_or_init(|| keyed(key.as_bytes()));
}

/// The value as 32 hex digits that only its equals share: half of an HMAC-SHA256.
///
/// The key is the SHA-256 of `TELEMETRY_HASH_KEY`, so that all services of a system tell the same user by the same hash,
/// and nobody without it can find out whose it is by trying out all user ids. Unset, it is random and as long-lived as
/// the process.
///
/// Cost: two blocks of SHA-256 and a string.
///
/// ```
/// use telemetry_api::sensitive::hash;
///
/// assert_eq!(hash("ada"), hash("ada"));
/// assert_ne!(hash("ada"), hash("bob"));
/// ```
pub fn hash(value: &str) -> String {
    hash_with(KEYED.get_or_init(|| keyed(&random())), value)
}

fn hash_with(keyed: &KeyedHash, value: &str) -> String {
    let digest = keyed.clone().chain_update(value).finalize().into_bytes();
    let (digest, mut text) = (&digest[..16], [0; 32]);
    hex::encode(digest, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A key of any length. It is hashed first, as HMAC itself does with long ones.
fn keyed(key: &[u8]) -> KeyedHash {
    let mut block = hmac::digest::Key::<KeyedHash>::default();
    block[..32].copy_from_slice(&Sha256::digest(key));
    KeyedHash::new(&block)
}

/// 128 bits of the system's randomness, with which the standard library seeds its tables.
fn random() -> [u8; 32] {
    let seed = RandomState::new();
    let mut key = [0; 32];
    for (word, part) in key.chunks_exact_mut(8).enumerate() {
        part.copy_from_slice(&seed.hash_one(word).to_be_bytes());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_the_value_and_on_the_key_alone() {
        let hashed = |key: &str, value| hash_with(&keyed(key.as_bytes()), value);
        assert_eq!(hashed("k", "ada"), hashed("k", "ada"));
        assert_ne!(hashed("k", "ada"), hashed("k", "adb"));
        assert_ne!(hashed("k", "ada"), hashed("l", "ada"));
        assert_eq!(hashed("k", "").len(), 32);
        assert!(hashed("k", "ada").bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[test]
    fn it_is_hmac_sha256_of_the_hashed_key() {
        // printf ada | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf k | sha256sum | cut -d' ' -f1)
        assert_eq!(
            hash_with(&keyed(b"k"), "ada"),
            "bd6febce8db862a4877a2e039e3542b3"
        );
    }

    #[test]
    fn the_random_key_differs_each_time() {
        assert_ne!(random(), random());
    }
}
