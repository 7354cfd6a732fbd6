//! The policies of a cluster, as its API server has them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::budget::{Caller, Held, Memory};
use cluster_state::{
    ClusterAccess, ClusterError, ClusterSource, Limits, Pace, ResourceState, Role, Snapshot,
};
use frames::PolicyFileRow;
use serde_json::{Value, json};
use wording::{Notice, names};

use super::{MAX_NAMED, PolicyFiles};

/// Time without a question after which the cluster is no longer watched.
const IDLE_AFTER: Duration = Duration::from_mins(10);
/// Longest wait for the first answers of an API server.
const FIRST_WAIT: Duration = Duration::from_secs(10);

/// The policies of one data source's cluster.
#[derive(Debug)]
pub(crate) struct ClusterPolicies {
    source: Result<ClusterSource, RefusedAccount>,
    /// The memory of the objects.
    held: Mutex<Held>,
}

/// The reason why the account of Grafana's pod is not used: a user who may edit a data source could otherwise
/// read with Grafana's own rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the policies of the cluster are not read: the server's administrator allows the service account of Grafana's pod by `allow_service_account = true` in `[plugin.k8snet-hubble-datasource]` of Grafana's configuration"
)]
pub(crate) struct RefusedAccount;

/// How fresh the policies of a cluster are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyFreshness {
    times: cluster_state::Freshness,
    /// The reasons why policies are missing or old, as sentences.
    pub(crate) problems: Vec<String>,
}

impl PolicyFreshness {
    /// The freshness as the panel reads it; times are Unix milliseconds.
    pub(crate) fn json(&self) -> Value {
        json!({
            "checked": relay::now_ms(),
            "read": self.times.read_ms,
            "staleSince": self.times.stale_since_ms,
            "reading": self.times.is_reading,
            "problems": self.problems,
        })
    }

    /// The freshness as a part of a sentence.
    pub(crate) fn words(&self) -> String {
        let time = |ms: i64| wording::time_text(ms.saturating_mul(1_000_000));
        match (self.times.stale_since_ms, self.times.read_ms) {
            (Some(since), _) => format!("stale since {}", time(since)),
            (None, Some(_)) if self.times.is_reading => "still being read".to_owned(),
            (None, Some(read)) => format!("read at {}, still watched", time(read)),
            (None, None) => "not read".to_owned(),
        }
    }
}

impl ClusterPolicies {
    /// The policies of a cluster, which is not asked yet.
    pub(crate) fn new(access: ClusterAccess, memory: &Memory, caller: Caller) -> Self {
        let is_refused =
            matches!(access, ClusterAccess::InCluster(_)) && !is_service_account_allowed();
        let source = || ClusterSource::new(access, Pace::default(), Limits::default(), IDLE_AFTER);
        Self {
            source: if is_refused { Err(RefusedAccount) } else { Ok(source()) },
            held: Mutex::new(memory.hold(caller)),
        }
    }

    /// The revision of the policies; empty without policies. It does not wait for the API server. Call it
    /// within a Tokio runtime.
    pub(crate) fn revision(&self) -> (String, Option<PolicyFreshness>) {
        let Ok(source) = &self.source else { return (String::new(), None) };
        let snapshot = source.snapshot();
        let freshness = freshness(&snapshot);
        let is_empty = !snapshot.objects.iter().any(|own| own.is_for_verdicts());
        // The panel prepares for policies, and asks for them.
        let revision = if freshness.times.is_reading {
            format!("reading-{}", snapshot.revision)
        } else if is_empty {
            String::new()
        } else {
            snapshot.revision
        };
        (revision, Some(freshness))
    }

    /// Adds the policies, with the reasons why some are missing or old in the freshness: those change without
    /// the policies. Waits for the first answers.
    pub(crate) async fn add_to(&self, found: &mut PolicyFiles) {
        let source = match &self.source {
            Ok(source) => source,
            Err(refused) => return found.warn(refused.to_string()),
        };
        let snapshot = source.settled(FIRST_WAIT).await;
        let bytes = snapshot.objects.iter().map(|object| object.text.len()).sum();
        let is_held = self.held.lock().unwrap_or_else(PoisonError::into_inner).set(bytes);
        if let Err(error) = is_held {
            return found.warn(format!("the policies of the cluster are left out: {error}"));
        }
        let rows = snapshot.for_verdicts().map(|object| PolicyFileRow {
            name: object.file_name(),
            text: object.text.clone(),
            modified_ms: object.changed_ms,
        });
        // Files come later, so that a policy of a file replaces that of the cluster.
        found.files.splice(0..0, rows);
        found.changed_ms = found.changed_ms.max(snapshot.removed_ms);
        for own in snapshot.resources.iter().filter(|own| own.left_out > 0) {
            let resource = own.resource.qualified();
            found.warn(format!(
                "{} objects of `{resource}` or more were left out: the cluster has more than fit",
                own.left_out
            ));
        }
        let freshness = freshness(&snapshot);
        if freshness.times.is_reading {
            let reading =
                snapshot.resources.iter().filter(|own| own.state == ResourceState::Reading);
            let reading: Vec<&str> = reading.map(|own| own.resource.plural).collect();
            let reading = names::first(reading, MAX_NAMED);
            found
                .notices
                .push(Notice::info(format!("still being read from the cluster: {reading}")));
        }
        let policies = snapshot.objects.iter().any(|own| own.resource.role == Role::Policy);
        if !policies && freshness.problems.is_empty() && !freshness.times.is_reading {
            found.notices.push(Notice::info("the cluster has no network policies"));
        }
        found.freshness = Some(freshness);
    }
}

fn freshness(snapshot: &Snapshot) -> PolicyFreshness {
    PolicyFreshness { times: snapshot.freshness(), problems: problems(snapshot) }
}

/// The reasons why policies are missing or old, as sentences.
fn problems(snapshot: &Snapshot) -> Vec<String> {
    let of_verdicts = |resources: &[&'static cluster_state::Resource]| {
        resources.iter().any(|resource| resource.role != Role::Log)
    };
    let problems = snapshot.problems();
    let problems = problems.iter().filter(|(_, resources)| of_verdicts(resources));
    problems.map(|(error, resources)| sentence(error, resources)).collect()
}

fn sentence(error: &ClusterError, resources: &[&'static cluster_state::Resource]) -> String {
    match error {
        // They name the resource.
        ClusterError::Forbidden { .. } | ClusterError::Versions { .. } => {
            format!("policies of the cluster: {error}")
        }
        _ => {
            let resources = names::first(resources.iter().map(|own| own.plural), MAX_NAMED);
            format!("policies of the cluster: {error} ({resources})")
        }
    }
}

/// Whether the server's administrator allows the account of Grafana's pod. Grafana passes
/// `allow_service_account` of `[plugin.k8snet-hubble-datasource]` under this name.
fn is_service_account_allowed() -> bool {
    std::env::var("GF_PLUGIN_ALLOW_SERVICE_ACCOUNT").is_ok_and(|value| value.trim() == "true")
}
