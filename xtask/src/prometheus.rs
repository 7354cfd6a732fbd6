//! A real Prometheus: found on the machine or fetched, filled with history, started.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::Failure;
use crate::debian;
use crate::download::{self, Expected};
use crate::process::{on_path, output_of, run};
use crate::progress::Step;
use crate::workspace;

/// Long-term release to download if no other is found.
const VERSION: &str = "2.53.4";
const ARCHIVE_URL: &str = "https://github.com/prometheus/prometheus/releases/download/v2.53.4/prometheus-2.53.4.linux-amd64.tar.gz";
const ARCHIVE_SHA256: &str = "b8b497c4610d1b93208252b60c8f20f6b2e78596ae8df43397a2e805aa53d475";
const IMAGE: &str = "prom/prometheus:v2.53.4";

/// Origin of the two programs of Prometheus.
#[derive(Debug)]
pub(crate) enum Prometheus {
    /// A folder with `prometheus` and `promtool`.
    Programs { server: PathBuf, promtool: PathBuf },
    /// An image that Docker runs.
    Image,
}

/// Error for a missing Prometheus.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrometheusError {
    #[error(
        "PROMETHEUS names `{0}`, which is neither the URL of an archive nor a folder or program with `prometheus` and `promtool` together"
    )]
    Given(String),
    #[error(
        "no Prometheus found: none on the PATH, none in Debian's packages, no Docker, and the download failed; name one with PROMETHEUS=<folder, program or URL>"
    )]
    Nowhere(#[source] Failure),
}

/// Finds a Prometheus, in this order: `PROMETHEUS`, the PATH, Debian's package, Docker (if
/// `image_will_do`), the official archive.
pub(crate) async fn find(image_will_do: bool) -> Result<Prometheus, Failure> {
    let mut step = Step::start("Prometheus");
    let (found, place) = look(&mut step, image_will_do).await?;
    step.done(&place);
    Ok(found)
}

async fn look(step: &mut Step, image_will_do: bool) -> Result<(Prometheus, String), Failure> {
    if let Some(given) = env::var_os("PROMETHEUS").and_then(|given| given.into_string().ok()) {
        let found = if given.starts_with("https://") || given.starts_with("http://") {
            let name = given.rsplit('/').next().unwrap_or("prometheus").replace(".tar.gz", "");
            in_folder(&download::archive(step, &name, &given, Expected::Anything).await?)
        } else {
            let path = Path::new(&given);
            in_folder(path).or_else(|| in_folder(path.parent()?))
        };
        return match found {
            Some(found) => Ok((found, format!("from PROMETHEUS, {given}"))),
            None => Err(PrometheusError::Given(given).into()),
        };
    }
    if let Some(found) = on_path("prometheus").and_then(|path| in_folder(path.parent()?)) {
        return Ok((found, "on the PATH".into()));
    }
    if let Some(found) = debian_package(step).await {
        return Ok((found, "Debian's package, unpacked into .cache".into()));
    }
    if image_will_do && docker_has(step, IMAGE).await {
        return Ok((Prometheus::Image, format!("Docker, {IMAGE}")));
    }
    let name = format!("prometheus-{VERSION}");
    match download::archive(step, &name, ARCHIVE_URL, Expected::Sha256(ARCHIVE_SHA256)).await {
        Ok(folder) => in_folder(&folder)
            .map(|found| (found, format!("official archive {VERSION}")))
            .ok_or_else(|| PrometheusError::Given(folder.display().to_string()).into()),
        Err(cause) => Err(PrometheusError::Nowhere(cause).into()),
    }
}

fn in_folder(folder: &Path) -> Option<Prometheus> {
    let (server, promtool) = (folder.join("prometheus"), folder.join("promtool"));
    (server.is_file() && promtool.is_file()).then_some(Prometheus::Programs { server, promtool })
}

/// Debian's package.
async fn debian_package(step: &mut Step) -> Option<Prometheus> {
    let folder = debian::unpacked(step, "prometheus", Path::new("usr/bin/prometheus")).await?;
    in_folder(&folder.join("usr/bin"))
}

/// Whether Docker runs here and has, or can pull, `image`.
pub(crate) async fn docker_has(step: &mut Step, image: &str) -> bool {
    if on_path("docker").is_none() {
        return false;
    }
    let running = Command::new("docker")
        .args(["version", "-f", "{{.Server.Version}}"])
        .kill_on_drop(true)
        .output()
        .await;
    if !running.is_ok_and(|output| output.status.success()) {
        return false;
    }
    if output_of(Command::new("docker").args(["image", "inspect", image])).await.is_some() {
        return true;
    }
    step.at(&format!("docker pull {image}"));
    output_of(Command::new("docker").args(["pull", "-q", image])).await.is_some()
}

/// `docker run` with this machine's network, this user, and `folder` at its own path.
pub(crate) fn docker_run(folder: &Path) -> Command {
    let mut command = Command::new("docker");
    let owner =
        format!("{}:{}", rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    command
        .args(["run", "--rm", "--network", "host", "--user", &owner, "-v"])
        .arg(format!("{0}:{0}", folder.display()))
        .arg("-w")
        .arg(folder);
    command
}

impl Prometheus {
    /// The server's program, if there is one: tests start it themselves.
    pub(crate) fn server_program(&self) -> Option<&Path> {
        match self {
            Self::Programs { server, .. } => Some(server),
            Self::Image => None,
        }
    }

    /// `promtool` with access to `folder`.
    pub(crate) fn promtool(&self, folder: &Path) -> Command {
        match self {
            Self::Programs { promtool, .. } => Command::new(promtool),
            Self::Image => {
                let mut command = docker_run(folder);
                command.args(["--entrypoint", "promtool", IMAGE]);
                command
            }
        }
    }

    /// Converts an OpenMetrics file into blocks under `folder`'s `data/`.
    pub(crate) async fn backfill(
        &self,
        step: &mut Step,
        folder: &Path,
        history: &Path,
    ) -> Result<(), Failure> {
        let data = folder.join("data");
        fs::create_dir_all(&data)?;
        let mut command = self.promtool(&workspace::demo());
        command.args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"]);
        run(step, command.arg(history).arg(&data)).await?;
        Ok(())
    }

    /// The server on `port` of this machine, with `metrics_port` as its target and its files in
    /// `folder`.
    pub(crate) fn server(
        &self,
        folder: &Path,
        port: u16,
        metrics_port: u16,
    ) -> Result<Command, Failure> {
        fs::create_dir_all(folder)?;
        let config = folder.join("prometheus.yml");
        fs::write(&config, configuration(metrics_port))?;
        let mut command = match self {
            Self::Programs { server, .. } => Command::new(server),
            Self::Image => {
                let mut command = docker_run(&workspace::demo());
                command.arg(IMAGE);
                command
            }
        };
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            // The start of the backfilled hour must not expire while someone looks at it.
            .arg("--storage.tsdb.retention.time=7d")
            .arg("--enable-feature=exemplar-storage")
            .arg("--log.level=warn");
        Ok(command)
    }
}

/// Keeps the cluster's own labels (`cluster`, `instance`) and adds none, so that scraped series
/// continue the backfilled ones.
fn configuration(metrics_port: u16) -> String {
    format!(
        "global:\n  scrape_interval: 5s\n  scrape_timeout: 4s\nscrape_configs:\n\
         - job_name: petshop\n  honor_labels: true\n  static_configs:\n  \
         - targets: [127.0.0.1:{metrics_port}]\n  metric_relabel_configs:\n  \
         - regex: job\n    action: labeldrop\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_what_prometheus_reads() {
        let text = configuration(9965);
        let expected = "\
global:
  scrape_interval: 5s
  scrape_timeout: 4s
scrape_configs:
- job_name: petshop
  honor_labels: true
  static_configs:
  - targets: [127.0.0.1:9965]
  metric_relabel_configs:
  - regex: job
    action: labeldrop
";
        assert_eq!(text, expected);
    }
}
