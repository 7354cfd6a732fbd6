//! Settings of the network policies.

use std::path::PathBuf;

use cluster_state::{ClusterAccess, ClusterAuth, ServerAccess, ServiceAccount, read_kubeconfig};

use crate::json::JsonData;
use crate::prometheus::azure;
use crate::{InvalidSettings, StoredSettings, non_empty};

/// The places of a data source's policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySettings {
    /// YAML or JSON.
    pub text: Option<String>,
    /// Folder on Grafana's machine, as written.
    pub folder: Option<PathBuf>,
    /// Namespace of documents without one.
    pub namespace: Option<String>,
    /// The cluster whose own policies are read.
    pub cluster: Option<ClusterAccess>,
}

/// Reads the policies' part.
///
/// Errors: [`InvalidSettings`].
pub(crate) fn read(
    stored: &StoredSettings,
    json: JsonData,
) -> Result<PolicySettings, InvalidSettings> {
    Ok(PolicySettings {
        cluster: cluster(stored, &json)?,
        folder: non_empty(json.policies_folder.as_ref()).map(PathBuf::from),
        namespace: non_empty(json.policies_namespace.as_ref()),
        text: json.policies_text.filter(|text| !text.trim().is_empty()),
    })
}

fn cluster(
    stored: &StoredSettings,
    json: &JsonData,
) -> Result<Option<ClusterAccess>, InvalidSettings> {
    let secret = |name: &str| stored.secrets.get(name).cloned();
    let server = |access: &'static str, auth: ClusterAuth| {
        let missing = InvalidSettings::KubernetesMissing { access, missing: "the URL" };
        let url = non_empty(json.kubernetes_url.as_ref()).ok_or(missing)?;
        let mut server = ServerAccess::new(&url, auth)?;
        server.ca_pem = secret("kubernetesCACert").map(|pem| pem.reveal().to_owned());
        server.server_name = non_empty(json.kubernetes_server_name.as_ref());
        server.skip_verify = json.kubernetes_tls_skip_verify;
        Ok(Some(ClusterAccess::Server(server)))
    };
    match non_empty(json.kubernetes_access.as_ref()).as_deref() {
        None | Some("none") => Ok(None),
        Some("serviceaccount") => Ok(Some(ClusterAccess::InCluster(ServiceAccount::default()))),
        Some("kubeconfig") => {
            let (access, missing) = ("kubeconfig", "the kubeconfig");
            let kubeconfig = secret("kubernetesKubeconfig")
                .ok_or(InvalidSettings::KubernetesMissing { access, missing })?;
            Ok(Some(ClusterAccess::Server(read_kubeconfig(&kubeconfig)?)))
        }
        Some("token") => {
            let (access, missing) = ("token", "the token");
            let token = secret("kubernetesToken")
                .ok_or(InvalidSettings::KubernetesMissing { access, missing })?;
            server(access, ClusterAuth::Token(token))
        }
        Some("azure") => {
            server("azure", ClusterAuth::Azure(azure(stored, &json.azure_credentials)?))
        }
        Some(access) => Err(InvalidSettings::KubernetesAccess { access: access.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use secret::Secret;

    fn check(json: &str, secrets: &[(&str, &str)], expect: &str) {
        let secrets = secrets
            .iter()
            .filter_map(|(name, text)| Some(((*name).to_owned(), Secret::new(text)?)))
            .collect();
        let stored =
            StoredSettings { json_data: json.into(), secrets, ..StoredSettings::default() };
        let got = match Settings::read(&stored) {
            Ok(settings) => match settings.policies.cluster {
                None => "none".to_owned(),
                Some(ClusterAccess::InCluster(account)) => account.folder.display().to_string(),
                Some(ClusterAccess::Server(server)) => format!(
                    "{} {:?} {:?} {:?} {}",
                    server.url, server.auth, server.ca_pem, server.server_name, server.skip_verify
                ),
            },
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect, "{json}");
    }

    #[test]
    fn ways_to_a_cluster() {
        check("{}", &[], "none");
        check(r#"{"kubernetesAccess":"none","kubernetesUrl":"x"}"#, &[], "none");
        check(
            r#"{"kubernetesAccess":"serviceaccount"}"#,
            &[],
            "/var/run/secrets/kubernetes.io/serviceaccount",
        );
        let url = r#""kubernetesUrl":"https://api:6443""#;
        let token = [("kubernetesToken", "hunter2"), ("kubernetesCACert", "PEM")];
        check(
            &format!(
                r#"{{"kubernetesAccess":"token",{url},"kubernetesServerName":" n ","kubernetesTlsSkipVerify":"true"}}"#
            ),
            &token,
            r#"https://api:6443/ Token([redacted]) Some("PEM") Some("n") true"#,
        );
        check(
            r#"{"kubernetesAccess":"token"}"#,
            &token,
            "access to the Kubernetes API is `token`, but the URL is empty",
        );
        check(
            &format!(r#"{{"kubernetesAccess":"token",{url}}}"#),
            &[],
            "access to the Kubernetes API is `token`, but the token is empty",
        );
        check(
            r#"{"kubernetesAccess":"kubeconfig"}"#,
            &[],
            "access to the Kubernetes API is `kubeconfig`, but the kubeconfig is empty",
        );
        let kubeconfig = "clusters: [{name: c, cluster: {server: 'https://api'}}]\nusers: [{name: u, user: {token: hunter2}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n";
        check(
            r#"{"kubernetesAccess":"kubeconfig"}"#,
            &[("kubernetesKubeconfig", kubeconfig)],
            "https://api/ Token([redacted]) None None false",
        );
        check(
            r#"{"kubernetesAccess":"kubeconfig"}"#,
            &[("kubernetesKubeconfig", "a: [")],
            "network policies: the kubeconfig cannot be used",
        );
        check(
            r#"{"kubernetesAccess":"guess"}"#,
            &[],
            "access to the Kubernetes API `guess` is unknown: use `serviceaccount`, `kubeconfig`, `token` or `azure`",
        );
        // The identity is that of Prometheus.
        let azure = |host: &str, identity: &str| {
            format!(
                r#"{{"kubernetesAccess":"azure","kubernetesUrl":"https://{host}","azureCredentials":{{{identity}}}}}"#
            )
        };
        check(
            &azure("api.example", r#""tenantId":"t","clientId":"c""#),
            &[("azureClientSecret", "hunter2")],
            r#"https://api.example/ Azure(AzureCredentials { cloud: None, login: ClientSecret { tenant_id: "t", client_id: "c", secret: [redacted] } }) None None false"#,
        );
        check(
            &azure("api.example", r#""authType":"msi""#),
            &[],
            "network policies: the API server cannot be asked",
        );
    }
}
