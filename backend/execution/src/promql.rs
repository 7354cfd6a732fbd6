//! PromQL queries: an expression evaluated over a range, at its end, or both.

use std::sync::Arc;

use budget::Held;
use frames::{Frame, Legend, SeriesQuery};
use prometheus::{
    Evaluated, ExemplarSeries, PrometheusClient, PrometheusError, ResultData, Series, StepRequest,
    WithWarnings, align_ms, interpolate, step_ms,
};
use query::{PromqlFormat, PromqlQuery, unresolved_variable};
use wording::Notice;

use crate::{Consumer, ExecutionError, QueryContext};

/// Sends the query to Prometheus and returns its answer as frames.
///
/// Errors: [`ExecutionError`], if neither the range nor the instant has an answer.
pub async fn promql(
    prometheus: &PrometheusClient,
    context: &QueryContext,
    query: &PromqlQuery,
    value_name: &str,
    consumer: Consumer,
) -> Result<Vec<Frame>, ExecutionError> {
    let interval_ms = match query.interval_ms {
        0 => u64::try_from(context.interval_ms).unwrap_or(0),
        interval_ms => interval_ms,
    };
    let step_request = StepRequest {
        from_ms: context.from_ms,
        to_ms: context.to_ms,
        interval_ms,
        max_data_points: u64::try_from(context.max_data_points).unwrap_or(0),
        min_step: &query.min_step,
        interval_factor: query.interval_factor,
        scrape_interval_ms: prometheus.scrape_interval_ms(),
    };
    let step_ms = step_ms(&step_request)?;
    let expr = interpolate(&query.expr, &step_request.interpolation(step_ms));
    let align = |time_ms| align_ms(time_ms, step_ms, query.utc_offset_secs);
    let prepared = PreparedQuery {
        prometheus,
        query,
        expr: &expr,
        start_ms: align(context.from_ms),
        end_ms: align(context.to_ms),
        now_ms: context.to_ms,
        step_ms,
    };
    let shape =
        SeriesQuery { expr: &expr, step_ms, legend: Legend::new(&query.legend_format), value_name };
    let (range, instant, exemplars) = tokio::join!(
        prepared.range(),
        prepared.instant(),
        // An alert rule does not use exemplars.
        prepared.exemplars(query.exemplar && consumer != Consumer::AlertRule),
    );
    let bytes = [&range, &instant].into_iter().flatten().flatten();
    let bytes = bytes.map(|answer| answer.data.held.bytes()).sum();
    let answers = Answers { range, instant, exemplars };
    context.shaping.run(bytes, || frames_of(&shape, query, answers, consumer)).await
}

/// Answers of Prometheus to one query; `None` for what was not asked.
struct Answers {
    range: Option<Evaluation>,
    instant: Option<Evaluation>,
    exemplars: Option<Result<WithWarnings<Vec<ExemplarSeries>>, PrometheusError>>,
}

fn frames_of(
    shape: &SeriesQuery<'_>,
    query: &PromqlQuery,
    answers: Answers,
    consumer: Consumer,
) -> Result<Vec<Frame>, ExecutionError> {
    let Answers { range, instant, exemplars } = answers;
    let expr = shape.expr;
    let mut frames = Vec::new();
    let mut failed = None;
    let mut rows: Option<ReadSeries> = None;
    let mut is_empty = true;
    let mut rows_cut: Option<String> = None;
    for answer in [instant, range].into_iter().flatten() {
        match answer.map(|answer| read(shape, answer)) {
            Ok(ReadResult::Text(frame)) => {
                is_empty = false;
                frames.push(frame);
            }
            Ok(ReadResult::Series(read)) => {
                rows_cut = rows_cut.or_else(|| read.cut.clone());
                is_empty &= read.series.is_empty();
                match (query.format, &mut rows) {
                    // One table of both results, as in Grafana.
                    (PromqlFormat::Table, Some(rows)) => rows.extend(read),
                    (PromqlFormat::Table, None) => rows = Some(read),
                    (format, _) => frames.extend(shaped(shape, format, read)),
                }
            }
            Err(error) => failed = Some(error),
        }
    }
    frames.extend(rows.map(|rows| {
        let ReadSeries { series, result_type, notices, held: _held, .. } = rows;
        frames::table(shape, &series, result_type, notices)
    }));
    if is_empty
        && let (Some(first), Some(variable)) = (frames.first_mut(), unresolved_variable(expr))
    {
        let text = format!("no series were found, and {}", stands_there(variable));
        first.meta.notices.push(Notice::warning(text));
    }
    // An alert rule must not decide on the rest.
    let cut = rows_cut.filter(|_| consumer == Consumer::AlertRule);
    if let Some(reason) = cut {
        return Err(ExecutionError::Incomplete { reason });
    }
    if let Some(error) = failed {
        if consumer == Consumer::AlertRule {
            return Err(explained(error, expr).into());
        }
        // The part that arrived is kept, with a notice about the missing part.
        match frames.first_mut() {
            Some(first) => first.meta.notices.push(Notice::warning(error.to_string())),
            None => return Err(explained(error, expr).into()),
        }
    }
    match exemplars {
        None => {}
        Some(Ok(answer)) => frames.extend(frames::exemplars(shape, &answer.data)),
        Some(Err(error)) => {
            if let Some(first) = frames.first_mut() {
                let text = format!("exemplars are missing: {error}");
                first.meta.notices.push(Notice::warning(text));
            }
        }
    }
    Ok(frames)
}

/// A query that is ready to be sent.
struct PreparedQuery<'a> {
    prometheus: &'a PrometheusClient,
    query: &'a PromqlQuery,
    expr: &'a str,
    start_ms: i64,
    end_ms: i64,
    /// Time of the instant: the range's end, not aligned, in Unix milliseconds.
    now_ms: i64,
    step_ms: u64,
}

type Evaluation = Result<WithWarnings<Evaluated>, PrometheusError>;

impl PreparedQuery<'_> {
    async fn range(&self) -> Option<Evaluation> {
        if !self.query.range {
            return None;
        }
        let (start_ms, end_ms) = (self.start_ms, self.end_ms);
        Some(self.prometheus.query_range(self.expr, start_ms, end_ms, self.step_ms).await)
    }

    async fn instant(&self) -> Option<Evaluation> {
        if !self.query.instant {
            return None;
        }
        Some(self.prometheus.query(self.expr, self.now_ms).await)
    }

    async fn exemplars(
        &self,
        wanted: bool,
    ) -> Option<Result<WithWarnings<Vec<ExemplarSeries>>, PrometheusError>> {
        if !wanted {
            return None;
        }
        Some(self.prometheus.query_exemplars(self.expr, self.start_ms, self.end_ms).await)
    }
}

/// An evaluation that is ready to become frames.
enum ReadResult {
    /// Frame of a string expression.
    Text(Frame),
    Series(ReadSeries),
}

/// Series of a range or of an instant.
struct ReadSeries {
    series: Vec<Series>,
    /// Result type as Prometheus names it.
    result_type: &'static str,
    notices: Vec<Notice>,
    /// The series that were left out, in words.
    cut: Option<String>,
    /// The memory of the answer, until the series are frames.
    held: Vec<Arc<Held>>,
}

impl ReadSeries {
    fn extend(&mut self, other: Self) {
        self.series.extend(other.series);
        self.notices.extend(other.notices);
        self.held.extend(other.held);
    }
}

fn read(shape: &SeriesQuery<'_>, answer: WithWarnings<Evaluated>) -> ReadResult {
    let mut notices = upstream_notices(&answer.warnings, &answer.infos);
    let Evaluated { result, series_total, held } = answer.data;
    let (series, result_type) = match result {
        ResultData::Matrix(series) => (series, "matrix"),
        ResultData::Vector(series) => (series, "vector"),
        ResultData::Scalar(sample) => {
            let series = Series {
                times_nanos: vec![sample.time_nanos],
                values: vec![sample.value],
                ..Series::default()
            };
            (vec![series], "scalar")
        }
        ResultData::String(time_nanos, text) => {
            return ReadResult::Text(frames::text(shape, time_nanos, &text, notices));
        }
    };
    let cut = (series_total > series.len()).then(|| {
        format!(
            "showing {} of {series_total} series: narrow or aggregate the expression",
            series.len()
        )
    });
    notices.extend(cut.clone().map(Notice::warning));
    ReadResult::Series(ReadSeries { series, result_type, notices, cut, held: vec![held] })
}

fn shaped(shape: &SeriesQuery<'_>, format: PromqlFormat, rows: ReadSeries) -> Vec<Frame> {
    let ReadSeries { series, result_type, notices, held: _held, .. } = rows;
    match format {
        PromqlFormat::Table => vec![frames::table(shape, &series, result_type, notices)],
        PromqlFormat::Heatmap => frames::heatmap(shape, series, notices),
        PromqlFormat::TimeSeries if result_type == "matrix" => {
            frames::time_series(shape, series, notices)
        }
        PromqlFormat::TimeSeries => frames::vector(shape, series, result_type, notices),
    }
}

/// The error, with a hint if a variable is left in the expression. Prometheus does not know
/// variables: either the user misspelt one, or an alert rule contains one. `expr` is the expression
/// that was sent.
fn explained(error: PrometheusError, expr: &str) -> PrometheusError {
    match (error, unresolved_variable(expr)) {
        (PrometheusError::Refused { status, kind, message }, Some(variable)) if status == 400 => {
            let message = format!("{message}; {}", stands_there(variable));
            PrometheusError::Refused { status, kind, message }
        }
        (error, _) => error,
    }
}

fn stands_there(variable: &str) -> String {
    format!(
        "`{variable}` was not replaced in the expression: this dashboard has no such variable, or this is an alert rule, where variables do not work"
    )
}

/// Prometheus' own warnings and infos, as notices.
fn upstream_notices(warnings: &[String], infos: &[String]) -> Vec<Notice> {
    let warnings = warnings.iter().map(|text| Notice::warning(text.as_str()));
    warnings.chain(infos.iter().map(|text| Notice::info(text.as_str()))).collect()
}
