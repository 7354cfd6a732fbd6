//! Reader of a provisioning folder in Grafana's layout: `datasources/*.yaml`, `dashboards/*.yaml`.

mod dashboards;
mod expand;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use dashboards::Provider;
pub(crate) use dashboards::{Dashboard, Dashboards};
use expand::ExpandError;

/// Content of the folder.
#[derive(Debug)]
pub(crate) struct Provisioning {
    pub(crate) data_sources: Vec<ProvisionedDataSource>,
    pub(crate) dashboards: Dashboards,
}

/// One entry of `datasources`. Source: Grafana's provisioning of data sources, apiVersion 1.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProvisionedDataSource {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) uid: String,
    #[serde(default = "proxy")]
    pub(crate) access: String,
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) user: String,
    #[serde(default)]
    pub(crate) database: String,
    #[serde(default)]
    pub(crate) basic_auth: bool,
    #[serde(default)]
    pub(crate) basic_auth_user: String,
    #[serde(default)]
    pub(crate) is_default: bool,
    #[serde(default)]
    pub(crate) editable: bool,
    #[serde(default)]
    pub(crate) json_data: Map<String, Value>,
    #[serde(default)]
    pub(crate) secure_json_data: BTreeMap<String, String>,
}

/// Reason why a provisioning folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProvisioningError {
    #[error("the provisioning folder `{}` does not exist", dir.display())]
    NoFolder { dir: PathBuf },
    #[error("`{}` cannot be read", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{}` is not a provisioning file", path.display())]
    Yaml { path: PathBuf, source: serde_yaml_ng::Error },
    #[error("a value of `{}` cannot be expanded", path.display())]
    Expand { path: PathBuf, source: ExpandError },
    #[error("`{}` does not have the format of Grafana's provisioning", path.display())]
    Shape { path: PathBuf, source: serde_json::Error },
}

#[derive(Deserialize)]
struct DataSourcesFile {
    #[serde(default)]
    datasources: Vec<ProvisionedDataSource>,
}

#[derive(Deserialize)]
struct DashboardsFile {
    #[serde(default)]
    providers: Vec<Provider>,
}

fn proxy() -> String {
    "proxy".to_owned()
}

/// Reads the folder; variables come from the environment.
///
/// Errors: a missing or unreadable folder or file, or one of another format.
pub(crate) fn read(dir: &Path) -> Result<Provisioning, ProvisioningError> {
    if !dir.is_dir() {
        return Err(ProvisioningError::NoFolder { dir: dir.to_owned() });
    }
    let mut data_sources = Vec::new();
    for path in yaml_files(&dir.join("datasources"))? {
        data_sources.extend(read_file::<DataSourcesFile>(&path)?.datasources);
    }
    let mut providers = Vec::new();
    for path in yaml_files(&dir.join("dashboards"))? {
        providers.extend(read_file::<DashboardsFile>(&path)?.providers);
    }
    Ok(Provisioning { data_sources, dashboards: Dashboards::new(providers) })
}

/// The folder's YAML files in the order of their names; empty without a folder.
fn yaml_files(dir: &Path) -> Result<Vec<PathBuf>, ProvisioningError> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let read = |source| ProvisioningError::Read { path: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_file<T: DeserializeOwned>(path: &Path) -> Result<T, ProvisioningError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ProvisioningError::Read { path: path.to_owned(), source })?;
    let mut value: Value = serde_yaml_ng::from_str(&text)
        .map_err(|source| ProvisioningError::Yaml { path: path.to_owned(), source })?;
    let mut missing = Vec::new();
    expand::expand(&mut value, &|name: &str| std::env::var(name).ok(), &mut missing)
        .map_err(|source| ProvisioningError::Expand { path: path.to_owned(), source })?;
    for name in missing {
        tracing::warn!("`{}` names `${name}`, which is not set: used as empty", path.display());
    }
    serde_json::from_value(value)
        .map_err(|source| ProvisioningError::Shape { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wording::with_causes;

    fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let dir = std::env::temp_dir()
            .join(format!("preview-provisioning-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text.replace("DIR", &dir.to_string_lossy())).expect("a file");
        }
        dir
    }

    #[test]
    fn a_folder_as_grafana_has_it() {
        let dir = folder(
            "whole",
            &[
                (
                    "datasources/hubble.yaml",
                    "apiVersion: 1\nprune: true\ndatasources:\n  - name: Hubble\n    type: k8snet-hubble-datasource\n    uid: hubble\n    url: 127.0.0.1:4245\n    isDefault: true\n    jsonData: { prometheusUrl: 'http://127.0.0.1:9090', connectTimeoutSecs: 5 }\n    secureJsonData: { prometheusToken: '$__file{DIR/token}' }\n",
                ),
                ("token", "s3cret\n"),
                (
                    "dashboards/all.yml",
                    "apiVersion: 1\nproviders:\n  - name: all\n    folder: Kubernetes\n    type: file\n    options: { path: DIR/json }\n",
                ),
                ("json/drops.json", r#"{"uid":"drops","title":"Drops","tags":["hubble"]}"#),
                ("json/deep/er.json", r#"{"uid":"deep","title":"Deep"}"#),
                ("json/notes.txt", "not a dashboard"),
            ],
        );
        let provisioning = read(&dir).expect("read");
        let [source] = provisioning.data_sources.as_slice() else { panic!("one source") };
        assert_eq!((source.uid.as_str(), source.access.as_str()), ("hubble", "proxy"));
        assert_eq!((source.is_default, source.editable), (true, false));
        assert_eq!(source.json_data["connectTimeoutSecs"], 5);
        assert_eq!(source.secure_json_data["prometheusToken"], "s3cret");
        let listed = provisioning.dashboards.list();
        let uids: Vec<_> =
            listed.iter().filter_map(|each| each.as_ref().ok()).map(|d| &d.uid).collect();
        assert_eq!(uids, ["deep", "drops"]);
        let drops = provisioning.dashboards.by_uid("drops").expect("read").expect("there");
        assert_eq!((drops.title.as_str(), drops.folder.as_str()), ("Drops", "Kubernetes"));
        assert!(provisioning.dashboards.by_uid("other").expect("read").is_none());
        std::fs::remove_dir_all(dir).expect("removed");
    }

    #[test]
    fn errors_have_their_reason() {
        let check = |name: &str, text: &str, expected: &str| {
            let dir = folder(name, &[("datasources/a.yaml", text)]);
            let message = with_causes(&read(&dir).expect_err(name));
            assert_eq!(message.replace(&*dir.to_string_lossy(), "DIR"), expected, "{name}");
            std::fs::remove_dir_all(dir).expect("removed");
        };
        check(
            "no-uid",
            "datasources: [{name: a, type: b}]",
            "`DIR/datasources/a.yaml` does not have the format of Grafana's provisioning: missing field `uid`",
        );
        check(
            "no-file",
            "datasources: [{name: a, type: b, uid: c, url: '$__file{/not/there}'}]",
            "a value of `DIR/datasources/a.yaml` cannot be expanded: `$__file{/not/there}` cannot be read: No such file or directory (os error 2)",
        );
        let gone = read(Path::new("/not/there")).expect_err("no folder");
        assert_eq!(gone.to_string(), "the provisioning folder `/not/there` does not exist");
    }
}
