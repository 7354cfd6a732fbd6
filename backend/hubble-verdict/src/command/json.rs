//! The report as JSON, for programs.

use cilium_policy::{Direction, Finding, Traffic};
use serde_json::{Value, json};

use crate::{Report, input::InputFile};

/// The reason why there is no report, as JSON.
pub(crate) fn failed(reason: &str) -> Value {
    json!({"exitCode": 2, "outcome": reason})
}

/// A report as one object.
pub(crate) fn report(report: &Report<'_>) -> Value {
    let refused: Vec<Value> = report
        .set
        .refused()
        .iter()
        .map(|refused| {
            json!({
                "file": file(report, Some(refused.source)),
                "document": refused.document,
                "name": refused.name,
                "reason": refused.refusal.to_string(),
                "class": refused.refusal.class.name(),
                "isPolicy": refused.refusal.class.is_error(),
                "line": refused.refusal.at.line,
                "column": refused.refusal.at.column,
            })
        })
        .collect();
    let mut answer = json!({
        "exitCode": report.outcome as u8,
        "outcome": report.outcome.sentence(report.fail_on),
        "policies": report.in_force(),
        "records": report.flows.len(),
        "flows": report.tally.flows,
        "agree": report.tally.agrees,
        "differ": report.tally.differs,
        "judgedLater": report.tally.later,
        "cannotTell": report.tally.cannot_tell,
        "unjudged": report
            .tally
            .unjudged
            .iter()
            .map(|(why, count)| json!({"reason": why.to_string(), "flows": count}))
            .collect::<Vec<_>>(),
        "notices": report.notices,
        "refused": refused,
        "groups": groups(report),
    });
    let Some(object) = answer.as_object_mut() else { return answer };
    if let Some(findings) = &report.findings {
        let findings: Vec<Value> = findings.iter().map(|finding| found(report, finding)).collect();
        object.insert("findings".to_owned(), findings.into());
    }
    if let Some(what_if) = &report.what_if {
        let groups: Vec<Value> = what_if
            .groups
            .iter()
            .map(|group| {
                let mut change = json!({
                    "before": group.before.name(),
                    "after": group.after.name(),
                    "because": group.because,
                    "flows": group.flows,
                    "standsFor": group.stands_for,
                });
                let names = (group.source.as_str(), group.destination.as_str());
                add_connection(&mut change, names, group.traffic, group.direction);
                change
            })
            .collect();
        object.insert(
            "whatIf".to_owned(),
            json!({"unchanged": what_if.unchanged, "unjudged": what_if.unjudged, "groups": groups}),
        );
    }
    if let Some(suggestion) = &report.suggestion {
        let mut suggested = suggested(report.files, suggestion);
        if let Some(object) = suggested.as_object_mut() {
            let count = report.stand_for(&suggestion.fixed);
            object.insert("fixedStandsFor".to_owned(), count.into());
        }
        object.insert("suggestion".to_owned(), suggested);
    }
    if let Some(logged) = &report.logged {
        let filters: Vec<Value> = logged
            .filters
            .iter()
            .map(|(name, flows)| {
                json!({"name": name, "flows": flows, "standsFor": report.stand_for(flows)})
            })
            .collect();
        object.insert(
            "logged".to_owned(),
            json!({
                "filters": filters,
                "notLogged": logged.not_logged,
                "notLoggedStandsFor": report.stand_for(&logged.not_logged),
            }),
        );
    }
    answer
}

fn found(report: &Report<'_>, finding: &Finding) -> Value {
    json!({
        "id": finding.id(),
        "severity": finding.severity().name(),
        "sentence": finding.text(|source| file(report, Some(source))),
        "file": file(report, finding.source),
        "line": finding.at.line,
        "column": finding.at.column,
        "policy": finding.policy,
        "evidence": finding.evidence,
        "fix": finding.fix,
    })
}

/// Additions and their effect, as JSON.
pub(crate) fn suggested(files: &[InputFile], suggestion: &hubble_verdict::Suggestion) -> Value {
    let unfixed: Vec<Value> = suggestion
        .unfixed
        .iter()
        .map(|unfixed| json!({"flow": unfixed.flow, "reason": unfixed.reason.to_string()}))
        .collect();
    let edits: Vec<Value> = edits(files, suggestion);
    let texts: Vec<Value> = suggestion
        .texts
        .iter()
        .map(|(source, text)| json!({"file": name(files, Some(*source)), "text": text}))
        .collect();
    json!({
            "edits": edits,
            "texts": texts,
            "yaml": suggestion.yaml,
            "fixed": suggestion.fixed,
            "unfixed": unfixed,
            "alsoAllowed": suggestion.also_allowed,
            "stillDenied": suggestion.still_denied,
    })
}

/// Edits with their places; each place is in the text as the earlier edits leave it.
fn edits(files: &[InputFile], suggestion: &hubble_verdict::Suggestion) -> Vec<Value> {
    let mut texts: Vec<String> = files.iter().map(|file| file.text.clone()).collect();
    let mut out = Vec::new();
    for edit in &suggestion.edits {
        let Some(text) = texts.get_mut(edit.source) else { continue };
        let at = edit.at(text);
        out.push(json!({
            "file": name(files, Some(edit.source)),
            "policy": edit.policy,
            "list": edit.list,
            "line": at.line,
            "column": at.column,
            "inserted": edit.inserted,
        }));
        if text.is_char_boundary(edit.offset) {
            text.insert_str(edit.offset, &edit.inserted);
        }
    }
    out
}

/// Name of a file, by index.
fn name(files: &[InputFile], index: Option<usize>) -> Option<&str> {
    index.and_then(|index| files.get(index)).map(|file| file.name.as_str())
}

fn file<'r>(report: &Report<'r>, index: Option<usize>) -> Option<&'r str> {
    name(report.files, index)
}

fn groups(report: &Report<'_>) -> Vec<Value> {
    report
        .groups
        .iter()
        .map(|group| {
            let key = &group.key;
            let mut answer = json!({
                "request": key.request,
                "verdict": key.verdict.name(),
                "agreement": key.agreement.name(),
                "sentence": key.sentence,
                "comparison": key.comparison,
                "hubble": key.hubble,
                "ours": group.ours,
                "attribution": group.attribution,
                "decision": group.decision.json(file(report, group.decision.source)),
                "file": file(report, group.decision.source),
                "nearMisses": group.near_misses,
                "lost": group.lost,
                "missing": group.missing,
                "unplaced": group.unplaced,
                "settings": group.settings,
                "flows": group.flows,
                "standsFor": group.stands_for,
            });
            let names = (key.source.as_str(), key.destination.as_str());
            add_connection(&mut answer, names, key.traffic, key.direction);
            answer
        })
        .collect()
}

/// Adds a connection to an object: the names of its source and destination, its port and its
/// direction.
fn add_connection(
    object: &mut Value,
    (source, destination): (&str, &str),
    traffic: Traffic,
    direction: Direction,
) {
    let Some(object) = object.as_object_mut() else { return };
    object.insert("source".to_owned(), source.into());
    object.insert("destination".to_owned(), destination.into());
    object.insert("traffic".to_owned(), traffic.to_string().into());
    object.insert("direction".to_owned(), direction.name().into());
}
