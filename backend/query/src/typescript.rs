//! The query model as TypeScript, for the editor: `src/datasource/query/generated.ts`.
//!
//! `cargo xtask gen` runs the test below with [`WRITE`] set, `cargo xtask gen --check` without.

use std::fmt::Write as _;
use std::path::Path;

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

/// Set: the file is written where it differs, instead of being an error.
const WRITE: &str = "WRITE_GENERATED";

const FILE: &str = "../../src/datasource/query/generated.ts";

const HEAD: &str = "// Made from backend/query/src by `cargo xtask gen`; change it there.\n";

fn generated() -> String {
    let config = Config::new().with_large_int("number");
    let mut text = HEAD.to_owned();
    let mut list = |docs: &str, name: &str, item: &str, keys: &mut dyn Iterator<Item = &str>| {
        writeln!(text, "\n/** {docs} */\nexport const {name} = [").unwrap();
        for key in keys {
            writeln!(text, "  '{key}',").unwrap();
        }
        writeln!(text, "] as const;\n\nexport type {item} = (typeof {name})[number];").unwrap();
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
        writeln!(text, "  '{}',", flag.key()).unwrap();
    }
    writeln!(
        text,
        "];\n\n/** What dashboards make of a variable's choice \"All\". */\nexport const allChoices = ['{}'] as const;",
        choice::ALL.join("', '")
    )
    .unwrap();
    text.push_str(
        "\n/** Filters by names that may begin with a namespace, and those by namespaces on the same side. */\nexport const nameScopes: ReadonlyArray<readonly [FilterField, FilterField]> = [\n",
    );
    for (named, namespace) in choice::SCOPES {
        writeln!(text, "  ['{}', '{}'],", named.key(), namespace.key()).unwrap();
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
        // One field a line, quotes and lists as in the rest of the frontend.
        let mut declared = declared.replace('"', "'").replace(", ", ";\n  ");
        for (item, list) in [("Array<string>", "string[]"), ("Array<AdhocFilter>", "AdhocFilter[]")]
        {
            declared = declared.replace(item, list);
        }
        if let Some((head, fields)) = declared.split_once(" = { ") {
            let name = head.trim_start_matches("type ");
            let fields = fields.trim_end_matches(['}', ';', ' ', '\n']);
            declared = format!("interface {name} {{\n  {fields};\n}}");
        }
        writeln!(text, "\nexport {declared}").unwrap();
    }
    text.push_str(
        "\n/** The colour of each verdict, by Grafana's names. */\nexport const verdictColors = {\n",
    );
    for (verdict, color) in VERDICT_COLORS {
        writeln!(text, "  {verdict}: '{color}',").unwrap();
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
        write!(text, "\nexport const {name} = {value};").unwrap();
    }
    text.push('\n');
    text
}

#[test]
fn the_editor_has_the_types_of_the_model() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let generated = generated();
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed == generated {
        return;
    }
    assert!(
        std::env::var_os(WRITE).is_some(),
        "`src/datasource/query/generated.ts` does not match the query model: run `cargo xtask gen`"
    );
    std::fs::write(&path, generated).unwrap();
}
