//! The complete demo: pet-shop cluster, Prometheus with an hour of history, Grafana or the preview.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio::time::Instant;

use crate::Failure;
use crate::artifacts::copy_plugin;
use crate::download::remove_folder;
use crate::grafana::{Addresses, Grafana, environment};
use crate::http::{self, wait_until_ok};
use crate::petshop_options::{Profile, Scenario, name};
use crate::progress::Step;
use crate::prometheus::Prometheus;
use crate::supervise::Supervisor;
use crate::workspace;

/// The data source's uid in `provisioning/`.
const DATASOURCE_UID: &str = "hubble";

/// Programs to start, and their places.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) scenario: Scenario,
    /// Configuration of the cluster's metrics.
    pub(crate) profile: Profile,
    /// Flows per second of the whole cluster.
    pub(crate) rate: u32,
    /// Flows that each node remembers.
    pub(crate) ring_capacity: u32,
    pub(crate) ports: Ports,
    pub(crate) petshop: &'a Path,
    pub(crate) prometheus: &'a Prometheus,
    pub(crate) host: &'a Host,
    /// Folder for all written files.
    pub(crate) folder: &'a Path,
}

impl Plan<'_> {
    /// Folder in which the pet-shop cluster keeps its manifests, for the data source.
    fn policies(&self) -> PathBuf {
        self.folder.join("policies")
    }
}

/// Ports of this machine that the demo uses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) grafana: u16,
    pub(crate) relay: u16,
    pub(crate) metrics: u16,
    pub(crate) prometheus: u16,
}

/// Program that shows the dashboards.
#[derive(Debug)]
pub(crate) enum Host {
    Grafana(Grafana),
    Preview(PathBuf),
}

/// Reason why the pet-shop cluster does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error("the pet-shop cluster did not print its addresses within {0} s")]
    Silent(u64),
    #[error("the pet-shop cluster printed `{0}` instead of its addresses")]
    Unexpected(String),
}

/// Starts everything and returns the text of the health check when the data source is healthy; the
/// supervisor stops it.
///
/// Errors: a program ends or does not answer in time.
pub(crate) async fn start(services: &Supervisor, plan: &Plan<'_>) -> Result<String, Failure> {
    let logs = plan.folder.join("logs");
    fs::create_dir_all(&logs)?;
    let history = cluster(services, plan, &logs).await?;
    prometheus(services, plan, &history, &logs).await?;
    host(services, plan, &logs).await?;
    healthy(services, plan.ports.grafana).await
}

async fn cluster(services: &Supervisor, plan: &Plan<'_>, logs: &Path) -> Result<PathBuf, Failure> {
    const LIMIT_SECS: u64 = 180;
    let mut step = Step::start("Pet-shop cluster: the past hour, then live");
    let history = plan.folder.join("history.om");
    // Before the failure everything worked, with rules for names and HTTP, so that their dashboards
    // have data too.
    let before = if plan.scenario == Scenario::Chaos { Scenario::Combined } else { Scenario::Open };
    let mut command = Command::new(plan.petshop);
    command
        .args(["--listen", &format!("127.0.0.1:{}", plan.ports.relay)])
        .args(["--metrics", &format!("127.0.0.1:{}", plan.ports.metrics)])
        .args(["--scenario", &name(&plan.scenario), "--scenario-for", "10m", "--seed", "1"])
        .args(["--scenario-before", &name(&before), "--profile", &name(&plan.profile)])
        .args(["--rate", &plan.rate.to_string()])
        .args(["--ring-capacity", &plan.ring_capacity.to_string()])
        .args(["--history", "1h", "--history-file"])
        .arg(&history)
        .arg("--policies-folder")
        .arg(plan.policies());
    let log = logs.join("petshop.log");
    let stdout = services.start_and_read("the pet-shop cluster", &mut command, &log)?;
    let line = first_line(stdout);
    tokio::pin!(line);
    let deadline = Instant::now() + Duration::from_secs(LIMIT_SECS);
    let mut tick = tokio::time::interval(Duration::from_millis(300));
    let line = loop {
        tokio::select! {
            line = &mut line => break line,
            _ = tick.tick() => {
                services.check()?;
                if Instant::now() >= deadline {
                    return Err(ClusterError::Silent(LIMIT_SECS).into());
                }
                step.at("simulating");
            }
        }
    };
    // A cluster that fails before it prints a line closes its stdout: report why it ended.
    if line.is_empty() {
        tokio::time::sleep(Duration::from_millis(200)).await;
        services.check()?;
    }
    let addresses: serde_json::Value =
        serde_json::from_str(&line).map_err(|_not_json| ClusterError::Unexpected(line.clone()))?;
    let (Some(relay), Some(metrics)) = (
        addresses.get("relay").and_then(|v| v.as_str()),
        addresses.get("metrics").and_then(|v| v.as_str()),
    ) else {
        return Err(ClusterError::Unexpected(line).into());
    };
    step.done(&format!("relay {relay}, metrics {metrics}, scenario {}", name(&plan.scenario)));
    Ok(history)
}

/// The first line. The rest is read and dropped, so that the writer never blocks.
async fn first_line(stdout: Option<ChildStdout>) -> String {
    let Some(stdout) = stdout else { return String::new() };
    let mut lines = BufReader::new(stdout).lines();
    let first = lines.next_line().await.ok().flatten().unwrap_or_default();
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    first
}

async fn prometheus(
    services: &Supervisor,
    plan: &Plan<'_>,
    history: &Path,
    logs: &Path,
) -> Result<(), Failure> {
    let mut step = Step::start("Prometheus: backfill and start");
    let folder = plan.folder.join("prometheus");
    // Each start simulates an hour of history of its own; two would overlap.
    remove_folder(&folder)?;
    plan.prometheus.backfill(&mut step, &folder, history).await?;
    fs::remove_file(history)?;
    let mut command = plan.prometheus.server(&folder, plan.ports.prometheus, plan.ports.metrics)?;
    services.start("Prometheus", &mut command, &logs.join("prometheus.log"))?;
    let limit = Duration::from_mins(1);
    let ready = (plan.ports.prometheus, "/-/ready");
    wait_until_ok(&mut step, services, "Prometheus", ready, limit).await?;
    step.done(&format!("http://127.0.0.1:{}", plan.ports.prometheus));
    Ok(())
}

async fn host(services: &Supervisor, plan: &Plan<'_>, logs: &Path) -> Result<(), Failure> {
    let Ports { grafana: port, relay: relay_port, prometheus: prometheus_port, .. } = plan.ports;
    let policies = plan.policies();
    let addresses = Addresses { port, relay_port, prometheus_port, policies: &policies };
    let (name, mut command, log) = match plan.host {
        Host::Grafana(grafana) => {
            let folder = plan.folder.join("grafana");
            fs::create_dir_all(&folder)?;
            ("Grafana", grafana.server(&folder, addresses)?, "grafana.log")
        }
        Host::Preview(program) => {
            let plugin = plan.folder.join("preview/k8snet-hubble-app");
            copy_plugin(&plugin)?;
            let mut command = Command::new(program);
            command
                .args(["--port", &port.to_string()])
                .arg("--dist")
                .arg(plugin)
                .arg("--provisioning")
                .arg(workspace::at("provisioning"))
                .arg("--page")
                .arg(workspace::at("preview/page/build"))
                .envs(environment(addresses))
                .env("GF_PLUGIN_POLICY_ROOTS", &policies);
            ("the preview", command, "preview.log")
        }
    };
    let mut step = Step::start(format!("Starting {name}"));
    command.stdin(Stdio::null());
    services.start(name, &mut command, &logs.join(log))?;
    // A first start of Grafana creates its database with hundreds of migrations.
    let limit = Duration::from_mins(4);
    wait_until_ok(&mut step, services, name, (port, "/api/health"), limit).await?;
    step.done(&format!("http://localhost:{port}"));
    Ok(())
}

async fn healthy(services: &Supervisor, port: u16) -> Result<String, Failure> {
    let mut step = Step::start("Data source health");
    let path = format!("/api/datasources/uid/{DATASOURCE_UID}/health");
    let limit = Duration::from_mins(1);
    match wait_until_ok(&mut step, services, "the data source", (port, &path), limit).await {
        Ok(body) => {
            let sentence = message(&body);
            step.done(&sentence);
            Ok(sentence)
        }
        Err(error) => {
            // The answer's own words say more than its status.
            if let Ok(answer) = http::get(port, &path).await {
                step.failed();
                println!("      {}", message(&answer.body));
            }
            Err(error)
        }
    }
}

fn message(body: &str) -> String {
    serde_json::from_str::<serde_json::Value>(body)
        .ok()
        .and_then(|answer| answer.get("message")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| body.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_answers() {
        fn check(body: &str, expected: &str) {
            assert_eq!(message(body), expected);
        }
        check(
            r#"{"status":"OK","message":"Relay 1.21.0, 3 of 3 nodes"}"#,
            "Relay 1.21.0, 3 of 3 nodes",
        );
        check(r#"{"status":"OK"}"#, r#"{"status":"OK"}"#);
        check("<html>", "<html>");
    }
}
