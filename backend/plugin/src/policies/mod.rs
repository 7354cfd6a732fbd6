//! The network policies of a data source: a text in its settings, and a folder on Grafana's machine, read
//! again where files differ. They are not parsed here.

mod folder;
mod reader;
mod roots;
#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use frames::PolicyFileRow;
use wording::Notice;

pub(crate) use self::reader::{PolicyReadError, PolicyReader};
pub(crate) use self::roots::Roots;

/// Maximum size of the text in the settings, in bytes.
const MAX_TEXT_BYTES: usize = 2 << 20;
/// Name of the settings' text, in place of a file name.
pub(crate) const TEXT_NAME: &str = "data source settings";

/// The places of a data source's policies.
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
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PolicyFiles {
    pub(crate) files: Vec<PolicyFileRow>,
    /// Time of the last addition to or removal from the folder, in Unix milliseconds; `None`:
    /// unknown.
    pub(crate) changed_ms: Option<i64>,
    pub(crate) notices: Vec<Notice>,
}

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
                found.files.push(PolicyFileRow {
                    name: TEXT_NAME.to_owned(),
                    text: text.clone(),
                    modified_ms: None,
                });
            }
        }
        if let Some(folder) = &self.folder {
            match roots.allowed(folder) {
                Ok(allowed) => folder::read(&allowed, folder, &mut found),
                Err(refusal) => found.warn(wording::with_causes(&refusal)),
            }
        }
        if self.text.is_none() && self.folder.is_none() {
            found.notices.push(Notice::info(
                "no policies are configured: paste them into the data source's settings, or name a \
                 folder there",
            ));
        }
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
    fn warn(&mut self, text: String) {
        self.notices.push(Notice::warning(text));
    }
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}
