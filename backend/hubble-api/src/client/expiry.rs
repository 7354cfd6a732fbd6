use super::RelayClient;
use super::certificate::CertificateFacts;
use super::dial::Dialer;
use std::fmt;

/// Expiry of a certificate that the connection needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Role of the certificate.
    pub role: CertificateRole,
    /// Subject of the certificate, as in `CN=…`.
    pub subject: String,
    /// End of validity, as Unix time in seconds.
    pub not_after_secs: i64,
}

/// Role of a certificate in a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateRole {
    /// Certificate of the relay.
    Relay,
    /// Intermediate certificate between the relay's and its authority.
    RelayIssuer,
    /// Configured authority of the relay.
    Authority,
    /// Configured client certificate.
    Client,
    /// Intermediate certificate between the client's and its authority.
    ClientIssuer,
}

impl RelayClient {
    /// Expiries of the certificates that the newest connection needs. Empty without TLS and before
    /// the first connection. If the relay's own certificates expire before `soon_secs` (Unix time),
    /// a new connection shows whether they were renewed.
    pub async fn expiries(&self, soon_secs: i64) -> Vec<Expiry> {
        let Some(tls) = self.dialer().tls() else { return Vec::new() };
        let chain = server_chain(self.dialer(), soon_secs).await;
        let issuer = chain.last().map(|certificate| certificate.issuer.as_str());
        // Of several authorities, as during a renewal, the one that signed.
        let authorities: Vec<CertificateFacts> = tls
            .authorities
            .iter()
            .filter(|authority| Some(authority.subject.as_str()) == issuer)
            .cloned()
            .collect();
        let newest = authorities.into_iter().max_by_key(|authority| authority.not_after_secs);
        // Authorities that a peer sends along are not intermediate certificates.
        let apart = |chain: &[CertificateFacts]| -> Vec<CertificateFacts> {
            let between = chain.iter().skip(1).filter(|it| !tls.authorities.contains(it));
            chain.iter().take(1).chain(between).cloned().collect()
        };
        let (chain, client_chain) = (apart(&chain), apart(&tls.client_chain));
        let mut expiries = of_chain(&chain, CertificateRole::Relay, CertificateRole::RelayIssuer);
        let newest = newest.filter(|it| !chain.contains(it));
        expiries.extend(newest.iter().map(|it| expiry(CertificateRole::Authority, it)));
        let (own, between) = (CertificateRole::Client, CertificateRole::ClientIssuer);
        expiries.extend(of_chain(&client_chain, own, between));
        expiries
    }
}

async fn server_chain(dialer: &Dialer, soon_secs: i64) -> Vec<CertificateFacts> {
    let chain = dialer.latest().server_chain();
    if chain.iter().all(|certificate| certificate.not_after_secs >= soon_secs) {
        return chain;
    }
    dialer.chain_now().await.unwrap_or(chain)
}

fn of_chain(
    chain: &[CertificateFacts],
    own: CertificateRole,
    between: CertificateRole,
) -> Vec<Expiry> {
    let roles = std::iter::once(own).chain(std::iter::repeat(between));
    roles.zip(chain).map(|(role, certificate)| expiry(role, certificate)).collect()
}

fn expiry(role: CertificateRole, certificate: &CertificateFacts) -> Expiry {
    let CertificateFacts { subject, not_after_secs, .. } = certificate.clone();
    Expiry { role, subject, not_after_secs }
}

impl fmt::Display for CertificateRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relay => "the relay's certificate",
            Self::RelayIssuer => "a certificate between the relay's and its authority",
            Self::Authority => "the CA certificate",
            Self::Client => "the client certificate",
            Self::ClientIssuer => "a certificate between the client's and its authority",
        })
    }
}
