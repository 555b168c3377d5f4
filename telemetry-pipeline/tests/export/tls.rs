//! TLS with a CA of our own, and with client certificates that are required.

use std::{fs, path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use telemetry_pipeline::BootstrapError;
use tempfile::TempDir;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use crate::{Lines, collector::Collector, config, grpc, record, tracer, traces_to};

/// Certificates in files, and servers that use them.
pub(crate) struct Authority {
    directory: TempDir,
    ca: CertifiedIssuer<'static, KeyPair>,
    server: (rcgen::Certificate, KeyPair),
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let server = signed(&ca, "localhost");
        let client = signed(&ca, "shop");
        let this = Self {
            directory: TempDir::new().unwrap(),
            ca,
            server,
        };
        this.write("ca.pem", &this.ca.pem());
        this.write("client.pem", &client.0.pem());
        this.write("client.key", &client.1.serialize_pem());
        this
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.directory
            .path()
            .join(name)
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// A server that asks for no client certificate.
    pub(crate) fn server_config(&self) -> ServerConfig {
        self.server_of(false)
    }

    fn http(&self, client_required: bool) -> Collector {
        Collector::tls(self.server_of(client_required))
    }

    fn server_of(&self, client_required: bool) -> ServerConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if client_required {
            let mut roots = RootCertStore::empty();
            roots.add(self.ca.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let (certificate, key) = &self.server;
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }

    fn grpc(&self, client_required: bool) -> grpc::Collector {
        let (certificate, key) = &self.server;
        let identity = Identity::from_pem(certificate.pem(), key.serialize_pem());
        let mut tls = ServerTlsConfig::new().identity(identity);
        if client_required {
            tls = tls.client_ca_root(Certificate::from_pem(self.ca.pem()));
        }
        grpc::Collector::start(Some(tls), |_, _| Ok(Default::default()))
    }
}

fn signed(ca: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    (params.signed_by(&key, ca).unwrap(), key)
}

/// Exports one span and returns the error of the shutdown, with what was logged.
fn export(
    url: &str,
    protocol: &str,
    files: &[(&'static str, &str)],
) -> Result<(), (String, Lines)> {
    let lines = Lines::default();
    let mut vars = vec![
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
    ];
    vars.extend(files);
    let telemetry = config(url, &vars)
        .with_log_sink(lines.sink())
        .build()
        .unwrap();
    record(&tracer(&telemetry), "secret");
    telemetry
        .shutdown()
        .map_err(|error| (error.to_string(), lines))
}

#[test]
fn a_custom_ca_is_trusted_over_http_and_grpc() {
    let authority = Authority::new();
    let (http, grpc) = (authority.http(false), authority.grpc(false));
    let ca = authority.path("ca.pem");
    let files = [("OTEL_EXPORTER_OTLP_CERTIFICATE", ca.as_str())];
    export(&http.https(), "http/protobuf", &files)
        .map_err(|error| error.0)
        .unwrap();
    export(&grpc.https(), "grpc", &files)
        .map_err(|error| error.0)
        .unwrap();
    assert_eq!(
        (http.spans(), grpc.spans()),
        (vec!["secret".to_owned()], vec!["secret".to_owned()])
    );
}

#[test]
fn a_required_client_certificate_is_presented_over_http_and_grpc() {
    let authority = Authority::new();
    let (http, grpc) = (authority.http(true), authority.grpc(true));
    let [ca, certificate, key] =
        ["ca.pem", "client.pem", "client.key"].map(|name| authority.path(name));
    let files = [
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", ca.as_str()),
        (
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
            certificate.as_str(),
        ),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", key.as_str()),
    ];
    export(&http.https(), "http/protobuf", &files)
        .map_err(|error| error.0)
        .unwrap();
    export(&grpc.https(), "grpc", &files)
        .map_err(|error| error.0)
        .unwrap();
    assert_eq!(
        (http.spans(), grpc.spans()),
        (vec!["secret".to_owned()], vec!["secret".to_owned()])
    );
}

#[test]
fn a_missing_client_certificate_is_one_clear_line() {
    let authority = Authority::new();
    let (http, grpc) = (authority.http(true), authority.grpc(true));
    let ca = authority.path("ca.pem");
    for (url, protocol) in [(http.https(), "http/protobuf"), (grpc.https(), "grpc")] {
        let files = [("OTEL_EXPORTER_OTLP_CERTIFICATE", ca.as_str())];
        let (error, lines) = export(&url, protocol, &files).unwrap_err();
        let said = lines.containing("does not reach its collector");
        assert_eq!(said.len(), 1, "{protocol}: {error}");
        assert!(
            said[0].contains("set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
            "{protocol}: {}",
            said[0]
        );
    }
    assert!(http.spans().is_empty() && grpc.spans().is_empty());
}

#[test]
fn an_unknown_ca_is_one_clear_line() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (http, grpc) = (authority.http(false), authority.grpc(false));
    let ca = other.path("ca.pem");
    for (url, protocol) in [(http.https(), "http/protobuf"), (grpc.https(), "grpc")] {
        let files = [("OTEL_EXPORTER_OTLP_CERTIFICATE", ca.as_str())];
        let (error, lines) = export(&url, protocol, &files).unwrap_err();
        let said = lines.containing("does not reach its collector");
        assert_eq!(said.len(), 1, "{protocol}: {error}");
        assert!(
            said[0].contains("invalid peer certificate"),
            "{protocol}: {}",
            said[0]
        );
    }
    assert!(http.spans().is_empty() && grpc.spans().is_empty());
}

#[test]
fn a_file_that_cannot_be_used_names_its_variable_and_path() {
    let authority = Authority::new();
    let other = Authority::new();
    authority.write("garbage.pem", "not a certificate");
    authority.write(
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let [ca, certificate, garbage, broken, missing] = [
        "ca.pem",
        "client.pem",
        "garbage.pem",
        "broken.pem",
        "missing.pem",
    ]
    .map(|name| authority.path(name));
    let others = other.path("client.key");
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
    let cases: [Case<'_>; 6] = [
        (&[("CERTIFICATE", &missing)], "CERTIFICATE", &missing),
        (&[("CERTIFICATE", &garbage)], "CERTIFICATE", &garbage),
        (&[("CERTIFICATE", &broken)], "CERTIFICATE", &broken),
        (
            &[("CERTIFICATE", &ca), ("CLIENT_CERTIFICATE", &certificate)],
            "CLIENT_CERTIFICATE",
            &certificate,
        ),
        (
            &[
                ("CLIENT_CERTIFICATE", &certificate),
                ("CLIENT_KEY", &garbage),
            ],
            "CLIENT_KEY",
            &garbage,
        ),
        (
            &[
                ("CLIENT_CERTIFICATE", &certificate),
                ("CLIENT_KEY", &others),
            ],
            "CLIENT_KEY",
            &others,
        ),
    ];
    for protocol in ["grpc", "http/protobuf"] {
        for (files, name, path) in &cases {
            let names: Vec<_> = files
                .iter()
                .map(|(name, _)| format!("OTEL_EXPORTER_OTLP_{name}"))
                .collect();
            let vars = names
                .iter()
                .map(String::as_str)
                .zip(files.iter().map(|(_, path)| *path));
            let fixed = [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:1"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ];
            let error = telemetry_pipeline::Config::new("shop")
                .with_environment(vars.chain(fixed))
                .build()
                .unwrap_err();
            assert!(matches!(error, BootstrapError::Tls { .. }), "{error}");
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("OTEL_EXPORTER_OTLP_{name}=")),
                "{text}"
            );
            assert!(text.contains(*path) && text.lines().count() == 1, "{text}");
        }
    }
}

#[test]
fn without_tls_no_certificate_is_read() {
    let collector = Collector::start();
    let telemetry = traces_to(
        &collector.url(),
        &[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/missing")],
    );
    record(&tracer(&telemetry), "plain");
    assert_eq!(telemetry.shutdown(), Ok(()));
    assert_eq!(collector.spans(), ["plain"]);
}
