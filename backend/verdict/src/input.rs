//! Files: policies and flows.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    string::FromUtf8Error,
};

use flow::Flow;
use hubble_api::json::read_line;
use policy::SourceText;

use crate::bytes;

/// Files of one run.
const MAX_FILES: usize = 10_000;
/// Bytes of one file of policies.
const MAX_POLICY_BYTES: u64 = 64 << 20;
/// Bytes of one record: Hubble's are below 10 KiB.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// Bytes of records that do not end with their lines: they are read at once.
const MAX_VALUES_BYTES: u64 = 256 << 20;
/// Names of what is not known, in a notice.
const MAX_SHOWN_NAMES: usize = 16;
/// Characters of what stands before a record, in a notice.
const MAX_SHOWN_PREFIX: usize = 60;
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
    #[error("`{}` is not text in UTF-8: `iconv -t UTF-8` converts it", path.display())]
    NotUtf8 {
        path: PathBuf,
        #[source]
        cause: FromUtf8Error,
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
    #[error("`--what-if` compares verdicts about flows: give them with `--flows`")]
    NoFlowsToCompare,
    #[error("{place}: {reason}")]
    LogResource { place: String, reason: String },
    #[error("no file given with --log-resource holds a ContainerNetworkLog")]
    NoLogResource,
    #[error("`{setting}` is not a setting")]
    Setting { setting: String },
    #[error("cannot write the answer")]
    Write {
        #[source]
        cause: io::Error,
    },
}

/// Why a line cannot be read as a flow.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("it has more than {MAX_LINE_BYTES} bytes")]
    TooLong,
    #[error(
        "records over several lines, more than {MAX_VALUES_BYTES} bytes of them: `jq -c` puts each on a line"
    )]
    TooManyValues,
    #[error("not valid JSON")]
    Values(#[source] serde_json::Error),
    #[error(transparent)]
    Read(#[from] hubble_api::json::ReadError),
    #[error("the flow in it is not valid")]
    Flow(#[source] hubble_api::FlowError),
}

/// Files of policies, folders included, in the order of their names. A folder without any, as a
/// cluster without policies has, is a notice.
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
            let file: Box<dyn BufRead> = Box::new(BufReader::new(File::open(&path).map_err(read)?));
            let mut bytes = Vec::new();
            let file = bytes::text(file).map_err(read)?;
            file.take(MAX_POLICY_BYTES + 1).read_to_end(&mut bytes).map_err(read)?;
            if bytes.len() as u64 > MAX_POLICY_BYTES {
                return Err(InputError::TooLarge { path });
            }
            let text = String::from_utf8(bytes)
                .map_err(|cause| InputError::NotUtf8 { path: path.clone(), cause })?;
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
    let reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(read)?))
    };
    let mut reader = bytes::text(reader).map_err(read)?;
    let mut records = Records::default();
    let mut line = Vec::new();
    let mut number = 0;
    while records.flows.len() < MAX_FLOWS {
        number += 1;
        if !next_line(&mut reader, &mut line).map_err(read)? {
            break;
        }
        // An array, or records over several lines, as `jq` writes them.
        let begins = line.trim_ascii();
        let is_open = matches!(begins, b"{" | b"[") || begins.starts_with(b"[{");
        if records.is_empty() && is_open {
            records.values(number, &line, reader).map_err(read)?;
            break;
        }
        records.take(number, &line);
    }
    records.finish(path)
}

/// Records as they are read.
#[derive(Default)]
struct Records {
    flows: Vec<Flow>,
    others: usize,
    broken: usize,
    first_broken: Option<(usize, LineError)>,
    prefixed: usize,
    first_prefix: String,
    /// Fields and names of a newer Hubble.
    skipped: BTreeSet<String>,
}

impl Records {
    fn is_empty(&self) -> bool {
        self.flows.is_empty() && self.others == 0 && self.broken == 0
    }

    fn take(&mut self, number: usize, line: &[u8]) {
        match record(line) {
            Ok(read) => self.add(read),
            Err(cause) => self.without_prefix(number, line, cause),
        }
    }

    fn add(&mut self, read: Taken) {
        if self.skipped.len() < MAX_SHOWN_NAMES {
            self.skipped.extend(read.skipped);
        }
        match read.record {
            Record::Flow(flow) => {
                let reason = flow.drop_reason();
                if reason.is_known() && reason.text().is_none() && reason.name().is_none() {
                    self.skipped.insert(format!("drop reason {}", reason.number()));
                }
                self.flows.push(*flow);
            }
            Record::Other => self.others += 1,
            Record::Blank => {}
        }
    }

    /// What `grep`, `kubectl logs --prefix` and `--timestamps` put before a record is passed over.
    fn without_prefix(&mut self, number: usize, line: &[u8], cause: LineError) {
        let begins = line.iter().position(|b| *b == b'{').filter(|at| *at > 0);
        let parts = begins.and_then(|at| line.split_at_checked(at));
        let read = parts.and_then(|(prefix, rest)| Some((prefix, record(rest).ok()?)));
        let Some((prefix, read)) = read else {
            self.broken += 1;
            self.first_broken.get_or_insert((number, cause));
            return;
        };
        if self.prefixed == 0 {
            let prefix = String::from_utf8_lossy(prefix);
            self.first_prefix = prefix.trim().chars().take(MAX_SHOWN_PREFIX).collect();
        }
        self.prefixed += 1;
        self.add(read);
    }

    /// Values of JSON wherever their lines end; the first line was read already.
    fn values(&mut self, number: usize, line: &[u8], rest: Box<dyn BufRead>) -> io::Result<()> {
        let mut bytes = line.to_vec();
        rest.take(MAX_VALUES_BYTES).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_VALUES_BYTES {
            return Err(io::Error::other(LineError::TooManyValues));
        }
        let mut take = |value: &serde_json::Value| self.take(number, value.to_string().as_bytes());
        for value in serde_json::Deserializer::from_slice(&bytes).into_iter() {
            match value {
                Ok(serde_json::Value::Array(items)) => items.iter().for_each(&mut take),
                Ok(value) => take(&value),
                Err(err) => {
                    self.broken += 1;
                    self.first_broken.get_or_insert((err.line(), LineError::Values(err)));
                    break;
                }
            }
        }
        Ok(())
    }

    fn finish(self, path: &Path) -> Result<(Vec<Flow>, Vec<String>), InputError> {
        let mut notices = Vec::new();
        if self.is_empty() {
            notices.push(format!(
                "`{}` holds no record, so that nothing is compared: what writes the flows may have failed",
                path.display()
            ));
        }
        if self.flows.len() >= MAX_FLOWS {
            notices.push(format!("only the first {MAX_FLOWS} flows were read"));
        }
        if let Some((line, cause)) = self.first_broken {
            if self.flows.is_empty() && self.others == 0 {
                return Err(InputError::NoRecords { path: path.to_owned(), line, cause });
            }
            let broken = self.broken;
            let lines = if broken == 1 {
                "1 line is not a record"
            } else {
                &format!("{broken} lines are not records")
            };
            notices.push(format!(
                "{lines} and left out, the first is line {line}: {}",
                sentence(&cause)
            ));
        }
        if self.prefixed > 0 {
            let (count, prefix) = (self.prefixed, &self.first_prefix);
            notices.push(format!(
                "{count} lines have a text before their record, which is passed over: `{prefix}`"
            ));
        }
        if !self.skipped.is_empty() {
            let names: Vec<&str> =
                self.skipped.iter().take(MAX_SHOWN_NAMES).map(String::as_str).collect();
            notices.push(format!(
                "records of a newer Hubble: what is not known here is left out: {}",
                names.join(", ")
            ));
        }
        if self.others > 0 {
            notices
                .push(format!("{} records are not flows (lost events, node states)", self.others));
        }
        let is_aggregate = |flow: &&Flow| flow.aggregate.is_some();
        let aggregated: Vec<u64> =
            self.flows.iter().filter(is_aggregate).map(Flow::stands_for).collect();
        if !aggregated.is_empty() {
            notices.push(format!(
                "{} records were aggregated before they were written: they stand for {} flows",
                aggregated.len(),
                aggregated.iter().sum::<u64>()
            ));
        }
        Ok((self.flows, notices))
    }
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
/// False: the input has ended.
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

/// A line as it was read.
struct Taken {
    record: Record,
    /// What of it is not known here.
    skipped: Vec<String>,
}

enum Record {
    Flow(Box<Flow>),
    Other,
    Blank,
}

fn record(line: &[u8]) -> Result<Taken, LineError> {
    if line.len() as u64 > MAX_LINE_BYTES {
        return Err(LineError::TooLong);
    }
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(Taken { record: Record::Blank, skipped: Vec::new() });
    }
    let read = read_line(line)?;
    let skipped = read.skipped.names;
    match read.record.into_flow() {
        Some(Ok(flow)) => Ok(Taken { record: Record::Flow(Box::new(flow)), skipped }),
        Some(Err(cause)) => Err(LineError::Flow(cause)),
        None => Ok(Taken { record: Record::Other, skipped }),
    }
}
