//! TypeScript declarations of the query model, for the editor. `cargo xtask gen` writes them to
//! `src/datasource/query/generated.ts`.

use std::fmt::Write as _;

use flow::group::{GroupField, VERDICT_COLORS};
use ts_rs::{Config, TS};

use crate::adhoc::AdhocFilterJson;
use crate::annotations::{self, FlowAnnotationsJson};
use crate::dns::{self, DnsConnectionsJson};
use crate::flag::Flag;
use crate::flows::{self, FlowsFormat, FlowsJson};
use crate::form_json::FormJson;
use crate::metrics::{self, FlowMetric, FlowMetricsFormat, FlowMetricsJson};
use crate::multi_value;
use crate::promql::{PromqlFormat, PromqlJson};
use crate::service_map::{NodesBy, ServiceMapJson};

/// The text of all declarations.
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
        "Flags of `hubble observe` that filter flows.",
        "filterKeys",
        "FilterField",
        &mut flags.into_iter(),
    );
    let fields = GroupField::ALL.iter().map(|field| field.key());
    list("Fields that group counts of flows.", "groupKeys", "GroupField", &mut fields.into_iter());
    text.push_str(
        "\n/** Label of each filter in the query editor. */\nexport const filterLabels: Readonly<Record<FilterField, string>> = {\n",
    );
    for flag in Flag::ALL {
        let _ = writeln!(text, "  {}: '{}',", flag.key(), flag.label());
    }
    text.push_str("};\n");
    text.push_str(
        "\n/** Filters whose values are names, which never contain braces and are never a lone asterisk. */\nexport const nameKeys: readonly FilterField[] = [\n",
    );
    for flag in multi_value::NAMES {
        let _ = writeln!(text, "  '{}',", flag.key());
    }
    let _ = writeln!(
        text,
        "];\n\n/** Values that dashboards use for a variable's \"All\". */\nexport const allChoices = ['{}'] as const;",
        multi_value::ALL.join("', '")
    );
    text.push_str(
        "\n/** Pairs of a filter whose values may begin with a namespace, and the filter of namespaces for the same endpoint. */\nexport const nameScopes: ReadonlyArray<readonly [FilterField, FilterField]> = [\n",
    );
    for (named, namespace) in multi_value::SCOPES {
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
        ("defaultLimit", flows::DEFAULT_LIMIT),
        ("maxLimit", flows::MAX_LIMIT),
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
