//! Answers of the query API, read into columns while they arrive: no tree of values, one pass over
//! the bytes, and none of them kept longer than the value that they belong to.
//!
//! [`AnswerReader`] knows where it stands in the answer. Samples are read in place, one by one;
//! everything small (labels, a histogram, a warning) is handed whole to the ordinary JSON reader.

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

/// Bytes of a value that is not complete, up to which scanning it again costs little.
const SMALL_BYTES: usize = 16 << 10;

/// Why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableAnswer {
    /// The first byte says so.
    #[error("it is no JSON object")]
    NoObject,
    /// It ends in its middle.
    #[error("it is cut off")]
    CutOff,
    /// It is not the JSON that an answer has.
    #[error("{reason}, near byte {at_byte}")]
    Malformed {
        /// What stands there instead.
        reason: String,
        /// Bytes before it, about.
        at_byte: usize,
    },
}

/// Reads one answer, piece by piece.
#[derive(Debug)]
pub struct AnswerReader {
    /// What arrived of a value that is not complete yet.
    pending: Vec<u8>,
    /// Bytes of `pending` before which trying again is no use: values that are large and arrive in
    /// small pieces would be scanned over and over.
    wait_bytes: usize,
    /// Bytes that were read and let go.
    done_bytes: usize,
    position: Position,
    response: ApiResponse<IgnoredAny>,
    result_type: Option<String>,
    result: Option<ResultShape>,
    max_series: usize,
    /// Series that the answer has, of which the first `max_series` are kept.
    series_total: usize,
    series: Series,
    /// Samples of the series before: most are as long as each other.
    expected_samples: usize,
}

/// Where in the answer the next byte stands; `after` a sibling, or as the first child.
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

/// A result whose type may follow it.
#[derive(Debug)]
enum ResultShape {
    Series(Vec<Series>),
    /// A scalar or a string, as it came.
    Single(Vec<u8>),
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct ReadAnswer {
    /// The answer.
    pub response: ApiResponse<ResultData>,
    /// Series that the answer has, of which the data may hold fewer.
    pub series_total: usize,
}

impl AnswerReader {
    /// A reader that keeps the first `max_series` series of the answer.
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

    /// Reads what arrived. Errors: [`UnreadableAnswer`]; then the rest need not arrive.
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

    /// The answer. Errors: [`UnreadableAnswer`].
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
            (None, _) => return Err(malformed("there is no `resultType`".to_owned())),
            (_, None) => return Err(malformed("there is no `result`".to_owned())),
            (Some(result_type), Some(result)) => {
                Some(typed(&result_type, result).map_err(malformed)?)
            }
        };
        let ApiResponse { status, data: _, error_type, error, warnings, infos } = self.response;
        let response = ApiResponse { status, data, error_type, error, warnings, infos };
        Ok(ReadAnswer { response, series_total: self.series_total })
    }

    /// Reads as far as values are complete; the bytes of the one that is not.
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

    /// Reads one thing; the bytes after it.
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
            return Err(Stop::Malformed("there are two of `result`".to_owned()));
        }
        if key == b"result"
            && let Some(list) = value.strip_prefix(b"[")
        {
            // A list of objects, or a time and a value.
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
            // An empty list, as Go may write it.
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
                    return Err(Stop::Malformed("there are two of `values`".to_owned()));
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
        ResultShape::Series(_) => Err(format!("the result is no {result_type}")),
    };
    let series = |result: ResultShape| match result {
        ResultShape::Series(series) => Ok(series),
        ResultShape::Single(_) => Err(format!("the result is no {result_type}")),
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
            super::error::quote(other)
        )),
    }
}

fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Stop> {
    read_json(json).map_err(Stop::Malformed)
}

fn read_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, String> {
    serde_json::from_slice(json).map_err(|error| {
        let text = error.to_string();
        // Counted from the start of this value, which says nothing.
        let words = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
        super::error::quote(words)
    })
}
