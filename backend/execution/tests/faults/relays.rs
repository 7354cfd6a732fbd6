//! Faulty relays.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use budget::Shaping;
use execution::{Consumer, ExecutionError, FlowSource, QueryContext, RequiredCompleteness};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hubble_api::pb::observer::GetFlowsResponse;
use query::{CelExpressions, Query, ReadQuery};
use rcgen::{CertificateParams, date_time_ymd};
use relay::{Relay as Client, RelaySettings, RelayTls};
use secret::Secret;
use test_kit::PATIENCE;
use test_kit::now_ms;
use test_kit::relay::{Relay, Script, flow, lost, node, node_status};
use test_kit::sockets::{BlackHole, Cut, answering, closed_port, cut_after, silent};
use test_kit::tls::{Authority, Certified};
use tonic::Status;

use crate::Expected::{Error, Shown};
use crate::Rows::{Exactly, Some as AtLeastOne};
use crate::{Ask, Budget, CALLER, CONNECT_LIMIT, Encodable, Expected, Fault, LONGEST, TIME_LIMIT};

/// A client of a relay, and what keeps its server alive.
struct Asked {
    settings: RelaySettings,
    budget: Budget,
    /// The client of all rounds; `None`: each has its own.
    client: Option<Arc<Client>>,
    json: &'static str,
    _kept: Kept,
}

type Kept = Box<dyn std::any::Any + Send + Sync>;

impl Ask for Asked {
    fn ask(&self) -> BoxFuture<'_, Result<Vec<Encodable>, ExecutionError>> {
        async move {
            let client =
                self.client.clone().unwrap_or_else(|| client(&self.settings, &self.budget));
            let now = now_ms();
            let context = QueryContext {
                from_ms: now - 3_600_000,
                to_ms: now + 1_000,
                interval_ms: 15_000,
                max_data_points: 100,
                datasource_uid: "hubble".to_owned(),
                shaping: Shaping::default(),
            };
            let source = FlowSource {
                relay: &client,
                cluster: None,
                caller: CALLER,
                required: RequiredCompleteness::Any,
                cel: CelExpressions::Refused,
            };
            let mut held = self.budget.memory.hold(CALLER);
            match ReadQuery::read(self.json.as_bytes(), "").unwrap().query {
                Query::Flows(query) => execution::flows(source, &context, &query, &mut held).await,
                Query::FlowMetrics(query) => {
                    let consumer = Consumer::Panel;
                    execution::flow_metrics(source, &context, &query, consumer, &mut held).await
                }
                other => panic!("{other:?} is not asked here"),
            }
        }
        .boxed()
    }
}

fn client(settings: &RelaySettings, budget: &Budget) -> Arc<Client> {
    Arc::new(Client::new(settings, budget.gate.clone()).unwrap())
}

/// The newest flows, as a table.
const TABLE: &str = r#"{ "queryType": "flows", "limit": 1000 }"#;
/// The number of flows of each verdict.
const COUNTS: &str = r#"{ "queryType": "flowMetrics", "metric": "count", "format": "long", "groupBy": ["verdict"] }"#;

fn settings(budget: &Budget, address: impl std::fmt::Display) -> RelaySettings {
    RelaySettings {
        address: format!("{address}"),
        tls: None,
        connect_timeout: CONNECT_LIMIT,
        request_timeout: budget.time_limit,
    }
}

/// One client for all rounds.
fn asked(
    budget: &Budget,
    settings: RelaySettings,
    json: &'static str,
    kept: impl Send + Sync + 'static,
) -> Box<dyn Ask> {
    let (client, budget) = (Some(client(&settings, budget)), budget.clone());
    Box::new(Asked { settings, budget, client, json, _kept: Box::new(kept) })
}

/// A client of its own for each round.
fn asked_anew(
    budget: Budget,
    address: SocketAddr,
    json: &'static str,
    relay: Relay,
) -> Box<dyn Ask> {
    let settings = settings(&budget, address);
    Box::new(Asked { settings, budget, client: None, json, _kept: Box::new(relay) })
}

async fn scripted(budget: Budget, json: &'static str, script: Script) -> Box<dyn Ask> {
    let relay = Relay::start(script).await;
    asked(&budget, settings(&budget, relay.address), json, relay)
}

/// One node of the newest release, without flows; requests are not kept.
fn quiet() -> Script {
    Script { forgets: true, ..Script::default() }
}

fn flows(count: i64) -> Vec<GetFlowsResponse> {
    let now = now_ms();
    (1..=count).map(|n| flow("aks-1", now - n * 1_000, |_| {})).collect()
}

/// Bytes of a bulky flow.
const BULK: usize = 100_000;

/// A relay that is cut off within the third of its flows.
async fn cut_off(budget: Budget, json: &'static str, cut: Cut) -> Box<dyn Ask> {
    let now = now_ms();
    let bulky = |n| flow("aks-1", now - n, |flow| flow.node_labels = vec!["x".repeat(BULK)]);
    let relay = Relay::start(Script { flows: (0..5).map(bulky).collect(), ..quiet() }).await;
    let address = cut_after(relay.address, 2 * BULK as u64 + 50_000, cut).await;
    asked_anew(budget, address, json, relay)
}

/// A relay behind TLS.
struct Behind {
    hosts: &'static [&'static str],
    years: (i32, i32),
    needs_client: bool,
    /// Whether the client trusts another authority.
    is_foreign: bool,
}

const VALID: Behind =
    Behind { hosts: &["127.0.0.1"], years: (2020, 2100), needs_client: false, is_foreign: false };

fn authority() -> Authority {
    Authority::new(CertificateParams::new(Vec::<String>::new()).unwrap())
}

fn trusting(authority: &Authority) -> RelayTls {
    RelayTls {
        skip_verify: false,
        server_name: None,
        ca_pem: Secret::new(&authority.pem()),
        client: None,
    }
}

async fn behind_tls(budget: Budget, behind: Behind) -> Box<dyn Ask> {
    let own = authority();
    let hosts: Vec<String> = behind.hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.not_before = date_time_ymd(behind.years.0, 1, 1);
    params.not_after = date_time_ymd(behind.years.1, 1, 1);
    let server: Certified = own.sign(&params);
    let config = server.server(behind.needs_client.then_some(&own));
    let relay = Relay::start_tls(Script { flows: flows(1), ..quiet() }, config).await;
    let trusted = if behind.is_foreign { authority() } else { own };
    let settings =
        RelaySettings { tls: Some(trusting(&trusted)), ..settings(&budget, relay.address) };
    asked(&budget, settings, TABLE, relay)
}

/// An HTTP/2 answer whose only gRPC message announces 4 GiB.
const LYING_LENGTH: &[u8] = b"\0\0\0\x04\0\0\0\0\0\
    \0\0\x13\x01\x04\0\0\0\x01\x88\x5f\x10application/grpc\
    \0\0\x05\0\0\0\0\0\x01\0\xff\xff\xff\xff";

/// A relay of one flow whose nodes claim to have seen and lost as many as a number can hold.
fn boasting() -> Script {
    let mut one = node("aks-1", 1);
    (one.num_flows, one.max_flows, one.seen_flows) = (u64::MAX, u64::MAX, u64::MAX);
    let lost = || lost("aks-1", 2, u64::MAX);
    let flows = [vec![lost(), lost()], flows(1), vec![lost()]].concat();
    Script { flows, nodes: vec![one], ..quiet() }
}

fn leaving_and_coming_back() -> Script {
    let state = |state| vec![node_status(state, &["aks-2"], "")];
    let both = vec![node_status(1, &["aks-1", "aks-2"], "")];
    let flows = [both, flows(1), state(3), flows(1), state(1), flows(1)].concat();
    Script { flows, ..quiet() }
}

/// One flow in ten years, and one now.
fn clock_ahead() -> Script {
    let ahead = flow("aks-2", now_ms() + 315_360_000_000, |_| {});
    Script { flows: [vec![ahead], flows(1)].concat(), ..quiet() }
}

fn error_again_and_again() -> Script {
    let error = vec![node_status(4, &["aks-2"], "agent restarts")];
    let pace = Some(TIME_LIMIT / 10);
    Script { flows: [flows(1), error].concat(), repeats: pace, ..quiet() }
}

fn always_ready() -> Script {
    Script { flows: flows(5), repeats: Some(Duration::ZERO), ..quiet() }
}

fn restarting() -> Script {
    let error = Some(Status::unavailable("shutting down"));
    Script { flows: flows(2), error, ..quiet() }
}

fn hanging() -> Script {
    Script { flows: flows(2), hangs: true, ..quiet() }
}

/// A fault that a scripted relay shows.
macro_rules! scripted {
    ($name:literal, $script:expr, $json:expr, $expected:expr) => {
        fault($name, $expected, |budget| scripted(budget, $json, $script).boxed())
    };
}

fn fault(
    name: &'static str,
    expected: Expected,
    start: fn(Budget) -> BoxFuture<'static, Box<dyn Ask>>,
) -> Fault {
    Fault { name, expected, within: LONGEST, needs_time: false, start }
}

/// The faults of relays.
pub(crate) fn faults() -> Vec<Fault> {
    const TOO_SLOW: &str = "did not finish its answer within 200 ms";
    let mut faults = vec![
        fault("refused", Error("refuses the connection"), |budget| {
            async move { asked(&budget, settings(&budget, closed_port().await), TABLE, ()) }.boxed()
        }),
        // Either "cannot be found" or, where the resolver takes longer than the limit, a hint at the DNS.
        fault("unresolvable", Error("relay.invalid"), |budget| {
            async move { asked(&budget, settings(&budget, "relay.invalid:4245"), TABLE, ()) }
                .boxed()
        }),
        fault("black hole", Error("does not answer within 100 ms; check the address"), |budget| {
            async move {
                let hole = BlackHole::start().await;
                asked(&budget, settings(&budget, hole.address), TABLE, hole)
            }
            .boxed()
        }),
        fault("half-open", Error("accepts connections but sends nothing"), |budget| {
            async move { asked(&budget, settings(&budget, silent().await), TABLE, ()) }.boxed()
        }),
        fault("half-open, counts", Error("accepts connections but sends nothing"), |budget| {
            async move { asked(&budget, settings(&budget, silent().await), COUNTS, ()) }.boxed()
        }),
        fault("hangs up", Error("closes the connection without an answer"), |budget| {
            async move { asked(&budget, settings(&budget, answering([]).await), TABLE, ()) }.boxed()
        }),
        fault("TLS, expired", Error("expired on 2021-01-01"), |budget| {
            behind_tls(budget, Behind { years: (2020, 2021), ..VALID }).boxed()
        }),
        fault("TLS, wrong name", Error("is not for `127.0.0.1`"), |budget| {
            behind_tls(budget, Behind { hosts: &["relay.example"], ..VALID }).boxed()
        }),
        fault("TLS, unknown authority", Error("signed by an unknown authority"), |budget| {
            behind_tls(budget, Behind { is_foreign: true, ..VALID }).boxed()
        }),
        fault("TLS, client certificate", Error("asks for a client certificate"), |budget| {
            behind_tls(budget, Behind { needs_client: true, ..VALID }).boxed()
        }),
        fault("TLS, works", Shown(Exactly(1), ""), |budget| behind_tls(budget, VALID).boxed()),
        fault("plain text instead of TLS", Error("does not speak TLS"), |budget| {
            async move {
                let relay = Relay::start(hanging()).await;
                let tls = Some(trusting(&authority()));
                let settings = RelaySettings { tls, ..settings(&budget, relay.address) };
                asked(&budget, settings, TABLE, relay)
            }
            .boxed()
        }),
        fault("TLS instead of plain text", Error("expects TLS, but TLS is turned off"), |budget| {
            async move {
                let config = Certified::self_signed(&["127.0.0.1"]).server(None);
                let relay = Relay::start_tls(hanging(), config).await;
                asked(&budget, settings(&budget, relay.address), TABLE, relay)
            }
            .boxed()
        }),
        // A reset takes away what the client has not read yet.
        fault("reset within the third flow", Shown(AtLeastOne, "broke after "), |budget| {
            cut_off(budget, TABLE, Cut::Reset).boxed()
        }),
        fault("stalled within the third flow", Shown(Exactly(2), TOO_SLOW), |budget| {
            cut_off(budget, TABLE, Cut::Silence).boxed()
        }),
        fault("stalled, counts", Shown(Exactly(1), TOO_SLOW), |budget| {
            cut_off(budget, COUNTS, Cut::Silence).boxed()
        }),
        fault("a length of 4 GiB", Error("sent a message of more than"), |budget| {
            async move { asked(&budget, settings(&budget, answering(LYING_LENGTH).await), TABLE, ()) }
                .boxed()
        }),
        scripted!("hangs", hanging(), TABLE, Shown(Exactly(2), TOO_SLOW)),
        scripted!("hangs, counts", hanging(), COUNTS, Shown(Exactly(1), TOO_SLOW)),
        scripted!("restarts", restarting(), TABLE, Shown(Exactly(2), "shutting down")),
        scripted!("restarts, counts", restarting(), COUNTS, Shown(Exactly(1), "shutting down")),
        scripted!("boasts", boasting(), TABLE, Shown(Exactly(1), "events lost on node `aks-1`")),
        scripted!("boasts, counts", boasting(), COUNTS, Shown(Exactly(1), "events lost")),
        scripted!(
            "nodes leave and come back",
            leaving_and_coming_back(),
            TABLE,
            Shown(Exactly(3), "node `aks-2` left the cluster")
        ),
        scripted!("a clock is ahead", clock_ahead(), TABLE, Shown(Exactly(1), "")),
        scripted!("a clock is ahead, counts", clock_ahead(), COUNTS, Shown(Exactly(1), "")),
        scripted!(
            "errors without end",
            error_again_and_again(),
            TABLE,
            Shown(AtLeastOne, TOO_SLOW)
        ),
        scripted!("always ready", always_ready(), TABLE, Shown(AtLeastOne, TOO_SLOW)),
        scripted!("always ready, counts", always_ready(), COUNTS, Shown(AtLeastOne, TOO_SLOW)),
    ];
    for fault in &mut faults {
        // The resolver is the system's, and it takes its time.
        fault.needs_time = fault.name.starts_with("always ready") || fault.name == "unresolvable";
        if fault.name == "hangs up" {
            // Three further calls, after random delays of 1, 2 and 4 s at most.
            fault.within = PATIENCE;
        }
    }
    faults
}
