//! Certificates and keys from files, checked when telemetry is built: a wrong one names its variable and path.

use std::{fs, path::Path};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
#[cfg(feature = "grpc")]
use tonic::transport;

use crate::{error::BootstrapError, otlp::endpoint::Endpoint};

/// What the files hold, as PEM.
#[derive(Debug)]
pub(crate) struct Files {
    ca: Option<Vec<u8>>,
    client: Option<Client>,
}

struct Client {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is a secret.
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Files {
    pub(crate) fn read(endpoint: &Endpoint, signal: &str) -> Result<Self, BootstrapError> {
        let (tls, files) = (&endpoint.tls, Source { signal });
        let mut roots = RootCertStore::empty();
        let ca = match &tls.ca {
            Some(path) => Some(files.roots(path, &mut roots)?),
            None => None,
        };
        let client = match (&tls.client_certificate, &tls.client_key) {
            (Some(certificate), Some(key)) => Some(files.client(certificate, key, roots)?),
            (Some(certificate), None) => {
                return Err(files.error(
                    "CLIENT_CERTIFICATE",
                    certificate,
                    "its key is not set, see CLIENT_KEY",
                ));
            }
            (None, Some(key)) => {
                return Err(files.error(
                    "CLIENT_KEY",
                    key,
                    "its certificate is not set, see CLIENT_CERTIFICATE",
                ));
            }
            (None, None) => None,
        };
        Ok(Self { ca, client })
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.client.is_none()
    }

    /// The custom CA replaces the machine's, as the specification says.
    pub(crate) fn configure_http(
        self,
        builder: reqwest::ClientBuilder,
    ) -> reqwest::Result<reqwest::ClientBuilder> {
        // Another crate of the application may have given reqwest another implementation.
        let mut builder = builder.tls_backend_rustls();
        if let Some(ca) = self.ca {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&ca)?);
        }
        if let Some(client) = self.client {
            let pem = [client.certificate, b"\n".to_vec(), client.key].concat();
            builder = builder.identity(reqwest::Identity::from_pem(&pem)?);
        }
        Ok(builder)
    }

    #[cfg(feature = "grpc")]
    pub(crate) fn configure_grpc(
        self,
        channel: transport::Endpoint,
    ) -> Result<transport::Endpoint, transport::Error> {
        let mut config = match self.ca {
            Some(ca) => {
                let ca = transport::Certificate::from_pem(ca);
                transport::ClientTlsConfig::new().ca_certificate(ca)
            }
            None => transport::ClientTlsConfig::new().with_native_roots(),
        };
        if let Some(client) = self.client {
            let identity = transport::Identity::from_pem(client.certificate, client.key);
            config = config.identity(identity);
        }
        channel.tls_config(config)
    }
}

/// For an endpoint without TLS there is nothing to load, and a machine without any root certificates will do.
pub(crate) fn none(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder.tls_backend_rustls().tls_certs_only([])
}

/// Where the paths come from.
struct Source<'a> {
    signal: &'a str,
}

impl Source<'_> {
    fn roots(&self, path: &Path, roots: &mut RootCertStore) -> Result<Vec<u8>, BootstrapError> {
        let (pem, certificates) = self.certificates("CERTIFICATE", path)?;
        for certificate in certificates {
            roots
                .add(certificate)
                .map_err(|error| self.error("CERTIFICATE", path, &error.to_string()))?;
        }
        Ok(pem)
    }

    fn client(
        &self,
        certificate: &Path,
        key: &Path,
        roots: RootCertStore,
    ) -> Result<Client, BootstrapError> {
        let (pem, certificates) = self.certificates("CLIENT_CERTIFICATE", certificate)?;
        let key_pem = self.read("CLIENT_KEY", key)?;
        let bad_key = |reason: &str| self.error("CLIENT_KEY", key, reason);
        let private = PrivateKeyDer::from_pem_slice(&key_pem)
            .map_err(|_| bad_key("it holds no private key in PEM"))?;
        // Built to be thrown away: whether key and certificate belong together is known here, not at the first export.
        ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|error| bad_key(&error.to_string()))?
            .with_root_certificates(roots)
            .with_client_auth_cert(certificates, private)
            .map_err(|error| bad_key(&error.to_string()))?;
        Ok(Client {
            certificate: pem,
            key: key_pem,
        })
    }

    fn certificates(
        &self,
        name: &str,
        path: &Path,
    ) -> Result<(Vec<u8>, Vec<CertificateDer<'static>>), BootstrapError> {
        let pem = self.read(name, path)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok((pem, certificates)),
            _ => Err(self.error(name, path, "it holds no certificate in PEM")),
        }
    }

    fn read(&self, name: &str, path: &Path) -> Result<Vec<u8>, BootstrapError> {
        fs::read(path).map_err(|error| self.error(name, path, &error.to_string()))
    }

    fn error(&self, name: &str, path: &Path, reason: &str) -> BootstrapError {
        BootstrapError::Tls {
            variable: format!("OTEL_EXPORTER_OTLP_{name}"),
            own: format!("OTEL_EXPORTER_OTLP_{}_{name}", self.signal),
            path: path.to_owned(),
            reason: reason.to_owned(),
        }
    }
}
