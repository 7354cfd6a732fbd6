use super::*;

#[test]
fn clouds() {
    let check = |configured, variables: &[(&str, &str)], expected: (&str, &str)| {
        let environment = AzureEnvironment::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let (cloud, authority) = environment.cloud(configured);
        assert_eq!((authority.as_str(), cloud.audience()), expected);
    };
    let public = ("https://login.microsoftonline.com", "https://prometheus.monitor.azure.com");
    let government = ("https://login.microsoftonline.us", "https://prometheus.monitor.azure.us");
    let china = ("https://login.chinacloudapi.cn", "https://prometheus.monitor.azure.cn");
    check(None, &[], public);
    check(Some(AzureCloud::Public), &[], public);
    check(Some(AzureCloud::UsGovernment), &[], government);
    check(Some(AzureCloud::China), &[], china);
    // Settings take precedence over the environment.
    check(Some(AzureCloud::China), &[("AZURE_AUTHORITY_HOST", government.0)], china);
    check(None, &[("AZURE_AUTHORITY_HOST", government.0)], government);
    check(None, &[("AZURE_AUTHORITY_HOST", china.0)], china);
    check(None, &[("GFAZPL_AZURE_CLOUD", "AzureUSGovernment")], government);
    check(None, &[("GFAZPL_AZURE_CLOUD", "AzureChinaCloud")], china);
}

#[test]
fn secrets_are_not_shown() {
    let credentials = AzureCredentials {
        cloud: None,
        login: AzureLogin::ClientSecret {
            tenant_id: "t".to_owned(),
            client_id: "c".to_owned(),
            secret: Secret::new("hunter2").unwrap(),
        },
    };
    let environment = AzureEnvironment::from_variables(|name| {
        (name == "IDENTITY_HEADER").then(|| "hunter2".to_owned())
    });
    let http = crate::transport::token_client(Duration::from_secs(1), true).unwrap();
    let tokens = TokenSource::new(http, credentials, environment);
    *tokens.cached.try_lock().unwrap() = CachedToken::Token {
        header: HeaderValue::from_static("Bearer hunter2"),
        renew_at: Instant::now(),
    };
    assert!(!format!("{tokens:?}").contains("hunter2"));
    let refusal = OAuthError {
        error: "invalid_client".to_owned(),
        error_description: "secret hunter2 is wrong\r\nTrace ID: 1".to_owned(),
    };
    assert_eq!(tokens.error_line(&refusal).unwrap(), "secret [redacted] is wrong");
}
