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
    #[error("no line of `{}` is a record of Hubble; the first is line {line}", path.display())]
    NoRecords {
        path: PathBuf,
        line: usize,
        #[source]
        cause: LineError,
    },
    #[error("{place}: {reason}")]
    LogResource { place: String, reason: String },
    #[error("no file given with --log-resource holds a ContainerNetworkLog")]
    NoLogResource,
    #[error("`{setting}` is no setting")]
    Setting { setting: String },
    #[error("cannot write the answer")]
    Write {
        #[source]
        cause: io::Error,
    },
}

/// Why a line is no flow.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("it has more than {MAX_LINE_BYTES} bytes")]
    TooLong,
    #[error(transparent)]
    Read(#[from] hubble_api::json::ReadError),
    #[error("it is a flow that cannot be")]
    Flow(#[source] hubble_api::FlowError),
}

/// Files of policies, folders included, in the order of their names. A folder without any, as a
/// cluster without policies has, is told in `notices`.
pub(crate) fn policies(
    paths: &[PathBuf],
    notices: &mut Vec<String>,
) -> Result<Vec<PolicyFile>, InputError> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        collect(path, true, &mut files)?;
        if files.len() == before {
            notices.push(format!(
                "`{}` holds no file of policies (*.yaml, *.yml, *.json)",
                path.display()
            ));
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

/// Flows of a file, and what was left out. Errors: it cannot be read, or holds broken lines only.
pub(crate) fn flows(path: &Path) -> Result<(Vec<Flow>, Vec<String>), InputError> {
    let read = |cause| InputError::Read { path: path.to_owned(), cause };
    let mut reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(read)?))
    };
    let (mut flows, mut notices) = (Vec::new(), Vec::new());
    let (mut number, mut others, mut broken) = (0, 0_usize, 0_usize);
    let mut first_broken: Option<(usize, LineError)> = None;
    let mut line = Vec::new();
    loop {
        number += 1;
        if !next_line(&mut reader, &mut line).map_err(read)? {
            break;
        }
        match record(&line) {
            Ok(Record::Flow(flow)) => flows.push(*flow),
            Ok(Record::Other) => others += 1,
            Ok(Record::Blank) => {}
            Err(cause) => {
                broken += 1;
                first_broken.get_or_insert((number, cause));
            }
        }
        if flows.len() >= MAX_FLOWS {
            notices.push(format!("only the first {MAX_FLOWS} flows were read"));
            break;
        }
    }
    if let Some((line, cause)) = first_broken {
        if flows.is_empty() && others == 0 {
            return Err(InputError::NoRecords { path: path.to_owned(), line, cause });
        }
        let lines = if broken == 1 { "1 line is" } else { &format!("{broken} lines are") };
        notices.push(format!(
            "{lines} no records and left out, the first is line {line}: {}",
            sentence(&cause)
        ));
    }
    if others > 0 {
        notices.push(format!("{others} records are no flows (lost events, node states)"));
    }
    Ok((flows, notices))
}

/// An error and its causes, in a line.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Reads a line; of one that is too long, one byte more than fits, and the rest is passed over.
/// False: there is none.
fn next_line(reader: &mut Box<dyn BufRead>, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let taken = reader.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', line)?;
    if taken == 0 {
        return Ok(false);
    }
    if line.len() as u64 > MAX_LINE_BYTES && !line.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
    }
    Ok(true)
}

enum Record {
    Flow(Box<Flow>),
    Other,
    Blank,
}

fn record(line: &[u8]) -> Result<Record, LineError> {
    if line.len() as u64 > MAX_LINE_BYTES {
        return Err(LineError::TooLong);
    }
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(Record::Blank);
    }
    match read_line(line)?.record.into_flow() {
        Some(Ok(flow)) => Ok(Record::Flow(Box::new(flow))),
        Some(Err(cause)) => Err(LineError::Flow(cause)),
        None => Ok(Record::Other),
    }
}
