use super::certificate::CertificateFacts;
use super::error::{ClientError, PemError, PemKind};
use super::trace::{Trace, lock};
use super::verify::{AnyCertificate, NamedVerifier, RecordingResolver, RecordingVerifier};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::sync::{Arc, Mutex};

/// Encryption of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Plain text.
    #[default]
    Off,
    /// TLS 1.2 or 1.3.
    On(TlsSettings),
}

/// Settings of TLS in both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Trusted authorities, in PEM; `None` for those of this machine.
    pub ca_pem: Option<String>,
    /// Client certificate for relays that require one.
    pub identity: Option<ClientIdentity>,
    /// Name expected in the relay's certificate; `None` for the host of the address.
    pub server_name: Option<String>,
    /// Accepts any certificate of the relay. Attackers on the network can then read and change
    /// everything.
    pub skip_verify: bool,
}

/// Client certificate and key, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// Certificate, followed by the intermediate ones.
    pub certificate_pem: String,
    /// Key of the certificate; never displayed.
    pub key_pem: String,
}

/// Parsed and checked TLS settings.
#[derive(Clone, Debug)]
pub(super) struct TlsClient {
    config: ClientConfig,
    verifier: Arc<dyn ServerCertVerifier>,
    pub(super) server_name: ServerName<'static>,
    pub(super) own_ca: bool,
    /// Our certificate, if there is one.
    pub(super) client_certificate: Option<CertificateFacts>,
    /// Client certificate, its intermediate ones, and the configured authorities, in this order.
    pub(super) client_chain: Vec<CertificateFacts>,
    pub(super) authorities: Vec<CertificateFacts>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity")
            .field("certificate_pem", &self.certificate_pem)
            .field("key_pem", &"[redacted]")
            .finish()
    }
}

impl TlsSettings {
    /// TLS configuration for a connection other than the relay's, such as Prometheus' HTTP. The
    /// caller sets the protocols it offers.
    ///
    /// Errors: a PEM text, the pair of certificate and key, or the server name cannot be used.
    pub fn client_config(&self) -> Result<ClientConfig, ClientError> {
        let TlsClient { mut config, verifier, server_name, .. } = TlsClient::new(self, None)?;
        config.alpn_protocols.clear();
        config.resumption = Resumption::default();
        if self.server_name.is_some() {
            config
                .dangerous()
                .set_certificate_verifier(Arc::new(NamedVerifier { verifier, server_name }));
        }
        Ok(config)
    }
}

impl TlsClient {
    /// Reads the settings, and takes this machine's authorities if no CA certificate is set.
    ///
    /// Errors: a PEM text, the pair of certificate and key, or the server name cannot be used.
    pub(super) fn new(settings: &TlsSettings, host: Option<&str>) -> Result<Self, ClientError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server_name = settings.server_name.as_deref().or(host).unwrap_or("localhost");
        let server_name = ServerName::try_from(server_name.to_owned())
            .map_err(|_| ClientError::ServerName { server_name: server_name.to_owned() })?;
        let verifier = server_verifier(settings, &provider)?;
        let authorities = settings.ca_pem.as_deref().map(certificates).transpose();
        let authorities = authorities
            .map_err(|source| ClientError::Pem { what: PemKind::CaCertificate, source })?;
        let authorities = authorities.unwrap_or_default();
        let authorities = authorities.iter().filter_map(|it| CertificateFacts::read(it)).collect();
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| ClientError::NoSystemRoots)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier));
        let (mut config, client_chain) = match &settings.identity {
            None => (builder.with_no_client_auth(), Vec::new()),
            Some(identity) => {
                let (chain, key) = read_identity(identity)?;
                let facts = chain.iter().filter_map(|it| CertificateFacts::read(it)).collect();
                let config =
                    builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                        rustls::Error::InconsistentKeys(_) => ClientError::KeyMismatch,
                        _ => {
                            ClientError::Pem { what: PemKind::ClientKey, source: PemError::Content }
                        }
                    })?;
                (config, facts)
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        // Connections live long, and a resumed session does not present its certificate again.
        config.resumption = Resumption::disabled();
        Ok(Self {
            config,
            verifier,
            server_name,
            own_ca: settings.ca_pem.is_some(),
            client_certificate: client_chain.first().cloned(),
            client_chain,
            authorities,
        })
    }

    /// Settings that accept any TLS server, to identify one that does not speak plain text.
    pub(super) fn probe(host: Option<&str>) -> Result<Self, ClientError> {
        let settings = TlsSettings { skip_verify: true, ..TlsSettings::default() };
        Self::new(&settings, host)
    }

    /// Configuration for one connection, which records events in `trace`.
    pub(super) fn config(&self, trace: &Arc<Trace>) -> Arc<ClientConfig> {
        let mut config = self.config.clone();
        config.dangerous().set_certificate_verifier(Arc::new(RecordingVerifier {
            verifier: Arc::clone(&self.verifier),
            trace: Arc::clone(trace),
        }));
        config.client_auth_cert_resolver = Arc::new(RecordingResolver {
            resolver: Arc::clone(&config.client_auth_cert_resolver),
            trace: Arc::clone(trace),
        });
        Arc::new(config)
    }
}

fn server_verifier(
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, ClientError> {
    if settings.skip_verify {
        return Ok(Arc::new(AnyCertificate { provider: Arc::clone(provider) }));
    }
    let bad_ca = |source| ClientError::Pem { what: PemKind::CaCertificate, source };
    let roots = if let Some(ca_pem) = &settings.ca_pem {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(ca_pem).map_err(bad_ca)? {
            roots.add(certificate).map_err(|_| bad_ca(PemError::Content))?;
        }
        Arc::new(roots)
    } else {
        system_roots()?
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
        .build()
        .map_err(|_| bad_ca(PemError::Content))?;
    Ok(verifier)
}

/// This machine's authorities, read from disk once in the life of the process, as Go's programs do.
///
/// Errors: the machine has none; the next call looks again.
fn system_roots() -> Result<Arc<RootCertStore>, ClientError> {
    static ROOTS: Mutex<Option<Arc<RootCertStore>>> = Mutex::new(None);
    let mut kept = lock(&ROOTS);
    if let Some(roots) = &*kept {
        return Ok(Arc::clone(roots));
    }
    let mut roots = RootCertStore::empty();
    let (_added, _ignored) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(ClientError::NoSystemRoots);
    }
    Ok(Arc::clone(kept.insert(Arc::new(roots))))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read_identity(identity: &ClientIdentity) -> Result<Identity, ClientError> {
    let bad_certificate = |source| ClientError::Pem { what: PemKind::ClientCertificate, source };
    let bad_key = |source| ClientError::Pem { what: PemKind::ClientKey, source };
    let chain = certificates(&identity.certificate_pem).map_err(bad_certificate)?;
    if identity.key_pem.trim().is_empty() {
        return Err(bad_key(PemError::Empty));
    }
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(|error| {
        bad_key(match error {
            pem::Error::NoItemsFound => PemError::NoSection { expected: "PRIVATE KEY" },
            _ => PemError::Malformed,
        })
    })?;
    Ok((chain, key))
}

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, PemError> {
    if text.trim().is_empty() {
        return Err(PemError::Empty);
    }
    let certificates = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| PemError::Malformed)?;
    if certificates.is_empty() {
        return Err(PemError::NoSection { expected: "CERTIFICATE" });
    }
    if certificates.iter().any(|certificate| CertificateFacts::read(certificate).is_none()) {
        return Err(PemError::Content);
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine may have no authorities; then there is nothing to keep.
    #[test]
    fn authorities_of_the_machine_are_read_once() {
        if let (Ok(one), Ok(other)) = (system_roots(), system_roots()) {
            assert!(Arc::ptr_eq(&one, &other));
        }
    }
}
