//! The command line.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand, ValueEnum};
use flow::{Flow, Timestamp};
use policy::{Settings, settings_from};

use crate::ask::AskArguments;
use crate::input::{self, InputError, PolicyFile};

const AFTER_HELP: &str = "\
Exit code, the first that applies:
  2 the input cannot be read
  3 a policy is refused (by the API server, by kubectl alone, or by Cilium), or its kind or
    version does not exist; objects of others (Deployment, Calico's) are named and change nothing
  1 flows differ from the policies; those that are older than the policies do not
  4 findings of severity error, with --lint
  0 nothing of that

Examples:
  verdict --policies policies/                        read and check a folder of policies
  hubble observe -o jsonpb --last 1000 | verdict --policies policies/ --flows -
  verdict --policies policies/ --flows flows.jsonl --what-if new/
  verdict --policies policies/ --flows flows.jsonl --lint --suggest -o json
  verdict ask --policies policies/ --flows flows.jsonl --from pets/order-service \\
    --to product-service:3002";

/// Judges recorded flows against network policies, as Cilium would.
#[derive(Debug, Parser)]
#[command(
    name = "verdict",
    version,
    after_help = AFTER_HELP,
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
    /// Lines of `hubble observe -o jsonpb`; `-` reads standard input.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) flows: Option<PathBuf>,
    /// Agent settings as `name=value`, by Cilium's names: enable-policy, allow-localhost,
    /// allow-icmp-frag-needed, enable-ipv4, enable-ipv6, cluster-name,
    /// policy-default-local-cluster, enable-host-firewall, policy-cidr-match-mode,
    /// enable-node-selector-labels, enable-extended-ip-protocols, enable-icmp-rules,
    /// enable-l7-proxy, enable-non-default-deny-policies, enable-k8s-cluster-network-policy,
    /// enable-policy-secrets-sync; cilium-release, as 1.18; api-server: false where only Cilium's
    /// parser is asked; and namespace, for documents that name none.
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<String>,
    /// Since when the policies are in force, as a time (RFC 3339) or how long ago (`2h 30m`): what is
    /// older is not said to differ. Objects that say themselves when they were changed, as those of
    /// `kubectl get -o yaml`, keep that time.
    #[arg(long, value_name = "TIME|DURATION", value_parser = since)]
    pub(crate) policies_since: Option<Timestamp>,
    /// All policies as they would be, instead of those of `--policies`: which flows change, and why.
    #[arg(long, num_args = 1.., value_name = "DIR|FILE")]
    pub(crate) what_if: Vec<PathBuf>,
    /// Look for what is allowed, and still not what its author meant.
    #[arg(long)]
    pub(crate) lint: bool,
    /// The smallest additions that let the refused flows pass: to these policies where nothing
    /// else would pass by it, else as policies of their own.
    #[arg(long)]
    pub(crate) suggest: bool,
    /// `ContainerNetworkLog` resources: which of the flows they would log.
    #[arg(long, num_args = 1.., value_name = "DIR|FILE", requires = "flows")]
    pub(crate) log_resource: Vec<PathBuf>,
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// What is done instead of judging flows.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ask(Box<AskArguments>),
}

/// Form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A point in time. Errors: it is neither a time nor a duration, or lies before all times.
fn since(text: &str) -> Result<Timestamp, String> {
    let time = match humantime::parse_duration(text) {
        Ok(ago) => SystemTime::now().checked_sub(ago).map(DateTime::<Utc>::from),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()),
    };
    time.and_then(|time| {
        let nanos = i32::try_from(time.timestamp_subsec_nanos()).ok()?;
        Timestamp::new(time.timestamp(), nanos).ok()
    })
    .ok_or_else(|| {
        "a time is written as `2026-11-30T14:03:00Z`, how long ago as `2h 30m`".to_owned()
    })
}

/// What both commands begin with.
pub(crate) struct Given {
    pub(crate) files: Vec<PolicyFile>,
    pub(crate) flows: Vec<Flow>,
    /// Those that the flows show, with what the command line changes.
    pub(crate) settings: Settings,
    pub(crate) notices: Vec<String>,
}

impl Given {
    /// Reads files of policies, flows and settings (`name=value`). Errors: one of them cannot be read.
    pub(crate) fn read(
        policies: &[PathBuf],
        flows: Option<&Path>,
        pairs: &[String],
    ) -> Result<Self, InputError> {
        let mut notices = Vec::new();
        let files = input::policies(policies, &mut notices)?;
        let (flows, of_flows) = match flows {
            Some(path) => input::flows(path)?,
            None => (Vec::new(), Vec::new()),
        };
        notices.extend(of_flows);
        let settings = settings(pairs, settings_from(&flows, Settings::default()))?;
        Ok(Self { files, flows, settings, notices })
    }
}

/// Settings with what the command line changes.
fn settings(pairs: &[String], mut settings: Settings) -> Result<Settings, InputError> {
    for pair in pairs {
        let is_setting =
            pair.split_once('=').is_some_and(|(name, value)| settings.set(name, value));
        if !is_setting {
            return Err(InputError::Setting { setting: pair.clone() });
        }
    }
    Ok(settings)
}
