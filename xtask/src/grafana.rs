//! A real Grafana: found on the machine or fetched, configured in the demo's own folder.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::Failure;
use crate::artifacts::copy_plugin;
use crate::download::{self, Expected};
use crate::process::on_path;
use crate::progress::Step;
use crate::prometheus::{docker_has, docker_run};
use crate::workspace;

/// Release to fetch if none is installed.
const VERSION: &str = "12.4.0";
const ARCHIVE_URL: &str =
    "https://dl.grafana.com/grafana/release/12.4.0/grafana_12.4.0_22325204712_linux_amd64.tar.gz";
const IMAGE: &str = "grafana/grafana:12.4.0";

/// Plugin ids of `dist/`; each unsigned plugin must be allowed by its own id.
const PLUGIN_IDS: &str = "k8snet-hubble-app,k8snet-hubble-datasource,k8snet-flows-panel";

/// Origin of Grafana.
#[derive(Debug)]
pub(crate) enum Grafana {
    /// A program and the folder with its `public/` and `conf/`.
    Program { program: PathBuf, home: PathBuf },
    /// An image that Docker runs.
    Image,
}

/// Addresses of the demo's other parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses<'a> {
    pub(crate) port: u16,
    pub(crate) relay_port: u16,
    pub(crate) prometheus_port: u16,
    /// Folder with the cluster's network policies.
    pub(crate) policies: &'a Path,
}

/// Reason why the named Grafana cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "GRAFANA_HOME names `{0}`, which has neither `bin/grafana` nor `grafana` next to a folder `public`"
)]
pub(crate) struct NotAGrafana(String);

/// Finds a Grafana, in this order: `GRAFANA_HOME`, the PATH, Docker, the official archive. `None`
/// without a Grafana; the reason is printed.
///
/// Errors: `GRAFANA_HOME` does not name a Grafana.
pub(crate) async fn find() -> Result<Option<Grafana>, Failure> {
    let mut step = Step::start("Grafana");
    if let Some((found, place)) = installed()? {
        step.done(&place);
        return Ok(Some(found));
    }
    if docker_has(&mut step, IMAGE).await {
        step.done(&format!("Docker, {IMAGE}"));
        return Ok(Some(Grafana::Image));
    }
    let name = format!("grafana-{VERSION}");
    match download::archive(&mut step, &name, ARCHIVE_URL, Expected::Published).await {
        Ok(folder) => {
            step.done(&format!("official archive {VERSION}"));
            Ok(at_home(&folder))
        }
        Err(reason) => {
            step.done("none found: using the preview");
            println!("      no GRAFANA_HOME, none on the PATH, no Docker; {reason}");
            Ok(None)
        }
    }
}

/// The Grafana of this machine and its origin: `GRAFANA_HOME`, else the PATH.
///
/// Errors: `GRAFANA_HOME` does not name a Grafana.
pub(crate) fn installed() -> Result<Option<(Grafana, String)>, NotAGrafana> {
    if let Some(home) = env::var_os("GRAFANA_HOME") {
        let home = home.to_string_lossy();
        return match at_home(Path::new(&*home)) {
            Some(found) => Ok(Some((found, format!("from GRAFANA_HOME, {home}")))),
            None => Err(NotAGrafana(home.into_owned())),
        };
    }
    let found = on_path("grafana").and_then(|program| beside(&program));
    Ok(found.map(|found| (found, "on the PATH".to_owned())))
}

fn at_home(home: &Path) -> Option<Grafana> {
    let home = home.canonicalize().ok()?;
    let program =
        ["bin/grafana", "grafana"].map(|name| home.join(name)).into_iter().find(|p| p.is_file())?;
    home.join("public").is_dir().then_some(Grafana::Program { program, home })
}

/// The home folder of a program on the PATH: its parent, or the place that Grafana's packages use.
fn beside(program: &Path) -> Option<Grafana> {
    let program = program.canonicalize().ok()?;
    program
        .ancestors()
        .skip(1)
        .take(2)
        .chain([Path::new("/usr/share/grafana")])
        .find(|home| home.join("public").is_dir() && home.join("conf").is_dir())
        .map(|home| Grafana::Program { program: program.clone(), home: home.into() })
}

impl Grafana {
    /// The server, configured in `folder`: a copy of `dist/` and all of `provisioning/`.
    ///
    /// Errors: the folder cannot be written.
    pub(crate) fn server(&self, folder: &Path, addresses: Addresses<'_>) -> io::Result<Command> {
        fs::create_dir_all(folder.join("data"))?;
        copy_plugin(&folder.join("plugins/k8snet-hubble-app"))?;
        let config = folder.join("grafana.ini");
        fs::write(&config, configuration(folder, addresses.port, addresses.policies))?;

        let environment = environment(addresses);
        match self {
            Self::Program { program, home } => {
                let mut command = Command::new(program);
                command
                    .arg("server")
                    .arg("--homepath")
                    .arg(home)
                    .arg("--config")
                    .arg(&config)
                    .current_dir(folder)
                    .envs(environment);
                Ok(command)
            }
            Self::Image => {
                let mut command = docker_run(&workspace::demo());
                command.arg("-v").arg(format!("{0}:{0}:ro", workspace::root().display()));
                // The image's own variables would override the file.
                let paths = [
                    ("GF_PATHS_CONFIG", config),
                    ("GF_PATHS_DATA", folder.join("data")),
                    ("GF_PATHS_LOGS", folder.join("data/log")),
                    ("GF_PATHS_PLUGINS", folder.join("plugins")),
                    ("GF_PATHS_PROVISIONING", workspace::at("provisioning")),
                ];
                for (name, path) in paths {
                    command.arg("-e").arg(format!("{name}={}", path.display()));
                }
                for (name, value) in environment {
                    command.arg("-e").arg(format!("{name}={value}"));
                }
                command.arg(IMAGE);
                Ok(command)
            }
        }
    }
}

/// The variables in the files of `provisioning/`.
pub(crate) fn environment(addresses: Addresses<'_>) -> [(&'static str, String); 5] {
    [
        ("HUBBLE_RELAY_ADDRESS", format!("127.0.0.1:{}", addresses.relay_port)),
        ("PROMETHEUS_URL", format!("http://127.0.0.1:{}", addresses.prometheus_port)),
        ("DASHBOARDS_PATH", workspace::at("dashboards/json").display().to_string()),
        ("POLICIES_FOLDER", addresses.policies.display().to_string()),
        // The lab applies its files with `-n pets`.
        ("POLICIES_NAMESPACE", "pets".to_owned()),
    ]
}

fn configuration(folder: &Path, port: u16, policies: &Path) -> String {
    let mut text = String::from("; Written anew by every `cargo xtask demo`.\n");
    let sections: [(&str, &[(&str, &str)]); 11] = [
        (
            "paths",
            &[
                ("data", &folder.join("data").display().to_string()),
                ("logs", &folder.join("data/log").display().to_string()),
                ("plugins", &folder.join("plugins").display().to_string()),
                ("provisioning", &workspace::at("provisioning").display().to_string()),
            ],
        ),
        // Anyone who can reach this port is admin, so it listens on this machine only.
        ("server", &[("http_addr", "127.0.0.1"), ("http_port", &port.to_string())]),
        (
            "auth.anonymous",
            &[("enabled", "true"), ("org_role", "Admin"), ("hide_version", "false")],
        ),
        ("auth", &[("disable_login_form", "true")]),
        (
            "dashboards",
            &[(
                "default_home_dashboard_path",
                &workspace::at("dashboards/json/drops-workload.json").display().to_string(),
            )],
        ),
        (
            "plugins",
            &[
                ("allow_loading_unsigned_plugins", PLUGIN_IDS),
                ("preinstall_disabled", "true"),
                ("plugin_admin_enabled", "false"),
                ("public_key_retrieval_disabled", "true"),
            ],
        ),
        // Folders on this machine that the data source may read.
        ("plugin.k8snet-hubble-datasource", &[("policy_roots", &policies.display().to_string())]),
        (
            "analytics",
            &[
                ("reporting_enabled", "false"),
                ("check_for_updates", "false"),
                ("check_for_plugin_updates", "false"),
                ("feedback_links_enabled", "false"),
            ],
        ),
        ("news", &[("news_feed_enabled", "false")]),
        ("snapshots", &[("external_enabled", "false")]),
        ("log", &[("mode", "console"), ("level", "info")]),
    ];
    for (section, settings) in sections {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "\n[{section}]");
        for (key, value) in settings {
            let _infallible = writeln!(text, "{key} = {value}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_stays_on_this_machine_and_makes_no_calls() {
        let text = configuration(Path::new("/demo/grafana"), 3000, Path::new("/demo/policies"));
        for line in [
            "http_addr = 127.0.0.1",
            "http_port = 3000",
            "plugins = /demo/grafana/plugins",
            "allow_loading_unsigned_plugins = k8snet-hubble-app,k8snet-hubble-datasource,k8snet-flows-panel",
            "check_for_updates = false",
            "preinstall_disabled = true",
            "news_feed_enabled = false",
            "[plugin.k8snet-hubble-datasource]",
            "policy_roots = /demo/policies",
        ] {
            assert!(text.lines().any(|l| l == line), "`{line}` is missing in\n{text}");
        }
    }

    #[test]
    fn a_home_needs_its_program_and_its_public_folder() {
        let home = std::env::temp_dir().join(format!("xtask-grafana-{}", std::process::id()));
        fs::create_dir_all(home.join("bin")).unwrap();
        assert!(at_home(&home).is_none(), "an empty folder");
        fs::write(home.join("bin/grafana"), "").unwrap();
        assert!(at_home(&home).is_none(), "no public/");
        fs::create_dir_all(home.join("public")).unwrap();
        assert!(at_home(&home).is_some(), "bin/grafana");
        fs::rename(home.join("bin/grafana"), home.join("grafana")).unwrap();
        assert!(at_home(&home).is_some(), "grafana at the top");
        fs::remove_dir_all(home).unwrap();
    }
}
