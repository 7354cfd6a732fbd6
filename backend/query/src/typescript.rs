//! The query model as TypeScript, for the editor; `cargo xtask gen` writes it to
//! `src/datasource/query/generated.ts`.

use std::fmt::Write as _;

use flow::group::{GroupField, VERDICT_COLORS};
use ts_rs::{Config, TS};

use crate::adhoc::AdhocFilterJson;
use crate::annotations::{self, FlowAnnotationsJson};
use crate::choice;
use crate::dns::{self, DnsConnectionsJson};
use crate::flag::Flag;
use crate::flows::{self, FlowsFormat, FlowsJson};
use crate::form::FormJson;
use crate::metrics::{self, FlowMetric, FlowMetricsFormat, FlowMetricsJson};
use crate::promql::{PromqlFormat, PromqlJson};
use crate::service_map::{NodesBy, ServiceMapJson};

/// The declarations.
pub fn declarations() -> String {
    let config = Config::new().with_large_int("number");
    // Writing to a string cannot fail.
    let mut text = String::new();
    let mut list = |docs: &str, name: &str, item: &str, keys: &mut dyn Iterator<Item = &str>| {
        let _ = writeln!(text, "\n/** {docs} */\nexport const {name} = [");
        for key in keys {
            let _ = writeln!(text, "  '{key}',");
        }
        let _ = writeln!(text, "] as const;\n\nexport type {item} = (typeof {name})[number];");
    };
    let flags = Flag::ALL.iter().map(|flag| flag.key());
    list(
        "Flags of `hubble observe` that flows can be filtered by.",
        "filterKeys",
        "FilterField",
        &mut flags.into_iter(),
    );
    let fields = GroupField::ALL.iter().map(|field| field.key());
    list("What flows can be counted by.", "groupKeys", "GroupField", &mut fields.into_iter());
    text.push_str(
        "\n/** Filters whose values are names: neither braces nor an asterisk alone. */\nexport const nameKeys: readonly FilterField[] = [\n",
    );
    for flag in choice::NAMES {
        let _ = writeln!(text, "  '{}',", flag.key());
    }
    let _ = writeln!(
        text,
        "];\n\n/** What dashboards make of a variable's choice \"All\". */\nexport const allChoices = ['{}'] as const;",
        choice::ALL.join("', '")
    );
    text.push_str(
        "\n/** Filters by names that may begin with a namespace, and those by namespaces on the same side. */\nexport const nameScopes: ReadonlyArray<readonly [FilterField, FilterField]> = [\n",
    );
    for (named, namespace) in choice::SCOPES {
        let _ = writeln!(text, "  ['{}', '{}'],", named.key(), namespace.key());
    }
    text.push_str("];\n");
    text.push_str("\nexport type FlowFilter = Partial<Record<FilterField, string[]>>;\n");
    for declared in [
        AdhocFilterJson::decl(&config),
        FormJson::decl(&config),
        FlowsFormat::decl(&config),
        FlowsJson::decl(&config),
        FlowMetric::decl(&config),
        FlowMetricsFormat::decl(&config),
        FlowMetricsJson::decl(&config),
        NodesBy::decl(&config),
        ServiceMapJson::decl(&config),
        FlowAnnotationsJson::decl(&config),
        DnsConnectionsJson::decl(&config),
        PromqlFormat::decl(&config),
        PromqlJson::decl(&config),
    ] {
        let _ = writeln!(text, "\nexport {declared}");
    }
    text.push_str(
        "\n/** The colour of each verdict, by Grafana's names. */\nexport const verdictColors = {\n",
    );
    for (verdict, color) in VERDICT_COLORS {
        let _ = writeln!(text, "  {verdict}: '{color}',");
    }
    text.push_str("} as const;\n");
    for (name, value) in [
        ("defaultLimit", i64::from(flows::DEFAULT_LIMIT)),
        ("maxLimit", i64::from(flows::MAX_LIMIT)),
        ("defaultGroups", metrics::DEFAULT_TOP),
        ("maxGroups", metrics::MAX_TOP),
        ("defaultAnnotations", annotations::DEFAULT_LIMIT),
        ("maxAnnotations", annotations::MAX_LIMIT),
        ("defaultNames", dns::DEFAULT_LIMIT),
        ("maxNames", dns::MAX_LIMIT),
    ] {
        let _ = write!(text, "\nexport const {name} = {value};");
    }
    text.push('\n');
    text
}
