//! Folder with the current manifests, for other programs to read.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::scenario::{Manifest, Scenario};

/// List of the files written here, one name per line, so that a later run can remove them. Programs
/// that read manifests only look at `*.yaml`, `*.yml` and `*.json`.
const LIST: &str = ".petshop-policies";

/// A folder that follows the scenario.
///
/// Each file is replaced atomically, so that no reader sees half a manifest. The files of a switch
/// follow each other within about a millisecond. Files of others stay.
#[derive(Debug)]
pub(crate) struct PoliciesFolder {
    path: PathBuf,
}

/// Reason why the manifests are not in the folder.
#[derive(Debug, thiserror::Error)]
pub enum PoliciesFolderError {
    /// The folder or a file in it cannot be read, written or removed.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// `make`, `read`, `write` or `remove`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A file with a manifest's name exists and was not written by this program.
    #[error("`{}` is there already and is not ours; move it, or choose another folder", _0.display())]
    NotOurs(PathBuf),
}

impl PoliciesFolder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Writes the manifests of an act and removes those of the previous act.
    ///
    /// Errors: a file cannot be written, or belongs to someone else; files not yet written then
    /// stay as they were.
    pub(crate) fn write(&self, scenario: Scenario) -> Result<(), PoliciesFolderError> {
        let at = |action, path: &Path| {
            let path = path.to_owned();
            move |source| PoliciesFolderError::File { action, path, source }
        };
        fs::create_dir_all(&self.path).map_err(at("make", &self.path))?;
        let ours = self.listed()?;
        let manifests = scenario.manifests();
        for Manifest { file_name, .. } in manifests {
            let path = self.path.join(file_name);
            if !ours.contains(*file_name) && path.symlink_metadata().is_ok() {
                return Err(PoliciesFolderError::NotOurs(path));
            }
        }
        // The list is written first: files of an interrupted run are removed by the next one.
        let wanted: BTreeSet<String> =
            manifests.iter().map(|manifest| manifest.file_name.to_owned()).collect();
        self.list(&ours.union(&wanted).cloned().collect())?;
        for Manifest { file_name, text } in manifests {
            self.replace(file_name, text)?;
        }
        for stale in ours.difference(&wanted) {
            let path = self.path.join(stale);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(at("remove", &path)(error));
                }
                _ => {}
            }
        }
        self.list(&wanted)
    }

    /// Names that an earlier switch or run has written. Anyone can edit the list, so only plain
    /// manifest names count.
    fn listed(&self) -> Result<BTreeSet<String>, PoliciesFolderError> {
        let path = self.path.join(LIST);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(PoliciesFolderError::File { action: "read", path, source }),
        };
        let is_manifest = |name: &&str| {
            Scenario::ALL
                .iter()
                .flat_map(|scenario| scenario.manifests())
                .any(|manifest| manifest.file_name == *name)
        };
        Ok(text.lines().filter(is_manifest).map(str::to_owned).collect())
    }

    fn list(&self, names: &BTreeSet<String>) -> Result<(), PoliciesFolderError> {
        let text: String = names.iter().flat_map(|name| [name.as_str(), "\n"]).collect();
        self.replace(LIST, &text)
    }

    /// Replaces a whole file atomically.
    fn replace(&self, name: &str, text: &str) -> Result<(), PoliciesFolderError> {
        let path = self.path.join(name);
        // On the same file system, with a name that readers of manifests ignore.
        let draft = self.path.join(format!(".{}.draft", name.trim_start_matches('.')));
        fs::write(&draft, text)
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(|source| PoliciesFolderError::File { action: "write", path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is removed with the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("petshop-{name}-{}", std::process::id()));
            let _: io::Result<()> = fs::remove_dir_all(&path);
            Self(path)
        }

        /// Visible files by name.
        fn files(&self) -> Vec<String> {
            let mut names: Vec<String> = fs::read_dir(&self.0)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| !name.starts_with('.'))
                .collect();
            names.sort();
            names
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _: io::Result<()> = fs::remove_dir_all(&self.0);
        }
    }

    fn names(scenario: Scenario) -> Vec<String> {
        let mut names: Vec<String> =
            scenario.manifests().iter().map(|m| m.file_name.to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_folder_follows_the_scenario_over_runs() {
        let scratch = Scratch::new("follows");
        for scenario in Scenario::ALL.into_iter().chain([Scenario::Chaos, Scenario::Open]) {
            // A new value each time, as after a restart.
            PoliciesFolder::new(scratch.0.clone()).write(scenario).unwrap();
            assert_eq!(scratch.files(), names(scenario), "{scenario}");
            for manifest in scenario.manifests() {
                let text = fs::read_to_string(scratch.0.join(manifest.file_name)).unwrap();
                assert_eq!(text, manifest.text, "{scenario}: {}", manifest.file_name);
            }
        }
        let drafts = fs::read_dir(&scratch.0).unwrap().count();
        assert_eq!(drafts, 1, "the list alone is left");
    }

    #[test]
    fn files_of_others_stay() {
        let scratch = Scratch::new("others");
        let folder = PoliciesFolder::new(scratch.0.clone());
        folder.write(Scenario::Chaos).unwrap();
        let own = scratch.0.join("mine.yaml");
        fs::write(&own, "mine").unwrap();
        // A manipulated list removes only manifests.
        fs::write(scratch.0.join(LIST), "mine.yaml\n../mine.yaml\nallow-rabbitmq-traffic.yaml\n")
            .unwrap();
        fs::remove_file(scratch.0.join("allow-order-service-traffic.yaml")).unwrap();
        fs::remove_file(scratch.0.join("allow-product-service-traffic.yaml")).unwrap();
        fs::remove_file(scratch.0.join("allow-store-admin-traffic.yaml")).unwrap();
        let error = folder.write(Scenario::Policies).unwrap_err();
        assert!(
            error.to_string().contains("allow-store-front-traffic.yaml` is there already"),
            "{error}"
        );
        fs::remove_file(scratch.0.join("allow-store-front-traffic.yaml")).unwrap();
        folder.write(Scenario::Open).unwrap();
        assert_eq!(scratch.files(), ["mine.yaml"]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let scratch = Scratch::new("no-folder");
        fs::write(&scratch.0, "a file").unwrap();
        let error = PoliciesFolder::new(scratch.0.clone()).write(Scenario::Open).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot make `{}`", scratch.0.display()));
        fs::remove_file(&scratch.0).unwrap();
    }
}
