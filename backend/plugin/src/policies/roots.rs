//! The folders from which the server's administrator lets data sources read policies.
//!
//! A user who may edit a data source must not be able to read Grafana's own files with it. So these
//! folders are part of Grafana's configuration, which only its administrator can change:
//! `[plugin.k8snet-hubble-datasource] policy_roots = /etc/policies, /srv/manifests`. Grafana passes
//! the setting to the plugin's process as `GF_PLUGIN_POLICY_ROOTS`.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Environment variable of the setting. Source: Grafana,
/// `pkg/services/pluginsintegration/pluginconfig/envvars.go`.
const VARIABLE: &str = "GF_PLUGIN_POLICY_ROOTS";
const SETTING: &str =
    "`policy_roots` in `[plugin.k8snet-hubble-datasource]` of Grafana's configuration";

/// Allowed root folders, as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Roots(Vec<PathBuf>);

/// A folder that may be read and its root, both without symbolic links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) root: PathBuf,
    pub(crate) folder: PathBuf,
}

/// Reason why a folder is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefusedFolder {
    #[error("the policies folder `{}` is not an absolute path", super::shown(.0))]
    Relative(PathBuf),
    #[error("the policies folder `{}` holds `..`: write the path without it", super::shown(.0))]
    Parent(PathBuf),
    #[error(
        "the policies folder `{}` is not read: the administrator has to allow it by {SETTING}",
        super::shown(.0)
    )]
    NoRoots(PathBuf),
    #[error(
        "the policies folder `{}` is not read: it is not below a folder that the administrator \
         allows by {SETTING}",
        super::shown(.0)
    )]
    Outside(PathBuf),
    #[error("the policies folder `{}` cannot be read", super::shown(.path))]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("the policies folder `{}` is not a folder", super::shown(.0))]
    NoFolder(PathBuf),
}

impl Roots {
    /// The root folders from Grafana's configuration.
    pub(crate) fn from_environment() -> Self {
        Self::read(&std::env::var(VARIABLE).unwrap_or_default())
    }

    /// Reads paths separated by commas. Relative paths allow nothing.
    pub(crate) fn read(list: &str) -> Self {
        let paths = list.split(',').map(str::trim).filter(|path| !path.is_empty());
        Self(paths.map(PathBuf::from).filter(|path| path.is_absolute()).collect())
    }

    /// The folder without symbolic links, if it lies below a root.
    ///
    /// Errors: [`RefusedFolder`].
    pub(super) fn allowed(&self, folder: &Path) -> Result<Allowed, RefusedFolder> {
        let path = folder.to_owned();
        if !folder.is_absolute() {
            return Err(RefusedFolder::Relative(path));
        }
        if folder.components().any(|part| part == Component::ParentDir) {
            return Err(RefusedFolder::Parent(path));
        }
        if self.0.is_empty() {
            return Err(RefusedFolder::NoRoots(path));
        }
        // Refuse before looking, so that the answer does not reveal whether a folder elsewhere
        // exists.
        if !self.0.iter().any(|root| folder.starts_with(root)) {
            return Err(RefusedFolder::Outside(path));
        }
        let resolved = match folder.canonicalize() {
            Ok(resolved) => resolved,
            Err(cause) => return Err(RefusedFolder::Unreadable { path, cause }),
        };
        let roots = self.0.iter().filter_map(|root| root.canonicalize().ok());
        let Some(root) = roots.into_iter().find(|root| resolved.starts_with(root)) else {
            return Err(RefusedFolder::Outside(path));
        };
        if !resolved.is_dir() {
            return Err(RefusedFolder::NoFolder(path));
        }
        Ok(Allowed { root, folder: resolved })
    }
}
