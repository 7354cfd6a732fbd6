//! The policy files of a folder, with bounds on their number, depth and size.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{Hash as _, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use frames::PolicyFileRow;

use super::roots::Allowed;
use super::{PolicyFiles, shown};

/// Maximum number of files.
const MAX_FILES: usize = 1_000;
/// Maximum number of directory entries of any kind.
const MAX_ENTRIES: usize = 20_000;
/// Maximum depth of nested folders.
const MAX_DEPTH: usize = 8;
/// Maximum size of one file, in bytes; Cilium's own objects end at 1.5 MiB.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// Maximum size of all files, in bytes: they go to the browser in one answer.
const MAX_TOTAL_BYTES: u64 = 8 << 20;
/// Maximum number of unreadable files that are named; the rest are counted.
const MAX_NAMED: usize = 10;

/// Reason why a file is left out.
#[derive(Debug, thiserror::Error)]
enum LeftOut {
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("it is a link that leads out of the allowed folder")]
    LeadsOut,
    #[error("it is not a regular file")]
    Special,
    #[error("it is larger than {} MiB", MAX_FILE_BYTES >> 20)]
    TooLarge,
    #[error("it is not text in UTF-8")]
    NoText,
}

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
    let (mut total, mut cut) = (0_u64, 0_usize);
    let files_before = found.files.len();
    for path in paths {
        if found.files.len() - files_before >= MAX_FILES || total >= MAX_TOTAL_BYTES {
            cut += 1;
            continue;
        }
        match file(&path, &allowed.root) {
            Ok((text, _)) if total + text.len() as u64 > MAX_TOTAL_BYTES => cut += 1,
            Ok((text, modified_ms)) => {
                total += text.len() as u64;
                found.files.push(PolicyFileRow { name: named(&path), text, modified_ms });
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
    if found.files.len() == files_before && found.notices.is_empty() {
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

/// Text and modification time of a file.
fn file(path: &Path, root: &Path) -> Result<(String, Option<i64>), LeftOut> {
    let resolved = path.canonicalize().map_err(LeftOut::Unreadable)?;
    if !resolved.starts_with(root) {
        return Err(LeftOut::LeadsOut);
    }
    // Checked before opening: opening a pipe waits for its writer.
    let before = fs::symlink_metadata(&resolved).map_err(LeftOut::Unreadable)?;
    if !before.is_file() {
        return Err(LeftOut::Special);
    }
    let file = File::open(&resolved).map_err(LeftOut::Unreadable)?;
    let metadata = file.metadata().map_err(LeftOut::Unreadable)?;
    if !is_same(&before, &metadata) {
        // The file was replaced in between; the next query reads the new one.
        return Err(LeftOut::Special);
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(LeftOut::Unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(LeftOut::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|_binary| LeftOut::NoText)?;
    if text.contains('\0') {
        return Err(LeftOut::NoText);
    }
    Ok((text, modified_ms(&metadata)))
}

fn modified_ms(metadata: &fs::Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    one.file_type() == other.file_type() && one.len() == other.len()
}
