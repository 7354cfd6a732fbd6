//! The options of both commands: format of the answer, files of policies, flows and settings.

use std::path::{Path, PathBuf};

use cilium_policy::Settings;
use clap::ValueEnum;
use flow::Flow;
use hubble_verdict::settings_from;

use crate::input::{self, InputError, InputFile};

/// Form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The input of both commands.
pub(crate) struct Input {
    pub(crate) files: Vec<InputFile>,
    pub(crate) flows: Vec<Flow>,
    /// Settings that the flows show, with the changes of the command line.
    pub(crate) settings: Settings,
    pub(crate) notices: Vec<String>,
}

impl Input {
    /// Reads files of policies, flows and settings (`name=value`). Errors: one of them cannot be read.
    pub(crate) fn read(
        policies: &[PathBuf],
        flows: Option<&Path>,
        pairs: &[String],
    ) -> Result<Self, InputError> {
        let mut notices = Vec::new();
        let files = input::policies(policies, &mut notices)?;
        notices.extend(files.iter().find(|file| file.is_patching()).map(|file| {
            format!(
                "`{}` patches the files beside it, which are read without the patches: `kustomize build` applies them",
                file.name
            )
        }));
        let (flows, of_flows) = match flows {
            Some(path) => input::flows(path)?,
            None => (Vec::new(), Vec::new()),
        };
        notices.extend(of_flows);
        let settings = settings(pairs, settings_from(&flows, Settings::default()))?;
        notices.extend(settings.families_notice().map(str::to_owned));
        Ok(Self { files, flows, settings, notices })
    }
}

/// Settings with the changes of the command line. Errors: an unknown setting or value.
fn settings(pairs: &[String], mut settings: Settings) -> Result<Settings, InputError> {
    for pair in pairs {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(InputError::SettingForm { setting: pair.clone() });
        };
        let Some(allowed) = Settings::allowed(name) else {
            return Err(InputError::NoSetting { name: name.to_owned() });
        };
        if !settings.set(name, value) {
            let (name, value) = (name.to_owned(), value.to_owned());
            return Err(InputError::SettingValue { name, value, allowed });
        }
    }
    Ok(settings)
}
