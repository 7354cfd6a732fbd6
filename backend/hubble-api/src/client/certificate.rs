//! Facts of certificates.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Maximum number of names of a certificate that are kept, as many as help a reader.
const MAX_NAMES: usize = 8;

/// Facts about a certificate for the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Subject, as in `CN=…`.
    pub subject: String,
    /// Issuer, as in `CN=…`.
    pub issuer: String,
    /// Host names and IP addresses for which it is valid.
    pub names: Vec<String>,
    /// Start of validity, as Unix time in seconds.
    pub not_before_secs: i64,
    /// End of validity, as Unix time in seconds.
    pub not_after_secs: i64,
}

impl CertificateFacts {
    /// Reads a certificate in DER; `None` if it is not one.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = match certificate.subject_alternative_name() {
            Ok(Some(extension)) => {
                extension.value.general_names.iter().filter_map(name_text).take(MAX_NAMES).collect()
            }
            _ => Vec::new(),
        };
        let validity = certificate.validity();
        Some(Self {
            subject: one_line(&certificate.subject().to_string()),
            issuer: one_line(&certificate.issuer().to_string()),
            names,
            not_before_secs: validity.not_before.timestamp(),
            not_after_secs: validity.not_after.timestamp(),
        })
    }
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(one_line(name)),
        GeneralName::IPAddress(bytes) => {
            if let Ok(v4) = <[u8; 4]>::try_from(*bytes) {
                return Some(std::net::Ipv4Addr::from(v4).to_string());
            }
            let v6 = <[u8; 16]>::try_from(*bytes).ok()?;
            Some(std::net::Ipv6Addr::from(v6).to_string())
        }
        _ => None,
    }
}

/// Untrusted text of a certificate as one line.
fn one_line(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(200).collect()
}
