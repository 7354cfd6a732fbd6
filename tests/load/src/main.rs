//! `load [--short] [--minutes N]`: the whole plugin under the load of a busy Grafana, by the clock.
//!
//! Browsers load the committed dashboards, all at once and at each refresh; viewers follow live
//! tables; alert rules, health checks and queries with known answers run beside them. The relay is
//! the demo's cluster, Prometheus a real one with the cluster's past. The program prints every figure
//! beside its goal, and fails where a goal is missed. The short run has only those goals that do not
//! depend on the machine's speed.

#![expect(
    clippy::indexing_slicing,
    reason = "JSON values answer `null` where a key is missing; nothing else is indexed"
)]

mod browser;
mod dashboard;
mod grafana;
mod live;
mod memory;
mod outcome;
mod plan;
mod record;
mod report;
mod steady;
mod world;

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use self::browser::Browser;
use self::dashboard::Dashboard;
use self::grafana::Grafana;
use self::live::LiveCounts;
use self::memory::Resident;
use self::plan::Plan;
use self::record::{Answers, Kind, Record};
use self::report::Goals;
use self::world::World;

/// Reason why a run cannot measure anything.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

const FLOW_LOGS: &str = include_str!("../../../dashboards/json/flow-logs.json");
const POD_FLOWS: &str = include_str!("../../../dashboards/json/pod-flows-namespace.json");
const RULES: &str = include_str!("../../../provisioning/alerting/networking.yaml");

/// Number of loads of Flow Logs alone, one after the other.
const LOADS_ALONE: usize = 5;
/// Number of rounds of 20 loads at once.
const ROUNDS_OF_TWENTY: usize = 3;
/// Maximum number of scans that the relay may have open.
const MAX_SCANS: usize = 12;
/// Maximum resident memory of the plugin, in MiB.
const MAX_RESIDENT_MIB: u64 = 400;
/// Maximum growth of the memory from the middle third of a run to its last third, in percent.
const MAX_GROWTH_PERCENT: f64 = 10.0;
/// Number of files that may stay open after a run: idle connections to Prometheus and the relay.
const MAX_FILES_MORE: usize = 20;
/// Time for the last answers after the end of a run: the request's time limit, for each of the
/// requests that a browser makes one after the other.
const LAST_ANSWERS: Duration = Duration::from_mins(5);
/// Time for streams and connections to end.
const SETTLE: Duration = Duration::from_secs(20);

/// Puts the load of a busy Grafana on the plugin, and compares the figures with their goals
#[derive(Debug, Parser)]
struct Options {
    /// A minute's run with only the goals that do not depend on the machine's speed
    #[arg(long, conflicts_with = "minutes")]
    short: bool,
    /// Length of the full run
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    minutes: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let plan = if options.short { Plan::short() } else { Plan::full(options.minutes) };
    match run(plan) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", wording::with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// Whether the goals are met.
fn run(plan: Plan) -> Result<bool, Failure> {
    let relay = Runtime::new()?;
    let grafana = Runtime::new()?;
    let met = grafana.block_on(measure(plan, relay.handle()));
    relay.shutdown_background();
    met
}

async fn measure(plan: Plan, relay: &Handle) -> Result<bool, Failure> {
    let flow_logs = Arc::new(Dashboard::read(FLOW_LOGS)?);
    let pod_flows = Arc::new(Dashboard::read(POD_FLOWS)?);
    let rules = steady::committed_rules(RULES)?;
    println!(
        "Flow Logs: {} queries; Pod Flows (Namespace): {} queries; {} alert rules",
        flow_logs.targets(),
        pod_flows.targets(),
        rules.len()
    );
    let world = World::start(relay, plan).await?;
    let record = Arc::new(Record::default());
    let grafana = Grafana { channel: world.plugin.channel.clone(), record: record.clone() };
    let browser = |dashboard: &Arc<Dashboard>, panel, number: usize| Browser {
        grafana: grafana.clone(),
        context: world.context(&format!("viewer-{number}")),
        dashboard: dashboard.clone(),
        choice: browser::choice(number),
        panel,
    };
    // Opens connections.
    grafana.check_health(world.context("viewer-0")).await;
    let files_before = world.plugin.open_files();
    if plan.checks_speed {
        let one = browser(&flow_logs, Kind::FlowPanel, 0);
        for _ in 0..LOADS_ALONE {
            one.load(Kind::OneLoad).await;
        }
        for _ in 0..ROUNDS_OF_TWENTY {
            one.load_at_once(Kind::TwentyLoads, 20).await;
        }
    }

    let end = Instant::now() + plan.lasts;
    let mut work = JoinSet::new();
    let context = |login: &str| world.context(login);
    work.spawn(steady::health(grafana.clone(), context("admin"), end));
    work.spawn(steady::rules(grafana.clone(), context("rules"), rules, end));
    work.spawn(steady::known(grafana.clone(), world.known_context(), world.known_range, end));
    for number in 0..plan.browsers {
        let flows = browser(&flow_logs, Kind::FlowPanel, number);
        work.spawn(flows.watch(Kind::FlowLogs, end));
        let pods = browser(&pod_flows, Kind::PrometheusPanel, number);
        work.spawn(pods.watch(Kind::PodFlows, end));
    }
    let mut live = JoinSet::new();
    for number in 0..plan.viewers {
        let context = context(&format!("viewer-{number}"));
        live::subscribe(&grafana, context.clone(), number).await;
        if number < live::QUERIES {
            live.spawn(live::run(grafana.clone(), context, number, end));
        }
    }
    let resident = Resident::sample(end, || world.plugin.status_kib("VmRSS")).await;
    let tables: Vec<LiveCounts> = live.join_all().await;
    let all_answered = timeout(LAST_ANSWERS, work.join_all()).await.is_ok();

    let (open, files_after) = settled(&world, files_before).await;
    let answers = record.answers();
    let streams = world.streams();
    let peak_mib = world.plugin.status_kib("VmHWM") / 1_024;
    let mut goals = Goals::default();
    let wrong: usize = answers.values().map(|answers| answers.wrong).sum();
    goals.add("answers neither right nor refused in words", "0", wrong, wrong == 0);
    goals.add("all browsers have their last answers", "yes", all_answered, all_answered);
    let (most, all) = (streams.most_scans, streams.all_scans);
    let scans = format!("{most} ({all} in all)");
    goals.add("scans open on the relay at once", "≤ 12", scans, (1..=MAX_SCANS).contains(&most));
    let limit = format!("< {MAX_RESIDENT_MIB} MiB");
    let found = format!("{peak_mib} MiB");
    goals.add("peak resident memory of the plugin", &limit, found, peak_mib < MAX_RESIDENT_MIB);
    let rows: Vec<u64> = tables.iter().map(|counts| counts.rows).collect();
    let messages: u64 = tables.iter().map(|counts| counts.messages).sum();
    let found = format!("{rows:?} in {messages} messages");
    goals.add("rows of each live table", "≥ 1", found, rows.iter().all(|rows| *rows > 0));
    goals.add("streams open on the relay afterwards", "0", open, open == 0);
    let found = format!("{files_before} before, {files_after} after");
    let is_flat = files_after <= files_before + MAX_FILES_MORE;
    goals.add("open files of the plugin", &format!("≤ {MAX_FILES_MORE} more"), found, is_flat);
    speed(&mut goals, plan, &answers, &resident);

    println!();
    report::print_answers(&answers);
    println!();
    goals.print();
    Ok(goals.are_met())
}

/// Adds the goals that depend on the machine's speed.
fn speed(goals: &mut Goals, plan: Plan, answers: &BTreeMap<Kind, Answers>, resident: &Resident) {
    let secs = Duration::from_secs;
    let counts = plan.checks_speed;
    let of = |kind| answers.get(&kind).cloned().unwrap_or_default();
    if counts {
        let growth = resident.growth();
        let found = format!("{growth:+.1} %");
        let goal = format!("≤ +{MAX_GROWTH_PERCENT} %");
        goals.add(
            "memory, last third over middle third",
            &goal,
            found,
            growth <= MAX_GROWTH_PERCENT,
        );
        goals.time(Kind::OneLoad.name().to_owned(), of(Kind::OneLoad).longest(), secs(1), counts);
        let p99 = of(Kind::TwentyLoads).percentile(99);
        goals.time(format!("{}, p99", Kind::TwentyLoads.name()), p99, secs(3), counts);
    }
    for kind in [Kind::FlowRule, Kind::MetricsRule, Kind::Health] {
        let answers = of(kind);
        goals.time(format!("{}, p99", kind.name()), answers.percentile(99), secs(2), counts);
        goals.time(format!("{}, longest", kind.name()), answers.longest(), secs(5), counts);
    }
}

/// Streams at the relay and open files of the plugin, after they had time to end.
async fn settled(world: &World, files_before: usize) -> (usize, usize) {
    let deadline = Instant::now() + SETTLE;
    loop {
        let streams = world.streams();
        let (open, files) = (streams.scans + streams.follows, world.plugin.open_files());
        let is_settled = open == 0 && files <= files_before + MAX_FILES_MORE;
        if is_settled || Instant::now() >= deadline {
            return (open, files);
        }
        sleep(Duration::from_millis(100)).await;
    }
}
