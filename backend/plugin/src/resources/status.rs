//! The state of the plugin for a person who helps: what is in use, what waits, what was refused. Numbers,
//! releases and the data source's own uid; no address, no query, no name from the cluster.

use std::time::Duration;

use ::budget::{CacheMetrics, GateLoad};
use serde_json::{Map, Value, json};
use wording::{quote, time_text};

use super::Reply;
use crate::instance::Instance;
use crate::metrics::{Limit, SourceMetrics, VERSION};

/// Maximum wait for the relay, which may be what is wrong.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// The state of the plugin, and of this data source in it.
pub(super) async fn status(instance: &Instance) -> Reply {
    let budget = &instance.budget;
    let (metrics, own) = (&budget.metrics, &instance.metrics);
    let memory = budget.memory.load();
    let refusals = Limit::ALL.map(|limit| {
        let refusals = metrics.refusals(limit);
        let last = refusals.last_secs().map(|secs| time_text(secs.saturating_mul(1_000_000_000)));
        json!({ "limit": limit.name(), "count": refusals.total(), "last": last })
    });
    let prometheus = instance.prometheus().ok().map(|prometheus| {
        json!({
            "calls": gate(prometheus.load()),
            "retries": own.prometheus.retries.get(),
            "tokenFailures": own.prometheus.token_failures.get(),
        })
    });
    let policies = instance.policies().ok();
    let policies = policies.filter(|policies| policies.is_configured());
    let status = json!({
        "version": VERSION,
        "uptimeSeconds": metrics.uptime().as_secs(),
        "relay": relay(instance).await,
        "prometheus": prometheus,
        "policies": policies.map(|_| json!({ "reads": gate(budget.policy_reads.load()) })),
        "longWork": gate(budget.shaping.load()),
        "memory": {
            "heldBytes": memory.held_bytes,
            "peakBytes": memory.peak_bytes,
            "limitBytes": memory.limit_bytes,
            "processLimitBytes": budget.process_bytes,
            "processLimitFrom": budget.process_bytes_from,
        },
        "caches": caches(own),
        "liveChannels": budget.live.count(),
        "refusals": refusals,
    });
    Reply::json(200, &status)
}

/// The relay and its nodes; `null` without one. Releases are `null` where the relay does not answer.
async fn relay(instance: &Instance) -> Value {
    let Ok(relay) = instance.relay() else { return Value::Null };
    let status = tokio::time::timeout(MAX_WAIT, relay.status());
    let (status, nodes) = tokio::join!(status, relay.known_nodes());
    let version = status.ok().and_then(Result::ok).map(|status| quote(&status.version));
    let nodes = nodes.map(|known| {
        json!({ "connected": known.nodes, "oldestCilium": known.oldest.map(|oldest| oldest.to_string()) })
    });
    let own = &instance.metrics.relay.client;
    json!({
        "version": version,
        "nodes": nodes,
        "scans": gate(relay.load()),
        "openStreams": own.open_streams.get(),
        "retries": own.retries.get(),
    })
}

fn gate(load: GateLoad) -> Value {
    json!({ "permits": load.permits, "inUse": load.running, "waiting": load.waiting })
}

fn caches(own: &SourceMetrics) -> Map<String, Value> {
    let caches: [(&str, &CacheMetrics); 6] = [
        ("prometheusCalls", &own.prometheus.calls),
        ("relayScans", &own.relay.scans),
        ("relayNodes", &own.relay.nodes),
        ("relayBufferStart", &own.relay.buffer_start),
        ("flowSample", &own.sample),
        ("policies", &own.policies),
    ];
    let uses =
        |uses: &CacheMetrics| json!({ "hits": uses.hits.get(), "misses": uses.misses.get() });
    caches.into_iter().map(|(name, metrics)| (name.to_owned(), uses(metrics))).collect()
}
