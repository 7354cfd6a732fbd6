//! Kubeconfigs that come from a data source's settings. Whoever may edit those must not run programs on
//! Grafana's machine or read its files, so a kubeconfig has to hold all that it needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError};
use secrecy::{ExposeSecret as _, SecretString};
use secret::Secret;
use wording::quote;

use crate::access::{ClusterAuth, InvalidAccess, ServerAccess};

/// Maximum size of a kubeconfig, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The reason why a kubeconfig is not used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKubeconfig {
    /// It is too long.
    #[error("the kubeconfig is longer than {} KiB", MAX_BYTES >> 10)]
    TooLong,
    /// It is not a kubeconfig. The parser's words could quote a secret.
    #[error("the kubeconfig cannot be read: it is not the YAML of `kind: Config`")]
    Syntax,
    /// The chosen context does not exist.
    #[error("the kubeconfig has no {what} `{name}`, which it refers to")]
    Missing {
        /// Kind of the entry.
        what: &'static str,
        /// Name of the entry.
        name: String,
    },
    /// No context is chosen.
    #[error("the kubeconfig chooses no context: set `current-context`")]
    NoContext,
    /// A program that would have to be run.
    #[error(
        "the kubeconfig gets its credentials from a program (`{field}`), which is not run on Grafana's machine: use a kubeconfig with the token of a service account"
    )]
    Program {
        /// Name of the field.
        field: &'static str,
    },
    /// A file that would have to be read.
    #[error(
        "the kubeconfig names a file (`{field}`), which is not read on Grafana's machine: embed it with `kubectl config view --raw --flatten`"
    )]
    File {
        /// Name of the field.
        field: &'static str,
    },
    /// A field with an effect that is not supported.
    #[error("the kubeconfig uses `{field}`, which is not supported here: {instead}")]
    Unsupported {
        /// Name of the field.
        field: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// Data that is not PEM in base64.
    #[error("`{field}` of the kubeconfig is not PEM in base64")]
    Data {
        /// Name of the field.
        field: &'static str,
    },
    /// One part of the pair is missing.
    #[error("the kubeconfig has only one of `client-certificate-data` and `client-key-data`")]
    HalfPair,
    /// The server.
    #[error("the kubeconfig's cluster cannot be asked")]
    Access(#[from] InvalidAccess),
}

/// Reads the chosen context of a kubeconfig.
///
/// Errors: [`InvalidKubeconfig`].
pub fn read(kubeconfig: &Secret) -> Result<ServerAccess, InvalidKubeconfig> {
    let text = kubeconfig.reveal();
    if text.len() > MAX_BYTES {
        return Err(InvalidKubeconfig::TooLong);
    }
    let config =
        Kubeconfig::from_yaml(text).map_err(|_: KubeconfigError| InvalidKubeconfig::Syntax)?;
    let context = context(&config)?;
    let missing = |what, name: &str| InvalidKubeconfig::Missing { what, name: quote(name) };
    let named = config.clusters.iter().find(|own| own.name == context.cluster);
    let cluster = named
        .and_then(|own| own.cluster.as_ref())
        .ok_or_else(|| missing("cluster", &context.cluster))?;
    let auth = match &context.user {
        None => ClusterAuth::None,
        Some(user) => {
            let named = config.auth_infos.iter().find(|own| own.name == *user);
            auth(
                named
                    .and_then(|own| own.auth_info.as_ref())
                    .ok_or_else(|| missing("user", user))?,
            )?
        }
    };
    access(cluster, auth)
}

fn context(config: &Kubeconfig) -> Result<&Context, InvalidKubeconfig> {
    let chosen = config.current_context.as_deref().filter(|name| !name.is_empty());
    let named = match (chosen, config.contexts.as_slice()) {
        (Some(name), contexts) => contexts
            .iter()
            .find(|own| own.name == name)
            .ok_or_else(|| InvalidKubeconfig::Missing { what: "context", name: quote(name) })?,
        (None, [only]) => only,
        (None, _) => return Err(InvalidKubeconfig::NoContext),
    };
    named
        .context
        .as_ref()
        .ok_or_else(|| InvalidKubeconfig::Missing { what: "context", name: quote(&named.name) })
}

fn access(cluster: &Cluster, auth: ClusterAuth) -> Result<ServerAccess, InvalidKubeconfig> {
    if is_set(cluster.certificate_authority.as_ref())
        && cluster.certificate_authority_data.is_none()
    {
        return Err(InvalidKubeconfig::File { field: "certificate-authority" });
    }
    if is_set(cluster.proxy_url.as_ref()) {
        return Err(InvalidKubeconfig::Unsupported {
            field: "proxy-url",
            instead: "set `HTTPS_PROXY` in Grafana's environment",
        });
    }
    let mut access = ServerAccess::new(cluster.server.as_deref().unwrap_or_default(), auth)?;
    access.ca_pem = match &cluster.certificate_authority_data {
        Some(data) if !data.is_empty() => Some(pem("certificate-authority-data", data)?),
        _ => None,
    };
    access.server_name = cluster.tls_server_name.clone().filter(|name| !name.is_empty());
    access.skip_verify = cluster.insecure_skip_tls_verify.unwrap_or_default();
    Ok(access)
}

fn auth(user: &AuthInfo) -> Result<ClusterAuth, InvalidKubeconfig> {
    if user.exec.is_some() {
        return Err(InvalidKubeconfig::Program { field: "exec" });
    }
    if user.auth_provider.is_some() {
        return Err(InvalidKubeconfig::Program { field: "auth-provider" });
    }
    let impersonates = is_set(user.impersonate.as_ref())
        || is_set(user.impersonate_uid.as_ref())
        || user.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty());
    if impersonates {
        let instead = "use the token of an account that has the rights itself";
        return Err(InvalidKubeconfig::Unsupported { field: "as", instead });
    }
    if is_set(user.username.as_ref()) {
        let instead = "API servers have not known passwords since Kubernetes 1.19";
        return Err(InvalidKubeconfig::Unsupported { field: "username", instead });
    }
    let token = user.token.as_ref().map(|token| token.expose_secret().trim());
    if let Some(token) = token.and_then(Secret::new) {
        return Ok(ClusterAuth::Token(token));
    }
    if is_set(user.token_file.as_ref()) {
        return Err(InvalidKubeconfig::File { field: "tokenFile" });
    }
    let certificate = user.client_certificate_data.as_deref().filter(|data| !data.is_empty());
    let key = user.client_key_data.as_ref().map(SecretString::expose_secret);
    match (certificate, key.filter(|data| !data.is_empty())) {
        (Some(certificate), Some(key)) => {
            let secret = |field, data| {
                Secret::new(&pem(field, data)?).ok_or(InvalidKubeconfig::Data { field })
            };
            let certificate = secret("client-certificate-data", certificate)?;
            Ok(ClusterAuth::Certificate(certificate, secret("client-key-data", key)?))
        }
        (None, _) if is_set(user.client_certificate.as_ref()) => {
            Err(InvalidKubeconfig::File { field: "client-certificate" })
        }
        (_, None) if is_set(user.client_key.as_ref()) => {
            Err(InvalidKubeconfig::File { field: "client-key" })
        }
        (None, None) => Ok(ClusterAuth::None),
        _ => Err(InvalidKubeconfig::HalfPair),
    }
}

fn is_set(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn pem(field: &'static str, data: &str) -> Result<String, InvalidKubeconfig> {
    let packed: String = data.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(packed).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(InvalidKubeconfig::Data { field })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cluster: &str, user: &str, rest: &str, expect: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n{rest}"
        );
        let got = match read(&Secret::new(&text).unwrap()) {
            Ok(access) => format!(
                "{} {:?} ca={:?} name={:?} skip={}",
                access.url, access.auth, access.ca_pem, access.server_name, access.skip_verify
            ),
            Err(error) => wording::with_causes(&error),
        };
        assert!(got.starts_with(expect), "{text}\n{got}");
        assert!(!got.contains("hunter2"), "{got}");
    }

    #[test]
    fn contexts_and_credentials() {
        let server = "server: 'https://api:6443'";
        let token = "token: hunter2";
        check(
            &format!("{server}, certificate-authority-data: UEVN, tls-server-name: n"),
            token,
            "current-context: x",
            "https://api:6443/ Token([redacted]) ca=Some(\"PEM\") name=Some(\"n\") skip=false",
        );
        check(
            &format!("{server}, insecure-skip-tls-verify: true"),
            "client-certificate-data: UEVN, client-key-data: UEVN",
            "",
            "https://api:6443/ Certificate([redacted], [redacted]) ca=None name=None skip=true",
        );
        check(server, token, "current-context: y", "the kubeconfig has no context `y`");
        check(
            server,
            token,
            "preferences: {}\n---\ncontexts: [{name: y, context: {cluster: c}}]",
            "the kubeconfig chooses no context",
        );
        check(server, "client-key-data: UEVN", "", "the kubeconfig has only one of");
        check(
            &format!("{server}, certificate-authority-data: '%'"),
            token,
            "",
            "`certificate-authority-data` of the kubeconfig is not PEM",
        );
        check(
            "server: 'http://api'",
            token,
            "",
            "the kubeconfig's cluster cannot be asked: the API server needs an `https://` URL",
        );
        check(server, token, "a: [hunter2", "the kubeconfig cannot be read");
    }

    /// A person who may edit a data source runs no program on Grafana's machine, and reads no file.
    #[test]
    fn programs_and_files_are_refused() {
        let server = "server: 'https://api:6443'";
        let of_user = |user: &str, expect: &str| check(server, user, "", expect);
        of_user(
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, hunter2], interactiveMode: Never}",
            "the kubeconfig gets its credentials from a program (`exec`)",
        );
        of_user(
            "auth-provider: {name: gcp, config: {cmd-path: /bin/sh}}",
            "the kubeconfig gets its credentials from a program (`auth-provider`)",
        );
        let file = |field: &str| format!("the kubeconfig names a file (`{field}`)");
        of_user("tokenFile: /etc/passwd", &file("tokenFile"));
        of_user("client-certificate: /etc/passwd, client-key: /k", &file("client-certificate"));
        of_user("client-certificate-data: UEVN, client-key: /k", &file("client-key"));
        of_user("username: u, password: hunter2", "the kubeconfig uses `username`");
        of_user("token: hunter2, as: admin", "the kubeconfig uses `as`");
        let of_cluster = |cluster: &str, expect: &str| {
            check(&format!("{server}, {cluster}"), "token: hunter2", "", expect);
        };
        of_cluster("certificate-authority: /etc/passwd", &file("certificate-authority"));
        of_cluster("proxy-url: 'http://proxy'", "the kubeconfig uses `proxy-url`");
    }

    #[test]
    fn hostile_texts() {
        let read = |text: &str| read(&Secret::new(text).unwrap()).unwrap_err().to_string();
        let bomb: String = (1..40).fold("a0: &a0 [x]\n".to_owned(), |text, own| {
            let before = own - 1;
            text + &format!("a{own}: &a{own} [*a{before}, *a{before}]\n")
        });
        for text in [bomb.as_str(), "[", "- a", "\0", "{{"] {
            assert!(read(text).starts_with("the kubeconfig c"), "{text}");
        }
        assert_eq!(read(&"#".repeat(MAX_BYTES + 1)), "the kubeconfig is longer than 1024 KiB");
    }
}
