use super::*;

fn source(credentials: AzureCredentials, environment: AzureEnvironment) -> TokenSource {
    let (audience, failures) = (Audience::AzureMonitor, Counter::default());
    TokenSource::within(environment, credentials, audience, Duration::from_secs(1), failures)
        .unwrap()
}

#[test]
fn clouds() {
    let check = |configured, variables: &[(&str, &str)], expected: (&str, &str)| {
        let environment = AzureEnvironment::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let (cloud, authority) = environment.cloud(configured);
        let resource = Audience::AzureMonitor.resource(cloud);
        assert_eq!((authority.as_str(), resource), expected);
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
    let tokens = source(credentials, environment);
    *tokens.cached.try_lock().unwrap() = CachedToken::Token {
        header: HeaderValue::from_static("Bearer hunter2"),
        renew_at: Instant::now(),
    };
    assert!(!format!("{tokens:?}").contains("hunter2"));
}

/// The machine's identity belongs to the server: an administrator of one organisation may not use it
/// unless the server's administrator allowed it.
#[tokio::test]
async fn identities_of_the_machine_are_allowed_by_the_server() {
    let check = async |login: AzureLogin, variables: &[(&str, &str)], expected: Option<&str>| {
        let environment = AzureEnvironment::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let credentials = AzureCredentials { cloud: None, login };
        let tokens = source(credentials, environment);
        let refused = tokens
            .request()
            .await
            .err()
            .filter(|error| matches!(error, TokenError::NotEnabled { .. }));
        assert_eq!(refused.map(|error| error.to_string()).as_deref(), expected, "{variables:?}");
    };
    let managed = || AzureLogin::ManagedIdentity { client_id: None };
    let pod = || AzureLogin::WorkloadIdentity { tenant_id: None, client_id: None };
    let not_managed = "managed identity authentication is not enabled in Grafana config: the server's administrator enables it by `managed_identity_enabled = true` in the section `[azure]`";
    let not_pod = "workload identity authentication is not enabled in Grafana config: the server's administrator enables it by `workload_identity_enabled = true` in the section `[azure]`";
    let managed_enabled = ("GFAZPL_MANAGED_IDENTITY_ENABLED", "true");
    let pod_enabled = ("GFAZPL_WORKLOAD_IDENTITY_ENABLED", "true");
    check(managed(), &[], Some(not_managed)).await;
    check(managed(), &[("GFAZPL_MANAGED_IDENTITY_ENABLED", "false")], Some(not_managed)).await;
    check(managed(), &[pod_enabled], Some(not_managed)).await;
    check(managed(), &[managed_enabled], None).await;
    check(pod(), &[], Some(not_pod)).await;
    check(pod(), &[("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")], Some(not_pod)).await;
    check(pod(), &[managed_enabled], Some(not_pod)).await;
    check(pod(), &[pod_enabled], None).await;
}

/// A workspace that refuses every token does not cost a token for each query.
#[tokio::test]
async fn refused_tokens_are_forgotten_now_and_then() {
    let login = AzureLogin::ManagedIdentity { client_id: None };
    let credentials = AzureCredentials { cloud: None, login };
    let tokens = source(credentials, AzureEnvironment::default());
    let check = async |refused: &'static str, cached: &'static str, expected: bool| {
        let header = HeaderValue::from_static(cached);
        *tokens.cached.lock().await = CachedToken::Token { header, renew_at: Instant::now() };
        let is_to_be_had = tokens.forget(&HeaderValue::from_static(refused)).await;
        assert_eq!(is_to_be_had, expected, "{refused} {cached}");
        let is_forgotten = matches!(*tokens.cached.lock().await, CachedToken::Nothing);
        assert_eq!(is_forgotten, expected && refused == cached, "{refused} {cached}");
    };
    check("1", "1", true).await;
    check("2", "2", false).await;
    // Another call has replaced it.
    check("1", "2", true).await;
    *tokens.forgotten_at.lock().await = Instant::now().checked_sub(FORGET_INTERVAL);
    check("2", "2", true).await;
    check("3", "3", false).await;
}
