//! Policy files and their compiled form.

use std::sync::Arc;

use cilium_policy::{Dates, Judge, PolicySet, Settings, SourceText, UnixTime};
use flow::Timestamp;
use hubble_verdict::unix_time;

/// Policy files, with their compiled form.
#[derive(Debug)]
pub(crate) struct PolicyFiles {
    pub(crate) files: Vec<PolicyFile>,
    /// Known agent settings, by name; the others come from the flows.
    known_settings: Vec<(String, String)>,
    /// Time of the last change of the set of files, in Unix milliseconds; NaN if it is not known.
    changed_ms: f64,
    pub(crate) judge: Judge,
}

/// A file of policies.
#[derive(Debug, Default)]
pub(crate) struct PolicyFile {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Time of the last change, in Unix milliseconds; NaN if it is not known.
    pub(crate) modified_ms: f64,
}

/// A setting that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a setting")]
pub(crate) struct InvalidSetting(String);

impl PolicyFiles {
    /// Reads and compiles policy files. [`super::explained::refused`] has the refused documents.
    ///
    /// Errors: a setting, as `name=value`, does not exist.
    pub(crate) fn new(
        files: Vec<PolicyFile>,
        settings: &[String],
        changed_ms: f64,
    ) -> Result<Self, InvalidSetting> {
        let mut known_settings = Vec::new();
        for pair in settings {
            let (name, value) = pair.split_once('=').ok_or_else(|| InvalidSetting(pair.clone()))?;
            if !apply(&mut Settings::default(), name, value) {
                return Err(InvalidSetting(pair.clone()));
            }
            known_settings.push((name.to_owned(), value.to_owned()));
        }
        let judge = Judge::new(Arc::default());
        let mut policies = Self { files, known_settings, changed_ms, judge };
        policies.compile(policies.with_known(Settings::default()));
        Ok(policies)
    }

    pub(crate) fn set(&self) -> &Arc<PolicySet> {
        self.judge.set()
    }

    fn with_known(&self, mut settings: Settings) -> Settings {
        for (name, value) in &self.known_settings {
            // Each setting was checked before it was stored.
            let _is_set = apply(&mut settings, name, value);
        }
        settings
    }

    fn compile(&mut self, settings: Settings) {
        let dates = Dates {
            texts: self.files.iter().map(|file| timestamp(file.modified_ms)).collect(),
            set: timestamp(self.changed_ms),
        };
        let set = PolicySet::read(&sources(&self.files), settings).dated(&dates);
        self.judge = Judge::new(Arc::new(set));
    }

    /// Compiles again for flows of a cluster with other settings.
    pub(super) fn fit(&mut self, of_flows: &Settings) {
        let settings = self.with_known(of_flows.clone());
        if settings != *self.set().settings() {
            self.compile(settings);
        }
    }
}

/// Texts of the files, for the engine.
pub(crate) fn sources(files: &[PolicyFile]) -> Vec<SourceText<'_>> {
    let files = files.iter().enumerate();
    files.map(|(index, file)| SourceText { index, text: &file.text }).collect()
}

/// A point in time; `None` if it is not known.
fn timestamp(unix_ms: f64) -> Option<UnixTime> {
    #[expect(clippy::cast_possible_truncation, reason = "kept within the range of Timestamp")]
    let ms = unix_ms.is_finite().then_some(unix_ms as i64)?;
    let nanos = i32::try_from(ms.rem_euclid(1_000)).ok()?.checked_mul(1_000_000)?;
    Timestamp::new(ms.div_euclid(1_000), nanos).ok().map(unix_time)
}

/// Changes a setting. One setting beyond the agent's own makes all Services lack backends, as where
/// Cilium's engine runs as a library. False: the name or its value does not exist.
fn apply(settings: &mut Settings, name: &str, value: &str) -> bool {
    if name == "services-are-empty" {
        settings.services_are_empty = value == "true";
        // The library gets what its parser accepts, whatever a server would store.
        settings.api_server = value != "true";
        return true;
    }
    settings.set(name, value)
}
