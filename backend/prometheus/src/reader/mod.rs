//! Reader of answers of the query API into columns while they arrive, in one pass over the bytes:
//! without a tree of values, and without keeping bytes longer than the value they belong to.
//!
//! [`AnswerReader`] tracks its position in the answer. It reads samples in place, one by one; all
//! small values (labels, a histogram, a warning) go to the ordinary JSON reader as a whole.
//!
//! Own, because no JSON crate yields values of an answer that has not fully arrived. `cargo xtask bench
//! prometheus` compares it with a pass of `serde_json` that keeps nothing: at most 1.5 times its time,
//! where Grafana's own converter took five times as long as this.

mod sample;
mod scan;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde::de::IgnoredAny;

use self::sample::sample;
use self::scan::{Item, Member, Stop};
use super::answer::{
    ApiResponse, Float, FloatSample, Histogram, LabelSet, ResultData, Series, Timed,
};

/// Size of an incomplete value up to which scanning it repeatedly is cheap, in bytes.
const SMALL_BYTES: usize = 16 << 10;

/// Reasons why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableAnswer {
    /// The first byte does not start a JSON object.
    #[error("it is not a JSON object")]
    NoObject,
    /// The answer is incomplete.
    #[error("it is cut off")]
    CutOff,
    /// The JSON does not have the form of an answer.
    #[error("{reason}, near byte {at_byte}")]
    Malformed {
        /// Description of the error.
        reason: String,
        /// Approximate position of the error, in bytes.
        at_byte: usize,
    },
}

/// Reader of one answer, in chunks.
#[derive(Debug)]
pub struct AnswerReader {
    /// Bytes of an incomplete value.
    pending: Vec<u8>,
    /// Length of `pending` at which reading is tried again. Otherwise large values in small chunks
    /// would be scanned over and over.
    wait_bytes: usize,
    /// Number of bytes that were read and dropped.
    done_bytes: usize,
    position: Position,
    response: ApiResponse<IgnoredAny>,
    result_type: Option<String>,
    result: Option<ResultShape>,
    max_series: usize,
    /// Number of series in the answer, of which the first `max_series` are kept.
    series_total: usize,
    series: Series,
    /// Number of samples of the previous series, because most series have equal lengths.
    expected_samples: usize,
}

/// Position of the next byte in the answer, `after` a sibling or at the first child.
#[derive(Debug, Clone, Copy)]
enum Position {
    Start,
    Top { after: bool },
    Data { after: bool },
    SeriesList { after: bool },
    Series { after: bool },
    Values { after: bool },
    Histograms { after: bool },
    End,
}

/// Result before its type is known.
#[derive(Debug)]
enum ResultShape {
    Series(Vec<Series>),
    /// Scalar or string, as raw bytes.
    Single(Vec<u8>),
}

/// Complete answer.
#[derive(Debug)]
pub struct ReadAnswer {
    /// Parsed answer.
    pub response: ApiResponse<ResultData>,
    /// Number of series in the answer; the data may contain fewer.
    pub series_total: usize,
}

impl AnswerReader {
    /// Reader that keeps the first `max_series` series of the answer.
    pub fn new(max_series: usize) -> Self {
        Self {
            pending: Vec::new(),
            wait_bytes: 0,
            done_bytes: 0,
            position: Position::Start,
            response: ApiResponse::default(),
            result_type: None,
            result: None,
            max_series,
            series_total: 0,
            series: Series::default(),
            expected_samples: 0,
        }
    }

    /// Reads a chunk. Errors: [`UnreadableAnswer`]. The rest of the answer is then not needed.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), UnreadableAnswer> {
        if self.pending.is_empty() {
            let rest = self.read(chunk)?;
            self.pending.extend_from_slice(rest);
        } else {
            self.pending.extend_from_slice(chunk);
            if self.pending.len() < self.wait_bytes {
                return Ok(());
            }
            let mut pending = std::mem::take(&mut self.pending);
            let rest_bytes = self.read(&pending)?.len();
            pending.drain(..pending.len().saturating_sub(rest_bytes));
            self.pending = pending;
        }
        self.wait_bytes = match self.pending.len() {
            small if small < SMALL_BYTES => 0,
            large => large * 2,
        };
        Ok(())
    }

    /// Complete answer. Errors: [`UnreadableAnswer`].
    pub fn finish(mut self) -> Result<ReadAnswer, UnreadableAnswer> {
        let pending = std::mem::take(&mut self.pending);
        self.read(&pending)?;
        match self.position {
            Position::End => {}
            Position::Start => return Err(UnreadableAnswer::NoObject),
            _ => return Err(UnreadableAnswer::CutOff),
        }
        let malformed = |reason| UnreadableAnswer::Malformed { reason, at_byte: self.done_bytes };
        let data = match (self.result_type, self.result) {
            (None, None) => None,
            (None, _) => return Err(malformed("`resultType` is missing".to_owned())),
            (_, None) => return Err(malformed("`result` is missing".to_owned())),
            (Some(result_type), Some(result)) => {
                Some(typed(&result_type, result).map_err(malformed)?)
            }
        };
        let ApiResponse { status, data: _, error_type, error, warnings, infos } = self.response;
        let response = ApiResponse { status, data, error_type, error, warnings, infos };
        Ok(ReadAnswer { response, series_total: self.series_total })
    }

    /// Reads all complete values, and returns the bytes of the incomplete one.
    fn read<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], UnreadableAnswer> {
        let mut rest = bytes;
        loop {
            match self.step(rest) {
                Ok(after) => rest = after,
                Err(stop) => {
                    self.done_bytes += bytes.len() - rest.len();
                    return match stop {
                        Stop::Short => Ok(rest),
                        Stop::Malformed(reason) if matches!(self.position, Position::Start) => {
                            drop(reason);
                            Err(UnreadableAnswer::NoObject)
                        }
                        Stop::Malformed(reason) => {
                            Err(UnreadableAnswer::Malformed { reason, at_byte: self.done_bytes })
                        }
                    };
                }
            }
        }
    }

    /// Reads one token or value, and returns the bytes after it.
    fn step<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Stop> {
        match self.position {
            Position::Start => match bytes.trim_ascii_start().split_first() {
                None => Err(Stop::Short),
                Some((b'{', rest)) => {
                    self.position = Position::Top { after: false };
                    Ok(rest)
                }
                Some(_) => Err(Stop::expected("an object")),
            },
            Position::Top { after } => self.top_member(bytes, after),
            Position::Data { after } => self.data_member(bytes, after),
            Position::SeriesList { after } => self.series_item(bytes, after),
            Position::Series { after } => self.series_member(bytes, after),
            Position::Values { after } => self.values(bytes, after),
            Position::Histograms { after } => self.histogram_item(bytes, after),
            Position::End if bytes.trim_ascii_start().is_empty() => Err(Stop::Short),
            Position::End => Err(Stop::expected("the end of the answer")),
        }
    }

    fn top_member<'a>(&mut self, bytes: &'a [u8], after: bool) -> Result<&'a [u8], Stop> {
        let (key, value) = match scan::member(bytes, after)? {
            Member::Close(rest) => {
                self.position = Position::End;
                return Ok(rest);
            }
            Member::Key(key, value) => (key, value),
        };
        if key == b"data"
            && let Some(rest) = value.strip_prefix(b"{")
        {
            self.position = Position::Data { after: false };
            return Ok(rest);
        }
        let (value, rest) = scan::value(value)?;
        match key {
            b"status" => self.response.status = read(value)?,
            b"errorType" => self.response.error_type = read(value)?,
            b"error" => self.response.error = read(value)?,
            b"warnings" => {
                self.response.warnings = read::<Option<_>>(value)?.unwrap_or_default();
            }
            b"infos" => self.response.infos = read::<Option<_>>(value)?.unwrap_or_default(),
            _ => drop(read::<IgnoredAny>(value)?),
        }
        self.position = Position::Top { after: true };
        Ok(rest)
    }

    fn data_member<'a>(&mut self, bytes: &'a [u8], after: bool) -> Result<&'a [u8], Stop> {
        let (key, value) = match scan::member(bytes, after)? {
            Member::Close(rest) => {
                self.position = Position::Top { after: true };
                return Ok(rest);
            }
            Member::Key(key, value) => (key, value),
        };
        if key == b"result" && self.result.is_some() {
            return Err(Stop::Malformed("`result` occurs twice".to_owned()));
        }
        if key == b"result"
            && let Some(list) = value.strip_prefix(b"[")
        {
            // List of objects, or time and value.
            match scan::item(list, false)? {
                Item::Value([b'{', ..]) | Item::Close(_) => {
                    self.result = Some(ResultShape::Series(Vec::new()));
                    self.position = Position::SeriesList { after: false };
                    return Ok(list);
                }
                Item::Value(_) => {}
            }
        }
        let (value, rest) = scan::value(value)?;
        match key {
            // Go may write an empty list as null.
            b"result" if value == b"null" => self.result = Some(ResultShape::Series(Vec::new())),
            b"result" => self.result = Some(ResultShape::Single(value.to_vec())),
            b"resultType" => self.result_type = Some(read(value)?),
            _ => drop(read::<IgnoredAny>(value)?),
        }
        self.position = Position::Data { after: true };
        Ok(rest)
    }

    fn series_item<'a>(&mut self, bytes: &'a [u8], after: bool) -> Result<&'a [u8], Stop> {
        match scan::item(bytes, after)? {
            Item::Close(rest) => {
                self.position = Position::Data { after: true };
                Ok(rest)
            }
            Item::Value([b'{', rest @ ..]) => {
                self.position = Position::Series { after: false };
                Ok(rest)
            }
            Item::Value(_) => Err(Stop::expected("a series")),
        }
    }

    fn series_member<'a>(&mut self, bytes: &'a [u8], after: bool) -> Result<&'a [u8], Stop> {
        let (key, value) = match scan::member(bytes, after)? {
            Member::Close(rest) => {
                self.keep_series();
                self.position = Position::SeriesList { after: true };
                return Ok(rest);
            }
            Member::Key(key, value) => (key, value),
        };
        let is_kept = self.series_total < self.max_series;
        let list = value.strip_prefix(b"[");
        match (key, list) {
            (b"values", Some(list)) if is_kept => {
                if !self.series.values.is_empty() {
                    return Err(Stop::Malformed("`values` occurs twice".to_owned()));
                }
                self.series.times_nanos.reserve(self.expected_samples);
                self.series.values.reserve(self.expected_samples);
                self.position = Position::Values { after: false };
                return Ok(list);
            }
            (b"histograms", Some(list)) if is_kept => {
                self.position = Position::Histograms { after: false };
                return Ok(list);
            }
            _ => {}
        }
        let (value, rest) = scan::value(value)?;
        match key {
            b"values" | b"histograms" if list.is_none() && value != b"null" => {
                return Err(Stop::expected("a list of samples"));
            }
            b"metric" if is_kept => {
                self.series.labels = read::<Option<LabelSet>>(value)?.unwrap_or_default();
            }
            b"value" if is_kept => {
                let (time, value) = read::<Timed<Float>>(value)?;
                self.series.push(time, value);
            }
            b"histogram" if is_kept => {
                let (time, histogram) = read::<Timed<Histogram>>(value)?;
                self.series.cells.push(time, histogram);
            }
            _ => drop(read::<IgnoredAny>(value)?),
        }
        self.position = Position::Series { after: true };
        Ok(rest)
    }

    fn keep_series(&mut self) {
        let series = std::mem::take(&mut self.series);
        if self.series_total < self.max_series
            && let Some(ResultShape::Series(list)) = &mut self.result
        {
            self.expected_samples = series.values.len();
            list.push(series);
        }
        self.series_total += 1;
    }

    fn values<'a>(&mut self, bytes: &'a [u8], mut after: bool) -> Result<&'a [u8], Stop> {
        let mut rest = bytes;
        let Series { times_nanos, values, .. } = &mut self.series;
        while let Some(next) = if after { rest.strip_prefix(b",") } else { Some(rest) }
            && let Some((time_nanos, value, behind)) = sample(next)
        {
            times_nanos.push(time_nanos);
            values.push(value);
            rest = behind;
            after = true;
        }
        self.position = Position::Values { after };
        if rest.len() < bytes.len() {
            return Ok(rest);
        }
        match scan::item(rest, after)? {
            Item::Close(rest) => {
                self.position = Position::Series { after: true };
                Ok(rest)
            }
            Item::Value(value) => {
                let (value, rest) = scan::value(value)?;
                let (time, value) = read::<Timed<Float>>(value)?;
                self.series.push(time, value);
                self.position = Position::Values { after: true };
                Ok(rest)
            }
        }
    }

    fn histogram_item<'a>(&mut self, bytes: &'a [u8], after: bool) -> Result<&'a [u8], Stop> {
        match scan::item(bytes, after)? {
            Item::Close(rest) => {
                self.position = Position::Series { after: true };
                Ok(rest)
            }
            Item::Value(value) => {
                let (value, rest) = scan::value(value)?;
                let (time, histogram) = read::<Timed<Histogram>>(value)?;
                self.series.cells.push(time, histogram);
                self.position = Position::Histograms { after: true };
                Ok(rest)
            }
        }
    }
}

fn typed(result_type: &str, result: ResultShape) -> Result<ResultData, String> {
    let single = |result: ResultShape| match result {
        ResultShape::Single(json) => Ok(json),
        ResultShape::Series(_) => Err(format!("the result is not a {result_type}")),
    };
    let series = |result: ResultShape| match result {
        ResultShape::Series(series) => Ok(series),
        ResultShape::Single(_) => Err(format!("the result is not a {result_type}")),
    };
    match result_type {
        "matrix" => series(result).map(ResultData::Matrix),
        "vector" => series(result).map(ResultData::Vector),
        "scalar" => {
            let (time, value) = read_json::<Timed<Float>>(&single(result)?)?;
            Ok(ResultData::Scalar(FloatSample { time_nanos: time.0, value: value.0 }))
        }
        "string" => {
            let (time, text) = read_json::<Timed<String>>(&single(result)?)?;
            Ok(ResultData::String(time.0, text))
        }
        other => Err(format!(
            "unknown result type `{}`, expected `matrix`, `vector`, `scalar` or `string`",
            wording::quote_answer(other)
        )),
    }
}

fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Stop> {
    read_json(json).map_err(Stop::Malformed)
}

fn read_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, String> {
    serde_json::from_slice(json).map_err(|error| {
        let text = error.to_string();
        // The position counts from the start of this value and is meaningless.
        let words = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
        wording::quote_answer(words)
    })
}
