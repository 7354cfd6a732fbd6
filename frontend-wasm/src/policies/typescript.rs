//! The engine's answers as TypeScript types for the panel; `cargo xtask gen` writes them to
//! `src/panel/engine/generated.ts`.

use std::fmt::Write as _;

use cilium_policy::{Severity, Verdict};
use hubble_verdict::StepKind;
use ts_rs::{Config, TS};

use super::ask::{ConnectionPath, ConnectionStep, Reachability};
use super::explained::{Attribution, Explanation, Reasons, RefusedDocument, Rule};
use super::lint::LintFinding;
use super::location::PolicyLocation;
use super::suggest::{Edited, FileText, Fix, Unfixed};

/// The TypeScript declarations.
pub(crate) fn declarations() -> String {
    let config = Config::new().with_large_int("number");
    let mut text = String::new();
    let mut names = |name: &str, values: &[&str]| {
        let _ = writeln!(text, "\nexport type {name} = \"{}\";", values.join("\" | \""));
    };
    names("Computed", &[Verdict::Allowed, Verdict::Denied, Verdict::CannotTell].map(Verdict::name));
    names("Severity", &[Severity::Error, Severity::Warning, Severity::Hint].map(Severity::name));
    let kinds = [StepKind::Lookup, StepKind::Resolver, StepKind::Egress, StepKind::Ingress];
    names("StepKind", &kinds.map(StepKind::name));
    for declared in [
        PolicyLocation::decl(&config),
        RefusedDocument::decl(&config),
        Rule::decl(&config),
        Reasons::decl(&config),
        Attribution::decl(&config),
        Explanation::decl(&config),
        ConnectionStep::decl(&config),
        ConnectionPath::decl(&config),
        Reachability::decl(&config),
        // A finding has the fields of a location only if it has a location.
        LintFinding::decl(&config).replace("};", "} & Partial<PolicyLocation>;"),
        Edited::decl(&config),
        FileText::decl(&config),
        Unfixed::decl(&config),
        Fix::decl(&config),
    ] {
        let _ = writeln!(text, "\nexport {declared}");
    }
    text
}
