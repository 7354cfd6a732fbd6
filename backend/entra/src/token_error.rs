//! Errors of tokens of Microsoft Entra ID.

/// Reasons why a token is not available. They never contain a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The server's administrator did not allow the machine's identity. Source of the words:
    /// grafana-azure-sdk-go.
    #[error(
        "{identity} authentication is not enabled in Grafana config: the server's administrator enables it by `{setting}` in the section `[azure]`"
    )]
    NotEnabled {
        /// Kind of the identity.
        identity: &'static str,
        /// Name of the setting.
        setting: &'static str,
    },
    /// Value that neither the settings nor the environment contain.
    #[error("{what} is missing: fill it in, or set {variable} in the plugin's environment")]
    Missing {
        /// Name of the value.
        what: &'static str,
        /// Environment variable for it.
        variable: &'static str,
    },
    /// Unreadable file with the token of a workload identity.
    #[error("the file in {variable} cannot be read: {cause}")]
    AssertionFile {
        /// Environment variable with the path of the file.
        variable: &'static str,
        /// Error of the file.
        cause: String,
    },
    /// Invalid address of Entra ID in the environment.
    #[error("`{0}` is not an `https://` address of Microsoft Entra ID")]
    Authority(String),
    /// The endpoint cannot be reached.
    #[error("`{host}`, which issues the tokens, cannot be reached: {cause}")]
    Unreachable {
        /// Host of the endpoint.
        host: String,
        /// Error of the connection.
        cause: String,
    },
    /// The endpoint refused the login.
    #[error("`{host}` refused to issue a token ({status}): {message}")]
    Refused {
        /// Host of the endpoint.
        host: String,
        /// HTTP status of the answer.
        status: u16,
        /// First line of its error message.
        message: String,
    },
    /// The answer of the endpoint contains no token.
    #[error("`{host}` answered {status} without a token")]
    NoToken {
        /// Host of the endpoint.
        host: String,
        /// HTTP status of the answer.
        status: u16,
    },
}

impl TokenError {
    /// HTTP status for Grafana.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotEnabled { .. }
            | Self::Missing { .. }
            | Self::AssertionFile { .. }
            | Self::Authority(_) => 400,
            Self::Refused { .. } => 401,
            Self::Unreachable { .. } | Self::NoToken { .. } => 502,
        }
    }
}
