use super::RelayClient;
use super::dial::Dialer;
use super::verify::CertificateFacts;
use std::fmt;

/// When a certificate ends that the connection needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// What it is to the connection.
    pub role: CertificateRole,
    /// Whom it is for, as in `CN=…`.
    pub subject: String,
    /// Unix time in seconds.
    pub not_after_secs: i64,
}

/// What a certificate is to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateRole {
    /// The relay's own.
    Relay,
    /// Between the relay's and its authority.
    RelayIssuer,
    /// The authority of the relay, as it was given.
    Authority,
    /// The client certificate that was given.
    Client,
    /// Between the client certificate and its authority.
    ClientIssuer,
}

impl RelayClient {
    /// When the certificates end that the newest connection needs; empty without TLS, and before
    /// the first connection. Where the relay's own end before `soon_secs` (Unix time), it is asked
    /// what it shows now: it may have been renewed since.
    pub async fn expiries(&self, soon_secs: i64) -> Vec<Expiry> {
        let Some(tls) = self.dialer().tls() else { return Vec::new() };
        let chain = server_chain(self.dialer(), soon_secs).await;
        let issuer = chain.last().map(|certificate| certificate.issuer.as_str());
        // Of several authorities, as while they are being renewed, the one that signed.
        let authorities: Vec<CertificateFacts> = tls
            .authorities
            .iter()
            .filter(|authority| Some(authority.subject.as_str()) == issuer)
            .cloned()
            .collect();
        let newest = authorities.into_iter().max_by_key(|authority| authority.not_after_secs);
        // What a side sends along of its authorities is theirs, and not between.
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
