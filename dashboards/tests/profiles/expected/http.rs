//! HTTP requests and their durations.

use super::{Expected, How, Numbers, PacketDirection, Question, side, words};
use crate::flows::Flow;

/// The buckets of Prometheus' own library, in seconds: labels and values.
const BUCKETS: [(&str, f64); 12] = [
    ("0.005", 0.005),
    ("0.01", 0.01),
    ("0.025", 0.025),
    ("0.05", 0.05),
    ("0.1", 0.1),
    ("0.25", 0.25),
    ("0.5", 0.5),
    ("1", 1.0),
    ("2.5", 2.5),
    ("5", 5.0),
    ("10", 10.0),
    ("+Inf", f64::INFINITY),
];

/// Upper edge of the bucket of a duration.
pub(super) fn bucket(secs: f64) -> f64 {
    BUCKETS.iter().map(|(_, edge)| *edge).find(|edge| secs <= *edge).unwrap()
}

pub(super) fn expected(question: Question<'_>) -> Option<Expected> {
    let Question { panel, profile, flows, .. } = question;
    let title = panel.title.as_str();
    // Retina does not read HTTP.
    let side = side(title).filter(|_| profile.is_cilium())?;
    let is_refused = title.contains("Dropped");
    if title.contains("Flows by Verdict") || is_refused {
        let how = match title {
            title if title.contains(", Top ") => How::TopRates,
            title if title.ends_with("Requests") => How::Increase,
            _ => How::Rate,
        };
        return Some(Expected::counted(how, flows, |flow| {
            let counts = flow.l7.http.is_some() && (!is_refused || flow.verdict == "DROPPED");
            let pod = counts.then(|| question.pod(side, flow))??;
            Some(match how {
                How::TopRates => pod,
                How::Increase => String::new(),
                _ => flow.verdict.clone(),
            })
        }));
    }
    let answers: Vec<Answer<'_>> =
        flows.iter().filter_map(|flow| Answer::of(question, side, flow)).collect();
    let by = |how, key: &dyn Fn(&Answer<'_>) -> Option<String>| {
        let mut numbers = Numbers::new();
        for key in answers.iter().filter_map(key) {
            *numbers.entry(key).or_default() += 1.0;
        }
        Expected::given(how, numbers)
    };
    let class = |of: u32| {
        move |answer: &Answer<'_>| (answer.code / 100 == of).then(|| answer.workload.clone())
    };
    Some(if title.contains("4xx") {
        by(How::TopRates, &class(4))
    } else if title.contains("5xx") {
        by(How::TopRates, &class(5))
    } else if title.ends_with("by Method and Status") {
        by(How::Rate, &|answer| Some(format!("{} {}", answer.method, answer.code)))
    } else if title.ends_with("by Protocol") {
        by(How::Rate, &|answer| Some(answer.protocol.to_owned()))
    } else if title.contains("HTTP Requests by") {
        by(How::Rate, &|answer| Some(answer.workload.clone()))
    } else if title.ends_with("Requests, Max / Min") {
        by(How::Rate, &|_| Some(String::new()))
    } else if title.contains("Server Errors") {
        Expected::given(How::Share, errors(&answers))
    } else if title.ends_with("Distribution") {
        Expected::given(How::Rate, distribution(&answers))
    } else if title.ends_with("Duration") {
        Expected::given(How::Bucket, quantiles(&answers))
    } else {
        return None;
    })
}

/// An answer, whose source is the server.
struct Answer<'a> {
    code: u32,
    method: &'a str,
    protocol: &'a str,
    secs: f64,
    /// Namespace of the observed endpoint, and its workload if the observing node knows it.
    workload: String,
}

impl<'a> Answer<'a> {
    fn of(question: Question<'_>, side: PacketDirection, flow: &'a Flow) -> Option<Self> {
        let http = flow.l7.http.as_ref().filter(|_| flow.l7.kind == "RESPONSE")?;
        let end = if side == PacketDirection::Outgoing { &flow.destination } else { &flow.source };
        let counts = !end.namespace.is_empty() && question.whose.is(question.panel, end);
        let nanos: f64 = flow.l7.latency_ns.parse().unwrap();
        counts.then(|| Self {
            code: http.code,
            method: &http.method,
            protocol: &http.protocol,
            secs: nanos / 1e9,
            workload: words([&end.namespace, end.workload()]),
        })
    }
}

fn count(answers: &[Answer<'_>], counts: impl Fn(&Answer<'_>) -> bool) -> f64 {
    answers.iter().filter(|answer| counts(answer)).fold(0.0, |sum, _| sum + 1.0)
}

fn errors(answers: &[Answer<'_>]) -> Numbers {
    if answers.is_empty() {
        return Numbers::new();
    }
    let share = count(answers, |answer| answer.code >= 500) / count(answers, |_| true);
    Numbers::from([(String::new(), share)])
}

/// Number of answers up to each bucket's duration.
fn distribution(answers: &[Answer<'_>]) -> Numbers {
    BUCKETS
        .iter()
        .map(|(label, edge)| ((*label).to_owned(), count(answers, |answer| answer.secs <= *edge)))
        .collect()
}

/// Buckets of the durations that 50 %, 95 % and 99 % of the answers did not exceed.
fn quantiles(answers: &[Answer<'_>]) -> Numbers {
    let mut all: Vec<f64> = answers.iter().map(|answer| answer.secs).collect();
    all.sort_by(f64::total_cmp);
    let all_of_them = count(answers, |_| true);
    [("A", 0.5), ("B", 0.95), ("C", 0.99)]
        .into_iter()
        .filter_map(|(query, quantile)| {
            let edge = all.iter().copied().find(|secs| {
                count(answers, |answer| answer.secs <= *secs) >= quantile * all_of_them
            })?;
            Some((query.to_owned(), bucket(edge)))
        })
        .collect()
}
