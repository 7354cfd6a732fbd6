//! Tests of certificates that expire soon: the relay's, its authority's and our own have a notice a
//! month before.

use std::path::Path;

use chrono::{Datelike, Duration, Utc};
use petshop::{Shop, ShopOptions, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;
use test_kit::grafana::{Plugin, Range, Source};

const SERVER_NAME: &str = "instance.hubble-relay.cilium.io";

fn params(name: &str, days: i64) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let end = Utc::now() + Duration::days(days);
    let (month, day) = (u8::try_from(end.month()).unwrap(), u8::try_from(end.day()).unwrap());
    params.not_after = rcgen::date_time_ymd(end.year(), month, day);
    params
}

/// Certificate and key, in PEM.
fn sign(name: &str, days: i64, issuer: &CertifiedIssuer<'static, KeyPair>) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = params(name, days).signed_by(&key, issuer).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// A relay and its address, with certificates that expire after so many days.
async fn shop(
    folder: &Path,
    authority_days: i64,
    relay_days: i64,
    client_days: i64,
) -> (Shop, Source) {
    let mut of_authority = params("The CA", authority_days);
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = CertifiedIssuer::self_signed(of_authority, key).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (certificate, key) = sign(SERVER_NAME, relay_days, &authority);
    let shop = Shop::start(ShopOptions {
        tls: Some(TlsFiles {
            // Some relays send their authority's certificate too.
            cert: write("relay.crt", &format!("{certificate}{}", authority.pem())),
            key: write("relay.key", &key),
            client_ca: Some(write("ca.crt", &authority.pem())),
        }),
        ..ShopOptions::default()
    })
    .await
    .unwrap();
    let (client, client_key) = sign("client", client_days, &authority);
    let secrets =
        [("tlsCACert", authority.pem()), ("tlsClientCert", client), ("tlsClientKey", client_key)];
    let source = Source {
        url: format!("tls://{}", shop.relay_address()),
        json_data: json!({
            "tls": true, "tlsAuth": true, "tlsAuthWithCACert": true, "serverName": SERVER_NAME,
        }),
        secrets: secrets.map(|(name, text)| (name.to_owned(), text)).into_iter().collect(),
        ..Source::default()
    };
    (shop, source)
}

#[tokio::test]
async fn certificates_have_a_notice_a_month_before_they_expire() {
    let plugin = Plugin::start().await;
    let check = async |days: [i64; 3], expected: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let (shop, source) = shop(folder.path(), days[0], days[1], days[2]).await;
        let health = plugin.health(&source).await;
        let mut answers = vec![health.message];
        assert_eq!(health.status, 1, "{}", answers[0]);
        for query in [
            json!({ "queryType": "flows" }),
            json!({ "queryType": "flowMetrics", "format": "top" }),
            json!({ "queryType": "serviceMap" }),
        ] {
            answers.push(plugin.frames(&source, Range::last_hour(), query).await.join("\n"));
        }
        for (index, answer) in answers.iter().enumerate() {
            // A frame has a notice of each certificate, and lists it for programs.
            let times = if index == 0 { 1 } else { 2 };
            let found = answer.matches(": renew it").count();
            assert_eq!(found, times * expected.len(), "{days:?}: {answer}");
            let is_named = answer.contains(r#""certificates": ["#);
            assert_eq!(is_named, index > 0 && !expected.is_empty(), "{days:?}: {answer}");
            for words in expected {
                assert!(answer.contains(words), "{days:?} {words}: {answer}");
            }
        }
        shop.stop().await;
    };
    check([400, 31 + 1, 31 + 1], &[]).await;
    check(
        [400, 29, 400],
        &["the relay's certificate `CN=instance.hubble-relay.cilium.io` ends in "],
    )
    .await;
    check([400, 400, 10], &["the client certificate `CN=client` ends in "]).await;
    check([20, 20, 400], &["the CA certificate `CN=The CA` ends in ", "the relay's certificate"])
        .await;
}
