//! The policy files of a folder, with bounds on their number, depth and size.

use std::ffi::OsStr;
use std::fs;
use std::hash::{Hash as _, Hasher};
use std::path::{Path, PathBuf};

use super::opened::{self, LeftOut, modified_ms};
use super::roots::Allowed;
use super::{MAX_NAMED, PolicyFiles, shown};

/// Maximum number of files.
const MAX_FILES: usize = 1_000;
/// Maximum number of directory entries of any kind.
const MAX_ENTRIES: usize = 20_000;
/// Maximum depth of nested folders.
const MAX_DEPTH: usize = 8;
/// Maximum size of all files, in bytes: they go to the browser in one answer.
const MAX_TOTAL_BYTES: u64 = 8 << 20;
/// Reads `*.yaml`, `*.yml` and `*.json` of a folder and its subfolders, in the order of their
/// names. Names that begin with a dot and links to folders are skipped: Kubernetes mounts a
/// `ConfigMap` as links into such folders. `configured` is the folder as the user wrote it.
pub(super) fn read(allowed: &Allowed, configured: &Path, found: &mut PolicyFiles) {
    let mut walk = Walk::default();
    walk.folder(&allowed.folder, 0);
    let Walk { mut paths, entries, changed_ms, mut problems } = walk;
    found.changed_ms = changed_ms;
    paths.sort();
    let named = |path: &Path| -> String {
        let below = path.strip_prefix(&allowed.folder).unwrap_or(path);
        below
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect::<Vec<_>>()
            .join("/")
    };
    let (mut total, mut cut, mut read) = (0_u64, 0_usize, 0_usize);
    for path in paths {
        if read >= MAX_FILES || total >= MAX_TOTAL_BYTES {
            cut += 1;
            continue;
        }
        match opened::read(&path, &allowed.root) {
            Ok((text, _)) if total + text.len() as u64 > MAX_TOTAL_BYTES => cut += 1,
            Ok((text, modified_ms)) => {
                total += text.len() as u64;
                read += 1;
                found.add(named(&path), &text, modified_ms);
            }
            Err(problem) => problems.push((path, problem)),
        }
    }
    if cut > 0 {
        found.warn(format!(
            "{cut} files of the policies folder were left out: it may hold {MAX_FILES} files and {} \
             MiB",
            MAX_TOTAL_BYTES >> 20
        ));
    }
    if entries > MAX_ENTRIES {
        found.warn(format!(
            "the policies folder has more than {MAX_ENTRIES} entries; the rest was not read"
        ));
    }
    let unnamed = problems.len().saturating_sub(MAX_NAMED);
    for (path, problem) in problems.iter().take(MAX_NAMED) {
        let name = named(path);
        let name = if name.is_empty() { shown(configured).to_string() } else { name };
        found.warn(format!("`{name}` was left out: {}", wording::with_causes(problem)));
    }
    if unnamed > 0 {
        found.warn(format!("{unnamed} further files of the policies folder were left out"));
    }
    if read == 0 && found.notices.is_empty() {
        found.warn(format!(
            "the policies folder `{}` contains no `*.yaml`, `*.yml` or `*.json` file",
            shown(configured)
        ));
    }
}

/// Hashes names, sizes and times of the files that [`read`] would read, and counts them.
pub(super) fn hash(allowed: &Allowed, hasher: &mut impl Hasher) -> usize {
    let mut walk = Walk::default();
    walk.folder(&allowed.folder, 0);
    let Walk { mut paths, changed_ms, .. } = walk;
    paths.sort();
    changed_ms.hash(hasher);
    let mut files = 0;
    for path in paths.iter().take(MAX_FILES) {
        // A ConfigMap is mounted as links: what they lead to has size and time.
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        let facts = metadata.map(|metadata| (metadata.len(), metadata.modified().ok()));
        files += usize::from(facts.is_some());
        (path, facts).hash(hasher);
    }
    files
}

#[derive(Default)]
struct Walk {
    paths: Vec<PathBuf>,
    entries: usize,
    /// Time of the last addition to or removal from one of the folders, in Unix milliseconds.
    changed_ms: Option<i64>,
    problems: Vec<(PathBuf, LeftOut)>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(cause) => {
                self.problems.push((folder.to_owned(), LeftOut::Unreadable(cause)));
                return;
            }
        };
        let changed_ms = fs::metadata(folder).ok().and_then(|metadata| modified_ms(&metadata));
        self.changed_ms = self.changed_ms.max(changed_ms);
        let mut folders = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return;
            }
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(_) if is_of_policies(&path) => self.paths.push(path),
                _ => {}
            }
        }
        folders.sort();
        if depth < MAX_DEPTH {
            for folder in folders {
                self.folder(&folder, depth + 1);
            }
        }
    }
}

fn is_of_policies(path: &Path) -> bool {
    matches!(path.extension().and_then(OsStr::to_str), Some("yaml" | "yml" | "json"))
}
