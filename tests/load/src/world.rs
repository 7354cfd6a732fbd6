//! The programs of a run: the cluster's relay, Prometheus with the cluster's past, a small relay whose
//! flows are known, and the plugin.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use petshop::{HistoryOptions, RingCapacity, Scenario, Shop, ShopOptions, StreamCounts};
use plugin_protocol::{PluginContext, User};
use serde_json::json;
use test_kit::grafana::{Plugin, Range, Source, Start};
use test_kit::now_ms;
use test_kit::prometheus::Prometheus;
use test_kit::relay::{self, Relay, Script};
use tokio::runtime::Handle;

use crate::Failure;
use crate::plan::Plan;

/// Memory limit of the plugin, in MiB, as in a small pod.
const MEMORY_LIMIT_MIB: u32 = 512;
/// History that Prometheus holds: more than the dashboards' time range.
const HISTORY: Duration = Duration::from_mins(45);
/// Flows per second in that history, as in `cargo xtask demo`.
const HISTORY_RATE: f64 = 60.0;
/// History of the relay's rings before the start.
const WARM_UP: Duration = Duration::from_secs(10);
/// Known flows, by the number of their verdict (see `Verdict` in flow.proto) and its name.
pub(crate) const KNOWN_FLOWS: [(i32, &str, usize); 3] =
    [(1, "FORWARDED", 200), (2, "DROPPED", 70), (4, "AUDIT", 30)];
/// Time from the first known flow to the start, and between two of them, in milliseconds.
const KNOWN_SPAN_MS: i64 = 60_000;
const KNOWN_STEP_MS: i64 = 100;
/// Number of the known series; the value of each is its own number.
const KNOWN_SERIES: i64 = 10;

/// The running programs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) plugin: Plugin,
    shop: Shop,
    prometheus: Prometheus,
    known: Relay,
    /// A time range with all known flows, and samples of all known series.
    pub(crate) known_range: Range,
}

impl World {
    /// Starts everything. The cluster runs on `relay`, so that it does not wait for the clients here.
    pub(crate) async fn start(relay: &Handle, plan: Plan) -> Result<Self, Failure> {
        let now = now_ms();
        let known_range = Range { from_ms: now - 1_200_000, to_ms: now };
        let samples = samples(relay, known_range).await?;
        let prometheus = Prometheus::start(&samples).await;
        let options = ShopOptions {
            scenario: Scenario::Chaos,
            rate: f64::from(plan.flows_per_second),
            ring_capacity: RingCapacity::new(plan.ring_capacity)?,
            history: Some(history(WARM_UP, None)),
            ..ShopOptions::default()
        };
        let shop = relay.spawn(Shop::start(options)).await??;
        let mut time_ms = now - KNOWN_SPAN_MS;
        let flow = |verdict| {
            time_ms += KNOWN_STEP_MS;
            relay::flow("aks-1", time_ms, |flow| flow.verdict = verdict)
        };
        let verdicts = KNOWN_FLOWS
            .iter()
            .flat_map(|(verdict, _, count)| std::iter::repeat_n(*verdict, *count));
        let script = Script {
            flows: verdicts.map(flow).collect(),
            oldest: vec![relay::flow("aks-1", now - 7_200_000, |_| {})],
            ..Script::default()
        };
        let env = vec![
            ("GF_PLUGIN_LOG_LEVEL", "warn".to_owned()),
            ("HUBBLE_MEMORY_LIMIT_MIB", MEMORY_LIMIT_MIB.to_string()),
        ];
        Ok(Self {
            plugin: Plugin::start_with(Start { env, ..Start::default() }).await,
            shop,
            prometheus,
            known: Relay::start(script).await,
            known_range,
        })
    }

    /// Numbers of the relay's streams.
    pub(crate) fn streams(&self) -> StreamCounts {
        self.shop.streams()
    }

    /// The context of a person's calls to the data source of the cluster.
    pub(crate) fn context(&self, login: &str) -> PluginContext {
        self.context_of("hubble", self.shop.relay_address(), login)
    }

    /// The context of calls to the data source with known answers.
    pub(crate) fn known_context(&self) -> PluginContext {
        self.context_of("known", self.known.address, "witness")
    }

    fn context_of(&self, uid: &str, relay: SocketAddr, login: &str) -> PluginContext {
        let source = Source {
            url: relay.to_string(),
            json_data: json!({ "prometheusUrl": self.prometheus.url }),
            ..Source::default()
        };
        let mut context = source.context();
        if let Some(settings) = &mut context.data_source_instance_settings {
            uid.clone_into(&mut settings.uid);
        }
        context.user =
            Some(User { login: login.to_owned(), role: "Viewer".to_owned(), ..User::default() });
        context
    }

    /// The sum of the known series at any time.
    pub(crate) fn known_sum() -> i64 {
        (0..KNOWN_SERIES).sum()
    }
}

fn history(span: Duration, file: Option<std::path::PathBuf>) -> HistoryOptions {
    HistoryOptions { span, file, scenario_for: Duration::from_mins(10), before: Scenario::Combined }
}

/// Samples of the cluster's past as `OpenMetrics` text, and known series beside them.
async fn samples(relay: &Handle, known_range: Range) -> Result<String, Failure> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("history.om");
    let options = ShopOptions {
        scenario: Scenario::Chaos,
        rate: HISTORY_RATE,
        history: Some(history(HISTORY, Some(file.clone()))),
        ..ShopOptions::default()
    };
    let past = relay.spawn(Shop::start(options)).await??;
    past.stop().await;
    let text = tokio::fs::read_to_string(file).await?;
    let mut text = text.trim_end().strip_suffix("# EOF").unwrap_or(&text).to_owned();
    text.push_str("# TYPE load_known gauge\n");
    for number in 0..KNOWN_SERIES {
        for at in (known_range.from_ms / 1_000 - 300..known_range.to_ms / 1_000).step_by(15) {
            writeln!(text, "load_known{{number=\"{number}\"}} {number} {at}")?;
        }
    }
    text.push_str("# EOF\n");
    Ok(text)
}
