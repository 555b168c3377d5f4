//! Reads the settings of one signal's export.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{
    compression::Compression,
    endpoint::{Endpoint, Tls},
    endpoint_options::{self, Options},
    protocol::Protocol,
    signal::Signal,
};
use crate::{
    error::BootstrapError,
    settings::{Env, header},
};

/// Reads the endpoint of a signal.
pub(crate) fn resolve(signal: Signal, env: &mut Env) -> Result<Endpoint, BootstrapError> {
    let name = |setting: &str| signal.setting(setting);
    let protocol = Protocol::named(&env.value(&name("PROTOCOL"))).unwrap_or(Protocol::HttpProtobuf);
    let (protocol_set_by, _) = env.set(&name("PROTOCOL")).unwrap_or_default();
    let own = name("ENDPOINT");
    let endpoint_is_own = env.setter(&own).as_ref() == Some(&own);
    let (endpoint_set_by, endpoint) = match env.set(&own) {
        Some(set) => set,
        None => {
            let default = protocol.facts().default_endpoint;
            env.use_instead(&own, default);
            (own, default.to_owned())
        }
    };
    let file = |setting: &str| {
        Some(env.value(&name(setting)))
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    let options = Options {
        protocol,
        protocol_set_by,
        endpoint: SecretString::from(endpoint),
        endpoint_set_by,
        endpoint_is_own,
        insecure: env.flag(&name("INSECURE")),
        headers: env
            .value(&name("HEADERS"))
            .split(',')
            .filter_map(header)
            .collect(),
        timeout: env.timeout(&name("TIMEOUT")),
        compression: Compression::named(&env.value(&name("COMPRESSION"))).unwrap_or_default(),
        tls: Tls {
            ca: file("CERTIFICATE"),
            client_key: file("CLIENT_KEY"),
            client_certificate: file("CLIENT_CERTIFICATE"),
        },
    };
    endpoint_options::resolve(signal, options)
}
