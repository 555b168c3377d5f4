//! TLS by rustls. Certificates and keys come from files and are checked when telemetry is built: a wrong one names its
//! variable and path.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use telemetry_api::instrument::settings::Setting;
use tokio_rustls::TlsConnector;

use super::stream::{BoxedStream, Handshake, Shaking};
use crate::{
    error::BootstrapError,
    otlp::{answer::cause, endpoint::Endpoint, signal::Signal},
    settings::otlp::{GENERAL, OtlpSettings, of},
};

/// One of the settings that name a PEM file.
type Pem = fn(&'static OtlpSettings) -> &'static Setting<Option<PathBuf>>;

/// The TLS of one endpoint.
struct Session {
    config: Arc<ClientConfig>,
    server: ServerName<'static>,
    is_anonymous: bool,
}

/// The TLS of an endpoint. A certificate of its own replaces the machine's, as the specification says.
pub(crate) fn configure(
    endpoint: &Endpoint,
    signal: Signal,
    alpn: &[u8],
) -> Result<Arc<dyn Handshake>, BootstrapError> {
    let (tls, files) = (&endpoint.tls, Files { signal });
    let unusable = |error: &dyn std::error::Error| endpoint.unusable(error.to_string());
    let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    let builder = match &tls.ca {
        Some(path) => builder.with_root_certificates(files.roots(path)?),
        None => builder
            .with_platform_verifier()
            .map_err(|error| unusable(&error))?,
    };
    let is_anonymous = tls.client_certificate.is_none();
    let mut config = match (&tls.client_certificate, &tls.client_key) {
        (Some(certificate), Some(key)) => {
            let (certificates, private) = files.client(certificate, key)?;
            builder
                .with_client_auth_cert(certificates, private)
                .map_err(|error| files.error(|own| &own.client_key, key, &error.to_string()))?
        }
        (Some(certificate), None) => {
            let reason = "its key is not set, see CLIENT_KEY";
            return Err(files.error(|own| &own.client_certificate, certificate, reason));
        }
        (None, Some(key)) => {
            let reason = "its certificate is not set, see CLIENT_CERTIFICATE";
            return Err(files.error(|own| &own.client_key, key, reason));
        }
        (None, None) => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let host = endpoint
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let server = ServerName::try_from(host.to_owned()).map_err(|error| unusable(&error))?;
    Ok(Arc::new(Session {
        config: config.into(),
        server,
        is_anonymous,
    }))
}

impl Handshake for Session {
    fn handshake(&self, stream: BoxedStream) -> Shaking<'_> {
        let connector = TlsConnector::from(self.config.clone());
        Box::pin(async move {
            match connector.connect(self.server.clone(), stream).await {
                Ok(stream) => Ok(Box::new(stream) as BoxedStream),
                Err(error) => Err(cause(&error)),
            }
        })
    }

    fn is_anonymous(&self) -> bool {
        self.is_anonymous
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is a secret.
        f.debug_struct("Session")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// Reads the files of a signal.
struct Files {
    signal: Signal,
}

impl Files {
    fn roots(&self, path: &Path) -> Result<RootCertStore, BootstrapError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates(|own| &own.certificate, path)? {
            roots
                .add(certificate)
                .map_err(|error| self.error(|own| &own.certificate, path, &error.to_string()))?;
        }
        Ok(roots)
    }

    fn client(
        &self,
        certificate: &Path,
        key: &Path,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), BootstrapError> {
        let certificates = self.certificates(|own| &own.client_certificate, certificate)?;
        let private = PrivateKeyDer::from_pem_slice(&self.read(|own| &own.client_key, key)?);
        let private = private.map_err(|_| {
            self.error(|own| &own.client_key, key, "it holds no private key in PEM")
        })?;
        Ok((certificates, private))
    }

    fn certificates(
        &self,
        pem: Pem,
        path: &Path,
    ) -> Result<Vec<CertificateDer<'static>>, BootstrapError> {
        let text = self.read(pem, path)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            _ => Err(self.error(pem, path, "it holds no certificate in PEM")),
        }
    }

    fn read(&self, pem: Pem, path: &Path) -> Result<Vec<u8>, BootstrapError> {
        fs::read(path).map_err(|error| self.error(pem, path, &error.to_string()))
    }

    fn error(&self, pem: Pem, path: &Path, reason: &str) -> BootstrapError {
        BootstrapError::Tls {
            variable: pem(&GENERAL).name().to_owned(),
            own: pem(of(self.signal)).name().to_owned(),
            path: path.to_owned(),
            reason: reason.to_owned(),
        }
    }
}
