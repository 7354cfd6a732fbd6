//! Expiry of certificates. A relay with an expired certificate answers no client, and the date is
//! known in advance.

use std::time::Duration;

use hubble_api::client::{CertificateRole, Expiry};
use wording::time_text;

use crate::Relay;
use crate::now_ms;

/// Time before its expiry from which on a certificate has a notice.
const SOON_SECS: i64 = 30 * DAY_SECS;
const DAY_SECS: i64 = 86_400;
/// Time after which the certificates are looked up again.
pub(crate) const TTL: Duration = Duration::from_hours(1);
/// Maximum wait for the relay's current certificates.
const MAX_WAIT: Duration = Duration::from_secs(3);

impl Relay {
    /// A text for each certificate that expires soon or has expired: the relay's, its authority's
    /// and our own. Looked up at most once an hour.
    pub async fn certificates_that_end(&self) -> Vec<String> {
        let now_secs = now_ms().div_euclid(1_000);
        let expiries = self.expiries.get(async {
            let expiries = self.client.expiries(now_secs.saturating_add(SOON_SECS)).await;
            // Before the first connection the relay's certificate is unknown, so nothing is kept.
            let is_whole = expiries.iter().any(|expiry| expiry.role == CertificateRole::Relay);
            if is_whole { Ok(expiries) } else { Err(expiries) }
        });
        let looked = tokio::time::timeout(MAX_WAIT, expiries).await.unwrap_or(Ok(Vec::new()));
        let (Ok(expiries) | Err(expiries)) = looked;
        notices(&expiries, now_secs)
    }
}

fn notices(expiries: &[Expiry], now_secs: i64) -> Vec<String> {
    expiries.iter().filter_map(|expiry| notice(expiry, now_secs)).collect()
}

/// Notice text for a certificate. `None`: it does not expire soon.
fn notice(expiry: &Expiry, now_secs: i64) -> Option<String> {
    let Expiry { role, subject, not_after_secs } = expiry;
    let left_secs = not_after_secs.saturating_sub(now_secs);
    if left_secs > SOON_SECS {
        return None;
    }
    let date = time_text(not_after_secs.saturating_mul(1_000_000_000));
    let days = left_secs.div_euclid(DAY_SECS);
    let when = match days {
        ..0 => format!("ended on {date}"),
        0 => format!("ends in less than a day, on {date}"),
        1 => format!("ends in 1 day, on {date}"),
        days => format!("ends in {days} days, on {date}"),
    };
    let of = if subject.is_empty() { String::new() } else { format!(" `{subject}`") };
    Some(format!("{role}{of} {when}: renew it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_before_they_end_certificates_have_a_notice() {
        // 2026-01-01.
        const NOW: i64 = 1_767_225_600;
        let check = |left_secs: i64, expected: Option<&str>| {
            let expiry = Expiry {
                role: CertificateRole::Relay,
                subject: "CN=*.hubble-relay.cilium.io".to_owned(),
                not_after_secs: NOW + left_secs,
            };
            let text = expected.map(|when| {
                format!("the relay's certificate `CN=*.hubble-relay.cilium.io` {when}: renew it")
            });
            assert_eq!(notice(&expiry, NOW), text, "{left_secs}");
        };
        check(30 * DAY_SECS + 1, None);
        check(30 * DAY_SECS, Some("ends in 30 days, on 2026-01-31 00:00:00.000 UTC"));
        check(30 * DAY_SECS - 1, Some("ends in 29 days, on 2026-01-30 23:59:59.000 UTC"));
        check(DAY_SECS, Some("ends in 1 day, on 2026-01-02 00:00:00.000 UTC"));
        check(DAY_SECS - 1, Some("ends in less than a day, on 2026-01-01 23:59:59.000 UTC"));
        check(0, Some("ends in less than a day, on 2026-01-01 00:00:00.000 UTC"));
        check(-1, Some("ended on 2025-12-31 23:59:59.000 UTC"));
    }
}
