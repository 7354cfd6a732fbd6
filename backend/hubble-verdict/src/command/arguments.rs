//! The command line.

use std::{path::PathBuf, sync::LazyLock, time::SystemTime};

use chrono::{DateTime, Utc};
use cilium_policy::{RELEASE, Severity, UnixTime};
use clap::{Parser, Subcommand, ValueEnum};
use flow::Timestamp;
use hubble_verdict::unix_time;

use crate::ask::AskArguments;
use crate::shared_options::Output;

/// Versions of the program and of the Cilium that it models.
static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{}, judges as Cilium {RELEASE}", env!("CARGO_PKG_VERSION")));

static AFTER_HELP: LazyLock<String> =
    LazyLock::new(|| format!("Verdicts are those of Cilium {RELEASE}.\n\n{CODES_AND_EXAMPLES}"));

const CODES_AND_EXAMPLES: &str = "\
Exit code, the first that applies:
  2 the input cannot be read
  3 a policy is refused (by the API server, by kubectl alone, or by Cilium), or its kind or
    version does not exist; other objects (Deployment, Calico's) are listed and change nothing
  1 flows differ from the policies; flows older than the policies do not count
  4 with --lint: findings of severity error, or of the severity of --fail-on and above
  0 otherwise

Examples:
  hubble-verdict --policies policies/                        read and check a folder of policies
  hubble observe -o jsonpb --last 1000 | hubble-verdict --policies policies/ --flows -
  hubble-verdict --policies policies/ --flows flows.jsonl --what-if new/
  hubble-verdict --policies policies/ --flows flows.jsonl --lint --suggest -o json
  hubble-verdict ask --policies policies/ --flows flows.jsonl --from pets/order-service \\
    --to product-service:3002";

/// Judges recorded flows against network policies, as Cilium would.
#[derive(Debug, Parser)]
#[command(
    name = "hubble-verdict",
    version = VERSION.as_str(),
    after_help = AFTER_HELP.as_str(),
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Files or folders of policies (YAML, JSON).
    #[arg(long, required = true, num_args = 1.., value_name = "DIR|FILE")]
    pub(crate) policies: Vec<PathBuf>,
    /// Records as `hubble observe -o jsonpb` writes them, also within logs and Loki's answers; `-`
    /// reads standard input.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) flows: Option<PathBuf>,
    /// Agent settings as `name=value`, by Cilium's names: enable-policy, allow-localhost,
    /// allow-icmp-frag-needed, enable-ipv4, enable-ipv6, cluster-name,
    /// policy-default-local-cluster, enable-host-firewall, policy-cidr-match-mode,
    /// enable-node-selector-labels, enable-extended-ip-protocols, enable-icmp-rules,
    /// enable-l7-proxy, enable-non-default-deny-policies, enable-k8s-cluster-network-policy,
    /// enable-policy-secrets-sync, policy-audit-mode; cilium-release, as 1.18; api-server, false
    /// to check documents by Cilium's parser alone; and namespace, for documents without one.
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<String>,
    /// Time (RFC 3339) from which the policies are in force, or how long ago (`2h 30m`): older flows do
    /// not count as different. Objects with times of their own, as those of `kubectl get -o yaml`, keep
    /// these.
    #[arg(long, value_name = "TIME|DURATION", value_parser = since)]
    pub(crate) policies_since: Option<UnixTime>,
    /// Changed policies, all of them: lists the flows whose verdict would change, with the reason.
    #[arg(long, num_args = 1.., value_name = "DIR|FILE")]
    pub(crate) what_if: Vec<PathBuf>,
    /// Find parts of policies that are valid, but probably not intended.
    #[arg(long)]
    pub(crate) lint: bool,
    /// Least severity of a finding that makes the exit code 4.
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Error)]
    #[arg(requires = "lint")]
    pub(crate) fail_on: FailOn,
    /// Smallest additions that let the denied flows pass: to these policies where that lets no other
    /// flow pass, else as new policies.
    #[arg(long)]
    pub(crate) suggest: bool,
    /// `ContainerNetworkLog` resources: counts the flows that they would log.
    #[arg(long, num_args = 1.., value_name = "DIR|FILE", requires = "flows")]
    pub(crate) log_resource: Vec<PathBuf>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Commands besides judging flows.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ask(Box<AskArguments>),
}

/// The least severity of a finding that fails the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// The policy does not do what it says.
    Error,
    /// Also: the policy may do something else than it seems to.
    Warning,
    /// Every finding.
    Hint,
}

impl FailOn {
    /// Whether a finding of this severity counts.
    pub(crate) const fn is_met(self, severity: Severity) -> bool {
        match severity {
            Severity::Error => true,
            Severity::Warning => !matches!(self, Self::Error),
            Severity::Hint => matches!(self, Self::Hint),
        }
    }

    /// The reason for the exit code.
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Error => "there are findings of severity error",
            Self::Warning => "there are findings of severity error or warning",
            Self::Hint => "there are findings",
        }
    }
}

/// A text that is not a point in time.
#[derive(Debug, thiserror::Error)]
#[error("write a time as `2026-11-30T14:03:00Z`, or how long ago as `2h 30m`")]
struct SinceError;

/// A point in time. Errors: it is neither a time nor a duration, or lies before all times.
fn since(text: &str) -> Result<UnixTime, SinceError> {
    let time = match humantime::parse_duration(text) {
        Ok(ago) => SystemTime::now().checked_sub(ago).map(DateTime::<Utc>::from),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()),
    };
    time.and_then(|time| {
        let nanos = i32::try_from(time.timestamp_subsec_nanos()).ok()?;
        Timestamp::new(time.timestamp(), nanos).ok().map(unix_time)
    })
    .ok_or(SinceError)
}
