//! Check whether a build result is current, by a hash of its inputs that is kept in the cache.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use crate::workspace;

/// Folders of results, which are never inputs.
const RESULTS: [&str; 6] = ["node_modules", "target", "dist", "build", "results", ".git"];

/// State of a build's inputs.
#[derive(Debug)]
pub(crate) struct Stamp {
    file: PathBuf,
    value: String,
}

impl Stamp {
    /// Hashes names and contents of `inputs` (files and folders, absolute or relative to the
    /// checkout). A missing input is hashed as missing: when it appears, the stamp changes.
    pub(crate) fn of(name: &str, inputs: &[impl AsRef<Path>]) -> io::Result<Self> {
        // Not a protection against malice: a toolchain with another hash costs one build.
        let mut hasher = DefaultHasher::new();
        for input in inputs {
            hash(&workspace::at(input), &mut hasher)?;
        }
        let file = workspace::cache().join("stamps").join(name);
        Ok(Self { file, value: format!("{:016x}", hasher.finish()) })
    }

    /// Whether the last build had the same inputs and its `output` still exists.
    pub(crate) fn is_current(&self, output: &Path) -> bool {
        output.exists() && fs::read_to_string(&self.file).is_ok_and(|kept| kept == self.value)
    }

    /// Records that the build is done.
    pub(crate) fn write(&self) -> io::Result<()> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.file, &self.value)
    }
}

fn hash(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    path.hash(hasher);
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            if !RESULTS.iter().any(|result| name == *result) {
                hash(&entry.path(), hasher)?;
            }
        }
    } else if path.is_file() {
        fs::read(path)?.hash(hasher);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_follows_content_and_names_but_not_results() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        let of = || {
            let mut hasher = DefaultHasher::new();
            hash(&folder, &mut hasher).unwrap();
            hasher.finish()
        };
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("src/a.ts"), "one").unwrap();
        let first = of();
        assert_eq!(of(), first, "the same files, the same hash");

        fs::create_dir_all(folder.join("node_modules")).unwrap();
        fs::write(folder.join("node_modules/b.js"), "two").unwrap();
        assert_eq!(of(), first, "installed packages are results");

        fs::write(folder.join("src/a.ts"), "two").unwrap();
        let second = of();
        assert_ne!(second, first, "content");
        fs::rename(folder.join("src/a.ts"), folder.join("src/b.ts")).unwrap();
        assert_ne!(of(), second, "names");
        fs::remove_dir_all(folder).unwrap();
    }
}
