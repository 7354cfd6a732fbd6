//! Dashboards from files, read again on each request, so that edits show at once.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

/// Maximum size of a dashboard file, in bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Maximum depth of folders below a provider's path.
const MAX_DEPTH: usize = 8;

/// One entry of `providers`. Source: Grafana's provisioning of dashboards, apiVersion 1.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Provider {
    #[serde(default)]
    folder: String,
    options: ProviderOptions,
}

#[derive(Clone, Debug, Deserialize)]
struct ProviderOptions {
    path: PathBuf,
}

/// The dashboards of all providers.
#[derive(Clone, Debug)]
pub(crate) struct Dashboards {
    providers: Vec<Provider>,
}

/// One dashboard file.
#[derive(Clone, Debug)]
pub(crate) struct Dashboard {
    pub(crate) uid: String,
    pub(crate) title: String,
    pub(crate) tags: Vec<String>,
    /// Name of the folder in Grafana; empty for the general folder.
    pub(crate) folder: String,
    pub(crate) json: Map<String, Value>,
}

/// Reason why a dashboard file cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DashboardError {
    #[error("`{}` cannot be read", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{}` is larger than 16 MiB", path.display())]
    TooLarge { path: PathBuf },
    #[error("`{}` is not a valid JSON object", path.display())]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("`{}` lacks `{key}`", path.display())]
    Key { path: PathBuf, key: &'static str },
}

// === impl Dashboards ===

impl Dashboards {
    pub(crate) fn new(providers: Vec<Provider>) -> Self {
        Self { providers }
    }

    /// Every dashboard file, in the order of providers and paths; an unreadable file is an error in
    /// its place.
    pub(crate) fn list(&self) -> Vec<Result<Dashboard, DashboardError>> {
        let mut found = Vec::new();
        for provider in &self.providers {
            match json_files(&provider.options.path, MAX_DEPTH) {
                Ok(files) => {
                    found.extend(files.iter().map(|path| read(path, &provider.folder)));
                }
                Err(error) => found.push(Err(error)),
            }
        }
        found
    }

    /// The dashboard with this uid.
    ///
    /// Errors: no readable file has it, and an unreadable file might.
    pub(crate) fn by_uid(&self, uid: &str) -> Result<Option<Dashboard>, DashboardError> {
        let mut unreadable = None;
        for dashboard in self.list() {
            match dashboard {
                Ok(dashboard) if dashboard.uid == uid => return Ok(Some(dashboard)),
                Ok(_) => {}
                Err(error) => unreadable = Some(error),
            }
        }
        unreadable.map_or(Ok(None), Err)
    }
}

fn json_files(path: &Path, depth: usize) -> Result<Vec<PathBuf>, DashboardError> {
    let read = |source| DashboardError::Read { path: path.to_owned(), source };
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(read)? {
        entries.push(entry.map_err(read)?.path());
    }
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            if depth > 0 {
                files.extend(json_files(&entry, depth - 1)?);
            }
        } else if entry.extension().is_some_and(|extension| extension == "json") {
            files.push(entry);
        }
    }
    Ok(files)
}

fn read(path: &Path, folder: &str) -> Result<Dashboard, DashboardError> {
    let unreadable = |source| DashboardError::Read { path: path.to_owned(), source };
    if path.metadata().map_err(unreadable)?.len() > MAX_FILE_BYTES {
        return Err(DashboardError::TooLarge { path: path.to_owned() });
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let json: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|source| DashboardError::Json { path: path.to_owned(), source })?;
    let text_of = |key: &'static str| {
        let value = json.get(key).and_then(Value::as_str).map(str::to_owned);
        value.ok_or_else(|| DashboardError::Key { path: path.to_owned(), key })
    };
    let tags = json.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(Dashboard {
        uid: text_of("uid")?,
        title: text_of("title")?,
        tags: tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        folder: folder.to_owned(),
        json,
    })
}
