//! `petshop`, the command line program.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use petshop::{
    HistoryOptions, HubbleRelease, MonitorAggregation, Profile, RingCapacity, Scenario, Shop,
    ShopError, ShopOptions, TlsFiles,
};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The pet-shop cluster: a Hubble Relay over three nodes, and the metrics of the same traffic.
///
/// On start, one JSON line on stdout gives both addresses. Beside `/metrics`, the metrics address
/// serves `GET /scenario`, `PUT /scenario/<name>` and `GET /healthz`.
#[derive(Debug, Parser)]
#[command(name = "petshop", version)]
struct Arguments {
    /// Address of the relay; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4245")]
    listen: SocketAddr,

    /// Address of metrics and switches; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9965")]
    metrics: SocketAddr,

    /// Metrics exporter and its labels: acns, cilium (as in Cilium's documentation), all
    /// (everything that can be enabled) or retina.
    #[arg(long, value_name = "NAME", default_value_t)]
    profile: Profile,

    /// Act of the lab: open, policies, fqdn, chaos, combined or lab.
    #[arg(long, value_name = "NAME", default_value = "open")]
    scenario: Scenario,

    /// Seed of the traffic; the same seed makes the same flows.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Average flows per second over all nodes, from 1 to 50000.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    rate: u32,

    /// Flows that each node's ring buffer holds: one less than a power of two, up to 65535.
    #[arg(long, value_name = "N", default_value = "4095", value_parser = ring_capacity)]
    ring_capacity: RingCapacity,

    /// Detail of the datapath's reports.
    #[arg(long, value_enum, default_value_t = MonitorAggregation::Medium)]
    monitor_aggregation: MonitorAggregation,

    /// A node that the relay cannot reach; may be given more than once.
    #[arg(long, value_name = "NODE")]
    unavailable_node: Vec<String>,

    /// Lose one event in N before Hubble sees it, and report the losses in the streams.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..))]
    lose_every: Option<u64>,

    /// Cilium release that relay and nodes imitate.
    #[arg(long, value_enum, default_value_t = HubbleRelease::Main)]
    relay_version: HubbleRelease,

    /// The relay's certificate (PEM); turns TLS on.
    #[arg(long, value_name = "FILE", requires = "tls_key_file")]
    tls_cert_file: Option<PathBuf>,

    /// The certificate's key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    tls_key_file: Option<PathBuf>,

    /// CA of client certificates (PEM); clients must then show one.
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    tls_client_ca_file: Option<PathBuf>,

    /// Simulate this much history first, e.g. `1h`.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    history: Option<Duration>,

    /// Write the history as OpenMetrics samples, for `promtool tsdb create-blocks-from
    /// openmetrics`.
    #[arg(long, value_name = "FILE", requires = "history")]
    history_file: Option<PathBuf>,

    /// Time since the scenario's start, within the history.
    #[arg(long, value_name = "SPAN", default_value = "10m", value_parser = span)]
    scenario_for: Duration,

    /// Scenario before that.
    #[arg(long, value_name = "NAME", default_value = "open")]
    scenario_before: Scenario,

    /// Folder for the current scenario's manifests, a file for each policy. On a switch the
    /// previous scenario's files are removed; other files stay.
    #[arg(long, value_name = "DIR")]
    policies_folder: Option<PathBuf>,
}

/// Error for a time span without number and unit.
#[derive(Debug, thiserror::Error)]
#[error("write a number with its unit, such as 90s, 15m or 1h, up to a week")]
struct InvalidSpan;

/// Longest history, in seconds.
const SPAN_MAX_SECS: u64 = 7 * 24 * 3_600;

fn span(text: &str) -> Result<Duration, InvalidSpan> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).ok_or(InvalidSpan)?;
    let number: u64 = digits.parse().map_err(|_| InvalidSpan)?;
    let secs = match unit {
        "s" => number,
        "m" => number.checked_mul(60).ok_or(InvalidSpan)?,
        "h" => number.checked_mul(3_600).ok_or(InvalidSpan)?,
        _ => return Err(InvalidSpan),
    };
    if secs > SPAN_MAX_SECS {
        return Err(InvalidSpan);
    }
    Ok(Duration::from_secs(secs))
}

#[derive(Debug, thiserror::Error)]
enum CapacityError {
    #[error("not a number")]
    Number(#[from] std::num::ParseIntError),
    #[error(transparent)]
    Capacity(#[from] petshop::InvalidCapacity),
}

fn ring_capacity(text: &str) -> Result<RingCapacity, CapacityError> {
    Ok(RingCapacity::new(text.parse()?)?)
}

impl From<Arguments> for ShopOptions {
    fn from(arguments: Arguments) -> Self {
        let tls = arguments.tls_cert_file.zip(arguments.tls_key_file).map(|(cert, key)| TlsFiles {
            cert,
            key,
            client_ca: arguments.tls_client_ca_file,
        });
        let history = arguments.history.map(|span| HistoryOptions {
            span,
            file: arguments.history_file,
            scenario_for: arguments.scenario_for,
            before: arguments.scenario_before,
        });
        Self {
            relay_listen: arguments.listen,
            metrics_listen: arguments.metrics,
            profile: arguments.profile,
            scenario: arguments.scenario,
            seed: arguments.seed,
            rate: f64::from(arguments.rate),
            ring_capacity: arguments.ring_capacity,
            aggregation: arguments.monitor_aggregation,
            unavailable_nodes: arguments.unavailable_node,
            lose_every: arguments.lose_every,
            release: arguments.relay_version,
            tls,
            history,
            policies_folder: arguments.policies_folder,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    match run(arguments.into()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", wording::with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: ShopOptions) -> Result<(), ShopError> {
    let scenario = options.scenario;
    let mut shop = Shop::start(options).await?;
    let addresses = json!({
        "relay": shop.relay_address().to_string(),
        "metrics": shop.metrics_address().to_string(),
    });
    // Stdout may be closed: the addresses are also in the log.
    let _: std::io::Result<()> = writeln!(std::io::stdout(), "{addresses}");
    tracing::info!(
        relay = %shop.relay_address(),
        metrics = %shop.metrics_address(),
        %scenario,
        "open for business"
    );
    tokio::select! {
        stopped = shop.wait() => stopped,
        () = stop_signal() => {
            shop.stop().await;
            Ok(())
        }
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn stop_signal() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn spans_have_a_number_and_a_unit() {
        let check = |text: &str, want: Option<u64>| {
            assert_eq!(span(text).ok().map(|span| span.as_secs()), want, "{text}");
        };
        check("90s", Some(90));
        check("15m", Some(900));
        check("1h", Some(3_600));
        check("168h", Some(604_800));
        check("169h", None);
        check("1", None);
        check("h", None);
        check("1d", None);
        check("-1h", None);
        check("", None);
        check("99999999999999999999h", None);
    }
}
