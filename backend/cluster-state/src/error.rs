//! Errors of an API server's answers.

use entra::TokenError;

/// The reason why a resource is not read, or no longer watched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The client cannot be set up.
    #[error("the client of the API server cannot be set up: {reason}")]
    Client {
        /// Reason.
        reason: String,
    },
    /// This process does not run in a pod with an account.
    #[error(
        "the service account of Grafana's pod cannot be used: {reason}. Outside of a cluster, use a kubeconfig or a token"
    )]
    ServiceAccount {
        /// Reason.
        reason: String,
    },
    /// No token of Entra ID.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The server does not answer.
    #[error("the API server `{url}` cannot be reached: {cause}")]
    Unreachable {
        /// Base URL.
        url: String,
        /// Error of the connection.
        cause: String,
    },
    /// The server accepted the call and sent nothing more.
    #[error("the API server `{url}` did not answer within {secs} s")]
    Silent {
        /// Base URL.
        url: String,
        /// Seconds of waiting.
        secs: u64,
    },
    /// The credentials are refused.
    #[error("the API server `{url}` refuses the credentials (401): renew the token or kubeconfig")]
    Unauthorized {
        /// Base URL.
        url: String,
    },
    /// A right is missing.
    #[error(
        "the account may not `{verb}` `{resource}`: give it this right, as `provisioning/kubernetes/policies.yaml` does"
    )]
    Forbidden {
        /// Verb of the right.
        verb: &'static str,
        /// Resource, with its group.
        resource: String,
    },
    /// The resource does not exist.
    #[error("the cluster has no `{resource}`")]
    Absent {
        /// Resource, with its group.
        resource: String,
    },
    /// The resource exists in other versions.
    #[error("the cluster serves `{resource}` only in versions that are not read: {versions}")]
    Versions {
        /// Resource, with its group.
        resource: String,
        /// Served versions.
        versions: String,
    },
    /// The revision to continue from is too old.
    #[error("the API server `{url}` no longer has the changes since the last ones that were seen")]
    Gone {
        /// Base URL.
        url: String,
    },
    /// An answer of something else.
    #[error("`{url}` did not answer like a Kubernetes API server ({status}): {excerpt}")]
    NotKubernetes {
        /// Base URL.
        url: String,
        /// HTTP status.
        status: u16,
        /// First words of the answer.
        excerpt: String,
    },
    /// Another refusal, in the server's words.
    #[error("the API server `{url}` refuses to answer ({status}): {message}")]
    Refused {
        /// Base URL.
        url: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// An answer that is too large.
    #[error("the API server `{url}` sent more than {mib} MiB at once")]
    TooLarge {
        /// Base URL.
        url: String,
        /// Limit.
        mib: usize,
    },
}

impl ClusterError {
    /// Whether only the user can mend it.
    pub(crate) const fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::Forbidden { .. }
                | Self::Absent { .. }
                | Self::Versions { .. }
                | Self::Client { .. }
        )
    }
}
