//! The network policies of a data source: those of a cluster, a folder on Grafana's machine, read again where
//! files differ, and a text in its settings. All who may query the data source get them, so they are reduced to what
//! verdicts read.

mod cluster;
mod counts;
mod folder;
mod opened;
mod reader;
mod roots;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use cilium_policy::{Unreduced, reduce};
use frames::PolicyFileRow;
use wording::{Notice, quote};

pub(crate) use self::cluster::{ClusterPolicies, PolicyFreshness};
pub(crate) use self::reader::{PolicyReadError, PolicyReader};
pub(crate) use self::roots::Roots;

/// Maximum size of the text in the settings, in bytes.
const MAX_TEXT_BYTES: usize = 2 << 20;
/// Name of the settings' text, in place of a file name.
pub(crate) const TEXT_NAME: &str = "data source settings";

/// The places of a data source's policies in files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PolicySource {
    /// YAML or JSON from the settings.
    pub(crate) text: Option<String>,
    /// Folder, as an absolute path.
    pub(crate) folder: Option<PathBuf>,
    /// Namespace of documents without one.
    pub(crate) namespace: Option<String>,
}

/// The files, and notices about those that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PolicyFiles {
    pub(crate) files: Vec<PolicyFileRow>,
    /// Time of the last addition to or removal from the folder, in Unix milliseconds; `None`:
    /// unknown.
    pub(crate) changed_ms: Option<i64>,
    pub(crate) notices: Vec<Notice>,
    /// Number of documents that verdicts do not read, by kind.
    left_out: BTreeMap<String, usize>,
    /// How fresh the policies of the cluster are; `None` without a cluster.
    pub(crate) freshness: Option<PolicyFreshness>,
    /// Documents that could not be reduced, by file.
    unreduced: Vec<(String, Unreduced)>,
}

/// Maximum number of kinds, and of documents that could not be reduced, that notices name.
const MAX_NAMED: usize = 10;

impl PolicySource {
    /// Reads the text and the folder. An unreadable file becomes a notice and does not affect the
    /// others. Blocks on the file system.
    pub(crate) fn read(&self, roots: &Roots) -> PolicyFiles {
        let mut found = PolicyFiles::default();
        if let Some(text) = &self.text {
            if text.len() > MAX_TEXT_BYTES {
                found.warn(format!(
                    "the policies in the data source's settings are longer than {} MiB and were not \
                     used: put them into a folder",
                    MAX_TEXT_BYTES >> 20
                ));
            } else {
                found.add(TEXT_NAME.to_owned(), text, None);
            }
        }
        if let Some(folder) = &self.folder {
            match roots.allowed(folder) {
                Ok(allowed) => folder::read(&allowed, folder, &mut found),
                Err(refusal) => found.warn(wording::with_causes(&refusal)),
            }
        }
        found.say_what_is_left_out();
        found
    }
}

impl PolicySource {
    /// The revision of the policies: it changes with the names, sizes and times of
    /// their files, of which none is opened. Empty without files; `None` where no policies are
    /// configured. Blocks on the file system.
    pub(crate) fn revision(&self, roots: &Roots) -> Option<String> {
        if self.text.is_none() && self.folder.is_none() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (&self.text, &self.namespace).hash(&mut hasher);
        let mut files = usize::from(self.text.is_some());
        if let Some(folder) = &self.folder
            && let Ok(allowed) = roots.allowed(folder)
        {
            files += folder::hash(&allowed, &mut hasher);
        }
        Some(if files == 0 { String::new() } else { format!("{:016x}", hasher.finish()) })
    }
}

impl PolicyFiles {
    /// The answer where no policies are configured.
    fn unconfigured() -> Self {
        let notice = Notice::info(
            "no policies are configured: choose a cluster in the data source's settings, name a folder, or \
             paste them there",
        );
        Self { notices: vec![notice], ..Self::default() }
    }

    /// Adds a text as far as verdicts read it; without such a part the file is absent.
    fn add(&mut self, name: String, text: &str, modified_ms: Option<i64>) {
        let reduced = reduce(text);
        for (kind, count) in reduced.left_out {
            let all = self.left_out.entry(kind).or_default();
            *all = all.saturating_add(count);
        }
        self.unreduced.extend(reduced.unreduced.into_iter().map(|own| (name.clone(), own)));
        if !reduced.text.trim().is_empty() {
            self.files.push(PolicyFileRow { name, text: reduced.text, modified_ms });
        }
    }

    fn say_what_is_left_out(&mut self) {
        let named = |(kind, count): (&String, &usize)| match kind.as_str() {
            "" => format!("{count} without a kind"),
            kind => format!("{count} `{}`", quote(kind)),
        };
        if !self.left_out.is_empty() {
            let mut kinds: Vec<String> = self.left_out.iter().take(MAX_NAMED).map(named).collect();
            let others: usize = self.left_out.values().skip(MAX_NAMED).sum();
            if others > 0 {
                kinds.push(format!("{others} of other kinds"));
            }
            self.notices.push(Notice::info(format!(
                "documents that verdicts do not read were left out: {}",
                kinds.join(", ")
            )));
        }
        let unreduced = std::mem::take(&mut self.unreduced);
        for (name, Unreduced { at, reason }) in unreduced.iter().take(MAX_NAMED) {
            self.warn(format!("`{name}`, line {}: a document was left out: {reason}", at.line));
        }
        let unnamed = unreduced.len().saturating_sub(MAX_NAMED);
        if unnamed > 0 {
            self.warn(format!("{unnamed} further documents of policies were left out"));
        }
    }

    fn warn(&mut self, text: String) {
        self.notices.push(Notice::warning(text));
    }
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}
