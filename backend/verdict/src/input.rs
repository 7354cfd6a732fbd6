//! Files: policies and flows.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flow::Flow;
use hubble_api::json::read_line;
use policy::SourceText;

/// Files of one run.
const MAX_FILES: usize = 10_000;
/// Bytes of one file of policies.
const MAX_POLICY_BYTES: u64 = 64 << 20;
/// Bytes of one record: Hubble's are below 10 KiB.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// Flows of one run.
const MAX_FLOWS: usize = 2_000_000;

/// A file of policies.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Why there is nothing to judge.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("cannot read `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("`{}` has more than {MAX_POLICY_BYTES} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("more than {MAX_FILES} files of policies")]
    TooManyFiles,
    #[error("`{}` holds no file of policies (*.yaml, *.yml, *.json)", path.display())]
    NoPolicies { path: PathBuf },
    #[error("line {line} of `{}`", path.display())]
    Flow {
        path: PathBuf,
        line: usize,
        #[source]
        cause: hubble_api::json::ReadError,
    },
    #[error("line {line} of `{}`", path.display())]
    InvalidFlow {
        path: PathBuf,
        line: usize,
        #[source]
        cause: hubble_api::FlowError,
    },
    #[error("`{setting}` is no setting")]
    Setting { setting: String },
    #[error("cannot write the answer")]
    Write {
        #[source]
        cause: io::Error,
    },
}

/// Files of policies, folders included, in the order of their names.
pub(crate) fn policies(paths: &[PathBuf]) -> Result<Vec<PolicyFile>, InputError> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        collect(path, true, &mut files)?;
        if files.len() == before {
            return Err(InputError::NoPolicies { path: path.clone() });
        }
    }
    files
        .into_iter()
        .map(|path| {
            let read = |cause| InputError::Read { path: path.clone(), cause };
            let file = File::open(&path).map_err(read)?;
            let mut text = String::new();
            file.take(MAX_POLICY_BYTES + 1).read_to_string(&mut text).map_err(read)?;
            if text.len() as u64 > MAX_POLICY_BYTES {
                return Err(InputError::TooLarge { path });
            }
            Ok(PolicyFile { name: path.display().to_string(), text })
        })
        .collect()
}

fn collect(path: &Path, is_named: bool, files: &mut Vec<PathBuf>) -> Result<(), InputError> {
    let read = |cause| InputError::Read { path: path.to_owned(), cause };
    let kind = std::fs::metadata(path).map_err(read)?;
    if kind.is_dir() {
        let mut entries = std::fs::read_dir(path)
            .and_then(|entries| {
                entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
            })
            .map_err(read)?;
        entries.sort();
        for entry in entries {
            let is_link = std::fs::symlink_metadata(&entry).is_ok_and(|m| m.is_symlink());
            // A linked folder may lead back here.
            if !(is_link && entry.is_dir()) {
                collect(&entry, false, files)?;
            }
        }
        return Ok(());
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    if is_named || matches!(extension, Some("yaml" | "yml" | "json")) {
        if files.len() >= MAX_FILES {
            return Err(InputError::TooManyFiles);
        }
        files.push(path.to_owned());
    }
    Ok(())
}

/// The texts of files, by their index.
pub(crate) fn texts(files: &[PolicyFile]) -> Vec<SourceText<'_>> {
    files.iter().enumerate().map(|(index, file)| SourceText { index, text: &file.text }).collect()
}

/// Flows of a file, and what was left out.
pub(crate) fn flows(path: &Path) -> Result<(Vec<Flow>, Vec<String>), InputError> {
    let read = |cause| InputError::Read { path: path.to_owned(), cause };
    let mut reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(read)?))
    };
    let (mut flows, mut notices) = (Vec::new(), Vec::new());
    let (mut number, mut others) = (0, 0_usize);
    let mut line = Vec::new();
    loop {
        line.clear();
        number += 1;
        let taken =
            reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line).map_err(read)?;
        if taken == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let record = read_line(line.trim_ascii()).map_err(|cause| InputError::Flow {
            path: path.to_owned(),
            line: number,
            cause,
        })?;
        match record.record.into_flow() {
            Some(Ok(flow)) => flows.push(flow),
            Some(Err(cause)) => {
                return Err(InputError::InvalidFlow { path: path.to_owned(), line: number, cause });
            }
            None => others += 1,
        }
        if flows.len() >= MAX_FLOWS {
            notices.push(format!("only the first {MAX_FLOWS} flows were read"));
            break;
        }
    }
    if others > 0 {
        notices.push(format!("{others} records are no flows (lost events, node states)"));
    }
    Ok((flows, notices))
}
