//! Input files: policies and flows.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    string::FromUtf8Error,
};

use cilium_policy::{PolicySet, Refusal, RefusalClass, Settings, SourceText};
use flow::Flow;
use serde_json::value::RawValue;

use crate::{
    bytes, counts,
    records::{self, FoundRecords, RecordError},
};

/// Maximum number of files in one run.
const MAX_FILES: usize = 10_000;
/// Maximum size of one policy file, in bytes.
const MAX_POLICY_BYTES: u64 = 64 << 20;
/// Maximum size of one record, in bytes: Hubble's are below 10 KiB.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// Maximum size, in bytes, of records that span lines: they are read at once.
const MAX_VALUES_BYTES: u64 = 256 << 20;
/// Maximum number of unknown names in a notice.
const MAX_SHOWN_NAMES: usize = 16;
/// Maximum number of characters before a record that a notice shows.
const MAX_SHOWN_PREFIX: usize = 60;
/// Maximum number of flows in one run.
const MAX_FLOWS: usize = 2_000_000;

/// A file of policies.
#[derive(Debug)]
pub(crate) struct InputFile {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Whether the file's bytes are this text: neither packed nor in another encoding.
    pub(crate) is_as_read: bool,
    /// Whether the command line names the file itself rather than its folder.
    pub(crate) is_named: bool,
}

impl InputFile {
    /// Whether the file is Kustomize's, and changes other files.
    pub(crate) fn is_patching(&self) -> bool {
        let name = Path::new(&self.name).file_stem().unwrap_or_default();
        let begins = |line: &str| line.starts_with("patches") || line.starts_with("replacements:");
        name.eq_ignore_ascii_case("kustomization") && self.text.lines().any(begins)
    }
}

/// The reason why the command has no input to judge.
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
    #[error("`{}` holds no flow of Hubble; line {line} is not one", path.display())]
    NoRecords {
        path: PathBuf,
        line: usize,
        #[source]
        cause: LineError,
    },
    #[error(
        "`{}` holds {others} and no flow (lost events, node states): `hubble observe -o jsonpb` writes flows",
        path.display()
    )]
    NoFlows { path: PathBuf, others: String },
    #[error("`--what-if` compares verdicts about flows: give them with `--flows`")]
    NoFlowsToCompare,
    #[error("`{file}` holds a ContainerNetworkLog that cannot be read, in line {line}")]
    LogResource {
        file: String,
        line: u32,
        #[source]
        cause: Refusal,
    },
    #[error("no file given with --log-resource holds a ContainerNetworkLog")]
    NoLogResource,
    #[error(
        "`{name}` holds no object of Kubernetes{}", if *.is_of_flows { ", but records of flows: `--flows` takes them" } else { "" }
    )]
    NoObject { name: String, is_of_flows: bool },
    #[error("`{setting}` is not of the form NAME=VALUE")]
    SettingForm { setting: String },
    #[error("there is no setting `{name}`; the settings are {}", Settings::NAMES.join(", "))]
    NoSetting { name: String },
    #[error("the setting `{name}` cannot be `{value}`: it is {allowed}")]
    SettingValue { name: String, value: String, allowed: &'static str },
    #[error("cannot write the answer")]
    Write {
        #[source]
        cause: io::Error,
    },
}

/// The reason why a line cannot be read as a flow.
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
    #[error("it is not text in UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Policy files, those in folders included, in the order of their names. A folder without policy
/// files, as of a cluster without policies, gets a notice.
pub(crate) fn policies(
    paths: &[PathBuf],
    notices: &mut Vec<String>,
) -> Result<Vec<InputFile>, InputError> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        collect(path, true, &mut files, &mut BTreeSet::new())?;
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
            let on_disk = file_length(&path);
            let mut bytes = Vec::new();
            let file = bytes::text(file).map_err(read)?;
            file.take(MAX_POLICY_BYTES + 1).read_to_end(&mut bytes).map_err(read)?;
            if bytes.len() as u64 > MAX_POLICY_BYTES {
                return Err(InputError::TooLarge { path });
            }
            let text = String::from_utf8(bytes)
                .map_err(|cause| InputError::NotUtf8 { path: path.clone(), cause })?;
            // Unpacking, conversion or a removed byte order mark changes the length.
            let length = text.len() as u64;
            let is_as_read = on_disk.is_none_or(|bytes| bytes == length);
            let is_named = paths.contains(&path);
            Ok(InputFile { name: path.display().to_string(), text, is_as_read, is_named })
        })
        .collect()
}

/// Size of a regular file in bytes.
fn file_length(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|own| own.len())
}

/// Adds a file, or the files of a folder. Hidden entries are skipped, such as the folders that a
/// mounted `ConfigMap` and git keep. `seen`: folders already visited, since links may lead back to
/// one.
fn collect(
    path: &Path,
    is_named: bool,
    files: &mut Vec<PathBuf>,
    seen: &mut BTreeSet<PathBuf>,
) -> Result<(), InputError> {
    let read = |cause| InputError::Read { path: path.to_owned(), cause };
    let kind = std::fs::metadata(path).map_err(read)?;
    if kind.is_dir() {
        let folder = std::fs::canonicalize(path).map_err(read)?;
        if !seen.insert(folder) {
            return Ok(());
        }
        let mut entries = std::fs::read_dir(path)
            .and_then(|entries| {
                entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
            })
            .map_err(read)?;
        entries.sort();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().as_encoded_bytes();
            if !name.starts_with(b".") {
                collect(&entry, false, files, seen)?;
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

/// Checks files named on the command line. Errors: such a file has content, but no Kubernetes
/// object.
pub(crate) fn check_objects(files: &[InputFile], set: &PolicySet) -> Result<(), InputError> {
    let is_other = |(source, file): &(usize, &InputFile)| {
        let mut refused = set.refused().iter().filter(|refused| refused.source == *source);
        file.is_named
            && !set.documents().holds_object(*source)
            && refused.any(|refused| refused.refusal.class == RefusalClass::NotAPolicy)
    };
    let Some((_, file)) = files.iter().enumerate().find(is_other) else { return Ok(()) };
    let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let is_of_flows = records::of_line(first).is_ok();
    Err(InputError::NoObject { name: file.name.clone(), is_of_flows })
}

/// Texts of the files, by index.
pub(crate) fn texts(files: &[InputFile]) -> Vec<SourceText<'_>> {
    files.iter().enumerate().map(|(index, file)| SourceText { index, text: &file.text }).collect()
}

/// Flows of a file, with notices on what was left out. Errors: the file cannot be read, or has
/// content but no flow.
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
    let mut is_first = true;
    let mut not_values = None;
    while records.found.flows.len() < MAX_FLOWS {
        number += 1;
        let Some(rest) = next_line(&mut reader, &mut line).map_err(read)? else { break };
        // The input is an array, an answer in one piece, or records over several lines, as `jq`
        // writes them.
        if is_first && is_open(&line) {
            is_first = false;
            let mut whole = line.clone();
            reader.by_ref().take(MAX_VALUES_BYTES).read_to_end(&mut whole).map_err(read)?;
            let Err(err) = records.values(&whole) else { break };
            // The input is not such values: it is read line by line after all.
            not_values = Some(err);
            reader = Box::new(io::Cursor::new(whole).chain(reader));
            number -= 1;
            continue;
        }
        is_first &= line.trim_ascii().is_empty();
        if rest == Rest::Long {
            reader.skip_until(b'\n').map_err(read)?;
        }
        records.take(number, &line);
    }
    if records.found.is_empty() {
        records.first_broken = not_values.or(records.first_broken);
    }
    records.finish(path)
}

/// Whether a first line begins a JSON value that ends on a later line.
fn is_open(line: &[u8]) -> bool {
    let begins = line.trim_ascii();
    let mut values = serde_json::Deserializer::from_slice(begins).into_iter::<&RawValue>();
    (begins.starts_with(b"{") || begins.starts_with(b"["))
        && matches!(values.next(), Some(Err(err)) if err.is_eof())
}

/// Records read so far.
#[derive(Default)]
struct Records {
    found: FoundRecords,
    broken: usize,
    first_broken: Option<(usize, LineError)>,
    prefixed: usize,
    first_prefix: String,
}

impl Records {
    fn take(&mut self, number: usize, line: &[u8]) {
        match of_bytes(line) {
            Ok(None) => {}
            Ok(Some((found, prefix))) => {
                if !prefix.is_empty() {
                    if self.prefixed == 0 {
                        self.first_prefix = prefix.trim().chars().take(MAX_SHOWN_PREFIX).collect();
                    }
                    self.prefixed += 1;
                }
                self.found.add(found);
            }
            Err(cause) => self.broken(number, cause),
        }
    }

    fn broken(&mut self, number: usize, cause: LineError) {
        self.broken += 1;
        self.first_broken.get_or_insert((number, cause));
    }

    /// Reads JSON values regardless of line ends. Errors: the first value cannot be read; with its
    /// line.
    fn values(&mut self, bytes: &[u8]) -> Result<(), (usize, LineError)> {
        if bytes.len() as u64 >= MAX_VALUES_BYTES {
            return Err((1, LineError::TooManyValues));
        }
        let values = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
        for (number, value) in (1..).zip(values) {
            match value {
                Ok(value) => match records::of_value(value.get()) {
                    Ok(found) => self.found.add(found),
                    Err(err) => self.broken(number, err.into()),
                },
                Err(err) if number == 1 => return Err((err.line(), LineError::Values(err))),
                Err(err) => {
                    self.broken(err.line(), LineError::Values(err));
                    break;
                }
            }
        }
        Ok(())
    }

    fn finish(self, path: &Path) -> Result<(Vec<Flow>, Vec<String>), InputError> {
        let mut notices = Vec::new();
        let FoundRecords { mut flows, others, mut skipped, carried, broken, first_broken } =
            self.found;
        if flows.is_empty() && others == 0 && self.broken == 0 {
            notices.push(format!(
                "`{}` holds no record, so that nothing is compared: what writes the flows may have failed",
                path.display()
            ));
        }
        if flows.len() >= MAX_FLOWS {
            flows.truncate(MAX_FLOWS);
            notices.push(format!("only the first {MAX_FLOWS} flows were read"));
        }
        if flows.is_empty() && others > 0 {
            return Err(InputError::NoFlows {
                path: path.to_owned(),
                others: counts::records(others),
            });
        }
        if let Some((line, cause)) = self.first_broken {
            if flows.is_empty() {
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
        if let Some(cause) = first_broken {
            let values = if broken == 1 {
                "1 value is not a record"
            } else {
                &format!("{broken} values are not records")
            };
            notices.push(format!(
                "{values} and left out of an array of records: {}",
                sentence(&cause)
            ));
        }
        if self.prefixed > 0 {
            let prefix = &self.first_prefix;
            let lines = if self.prefixed == 1 {
                "1 line has a text before its record"
            } else {
                &format!("{} lines have a text before their record", self.prefixed)
            };
            notices.push(format!("{lines}, which is passed over: `{prefix}`"));
        }
        if carried > 0 {
            let stand = if carried == 1 { "stands" } else { "stand" };
            notices.push(format!(
                "{} {stand} in other JSON, which is passed over",
                counts::records(carried)
            ));
        }
        for reason in flows.iter().map(Flow::drop_reason) {
            if reason.is_known() && reason.text().is_none() && reason.name().is_none() {
                skipped.insert(format!("drop reason {}", reason.number()));
            }
        }
        if !skipped.is_empty() {
            let names: Vec<&str> =
                skipped.iter().take(MAX_SHOWN_NAMES).map(String::as_str).collect();
            notices.push(format!(
                "what is not known here is left out, as a newer Hubble or what carries records writes it: {}",
                names.join(", ")
            ));
        }
        if others > 0 {
            let are = if others == 1 { "is not a flow" } else { "are not flows" };
            notices.push(format!("{} {are} (lost events, node states)", counts::records(others)));
        }
        let is_aggregate = |flow: &&Flow| flow.aggregate.is_some();
        let aggregated: Vec<u64> =
            flows.iter().filter(is_aggregate).map(Flow::stands_for).collect();
        if !aggregated.is_empty() {
            let (was, stand) =
                if aggregated.len() == 1 { ("was", "it stands") } else { ("were", "they stand") };
            notices.push(format!(
                "{} {was} aggregated before they were written: {stand} for {}",
                counts::records(aggregated.len()),
                counts::flows(aggregated.iter().sum())
            ));
        }
        Ok((flows, notices))
    }
}

/// An error with its causes, in one line.
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

/// The end of a line as read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Whole,
    /// The line is longer than fits.
    Long,
}

/// Reads a line; for a line that is too long, one byte more than fits. `None`: end of input.
fn next_line(reader: &mut Box<dyn BufRead>, line: &mut Vec<u8>) -> io::Result<Option<Rest>> {
    line.clear();
    let taken = reader.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', line)?;
    if taken == 0 {
        return Ok(None);
    }
    let is_long = line.len() as u64 > MAX_LINE_BYTES && !line.ends_with(b"\n");
    Ok(Some(if is_long { Rest::Long } else { Rest::Whole }))
}

/// Content of a line, with the text before it; `None`: the line is blank.
fn of_bytes(line: &[u8]) -> Result<Option<(FoundRecords, &str)>, LineError> {
    if line.len() as u64 > MAX_LINE_BYTES {
        return Err(LineError::TooLong);
    }
    let text = str::from_utf8(line.trim_ascii()).map_err(LineError::NotUtf8)?;
    if text.is_empty() {
        return Ok(None);
    }
    let (found, at) = records::of_line(text)?;
    Ok(Some((found, text.get(..at).unwrap_or_default())))
}
