//! Policies against recorded flows: compiled once, judged in one go.

use std::sync::Arc;

use cilium_policy::{Dates, Judge, PolicySet, Settings, SourceText, UnixTime};
use flow::{Flow, Timestamp};
use hubble_verdict::{Learned, Prepared, settings_from, unix_time};

use crate::table::Table;

/// Flows that are looked at for the cluster's settings.
const SETTINGS_FLOWS: usize = 8_192;
/// Flows that are held decoded at once: a few kilobytes each.
const CHUNK_FLOWS: usize = 2_048;

/// Policies as they came, and compiled.
#[derive(Debug)]
pub(crate) struct PolicyFiles {
    pub(crate) files: Vec<PolicyFile>,
    /// Agent settings that are known, by name; the others are taken from the flows.
    known_settings: Vec<(String, String)>,
    /// When the set came to be as it is, in Unix milliseconds; NaN where that is not known.
    changed_ms: f64,
    pub(crate) judge: Judge,
}

/// A file of policies.
#[derive(Debug, Default)]
pub(crate) struct PolicyFile {
    pub(crate) name: String,
    pub(crate) text: String,
    /// When it was last changed, in Unix milliseconds; NaN where that is not known.
    pub(crate) modified_ms: f64,
}

/// A setting that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no setting")]
pub(crate) struct InvalidSetting(String);

impl PolicyFiles {
    /// Reads and compiles. What is refused of the files is told by [`super::explained::refused`].
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
            // Each was tried before it was kept.
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

    /// Compiles anew where the flows are of a cluster with other settings.
    fn fit(&mut self, of_flows: &Settings) {
        let settings = self.with_known(of_flows.clone());
        if settings != *self.set().settings() {
            self.compile(settings);
        }
    }
}

/// The texts, for what reads them.
pub(crate) fn sources(files: &[PolicyFile]) -> Vec<SourceText<'_>> {
    let files = files.iter().enumerate();
    files.map(|(index, file)| SourceText { index, text: &file.text }).collect()
}

/// A point in time; none where it is not known.
fn timestamp(unix_ms: f64) -> Option<UnixTime> {
    #[expect(clippy::cast_possible_truncation, reason = "kept within the range of Timestamp")]
    let ms = unix_ms.is_finite().then_some(unix_ms as i64)?;
    let nanos = i32::try_from(ms.rem_euclid(1_000)).ok()?.checked_mul(1_000_000)?;
    Timestamp::new(ms.div_euclid(1_000), nanos).ok().map(unix_time)
}

/// Changes a setting; one more than the agent has says that no Service has backends, as where
/// Cilium's engine runs as a library. False: there is none of this name with this value.
fn apply(settings: &mut Settings, name: &str, value: &str) -> bool {
    if name == "services-are-empty" {
        settings.services_are_empty = value == "true";
        // The library is told what its parser takes, whatever a server would store.
        settings.api_server = value != "true";
        return true;
    }
    settings.set(name, value)
}

/// Flows made ready: only what is distinct among them is judged.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    pub(crate) prepared: Prepared,
    pub(crate) learned: Learned,
    /// As the flows give them away; none before the first look.
    settings: Option<Settings>,
    prepared_for: Settings,
}

impl Flows {
    /// Makes the flows ready, unless they are; the policies are compiled for their cluster.
    pub(crate) fn prepare(&mut self, table: &Table, policies: &mut PolicyFiles) {
        if self.settings.is_none() {
            self.settings = Some(self.look(table));
        }
        policies.fit(self.settings.as_ref().unwrap_or(&Settings::default()));
        let settings = policies.set().settings();
        if self.prepared.len() == table.flows.len() && *settings == self.prepared_for {
            return;
        }
        let mut prepared = Prepared::default();
        let mut chunk: Vec<Flow> = Vec::new();
        let learned = &self.learned;
        let take = |_, flow: Option<Flow>| {
            let is_unread = flow.is_none();
            chunk.extend(flow);
            if is_unread || chunk.len() >= CHUNK_FLOWS {
                prepared.extend(&chunk, learned, settings);
                chunk.clear();
            }
            if is_unread {
                prepared.push_unread();
            }
        };
        table.for_each_flow(0, |_| true, take, None);
        prepared.extend(&chunk, learned, settings);
        self.prepared = prepared;
        self.prepared_for = settings.clone();
    }

    /// Learns the names of addresses, which may be names of earlier flows too, and the settings.
    fn look(&mut self, table: &Table) -> Settings {
        let mut sample: Vec<Flow> = Vec::new();
        let learned = &mut self.learned;
        let take = |row, flow: Option<Flow>| {
            let Some(flow) = flow else { return };
            learned.learn(&flow);
            if row < SETTINGS_FLOWS {
                sample.push(flow);
            }
        };
        table.for_each_flow(0, |_| true, take, None);
        settings_from(&sample, Settings::default())
    }
}
