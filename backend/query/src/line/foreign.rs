//! Other commands and query languages, and the place where each belongs.

use super::words::{base_name, is_flag};

/// Error text for an unknown kind of text.
pub(super) const UNKNOWN: &str = "this is not a `hubble observe` line; write one such as `hubble observe --namespace pets --verdict DROPPED`";

/// Other subcommands of `hubble`, and where this data source does the same.
const HUBBLE: [(&str, &str); 8] = [
    ("status", "*Save & test* in the data source's settings checks whether the relay answers"),
    ("list", "a dashboard variable of this data source lists nodes and namespaces"),
    ("config", "the data source's settings say how to reach the relay"),
    ("watch", "*Save & test* in the data source's settings lists the nodes that answer"),
    ("record", "capture packets in a terminal"),
    ("version", TERMINAL),
    ("completion", TERMINAL),
    ("help", "this editor's help has examples"),
];

/// Programs whose command lines are pasted by mistake, and where to run them.
const PROGRAMS: [(&str, &str); 31] = [
    ("kubectl", TERMINAL),
    ("k", TERMINAL),
    ("kubecolor", TERMINAL),
    ("oc", TERMINAL),
    ("helm", TERMINAL),
    ("kustomize", TERMINAL),
    ("flux", TERMINAL),
    ("az", TERMINAL),
    ("aws", TERMINAL),
    ("gcloud", TERMINAL),
    ("docker", TERMINAL),
    ("crictl", TERMINAL),
    ("nerdctl", TERMINAL),
    ("journalctl", TERMINAL),
    ("systemctl", TERMINAL),
    ("cilium", CILIUM),
    ("cilium-dbg", CILIUM),
    ("cilium-agent", CILIUM),
    ("tetra", "run it in a terminal of the node; it shows Tetragon's events, not flows"),
    ("tcpdump", PACKETS),
    ("tshark", PACKETS),
    ("ngrep", PACKETS),
    ("curl", TERMINAL),
    ("wget", TERMINAL),
    ("nslookup", TERMINAL),
    ("dig", TERMINAL),
    ("nc", TERMINAL),
    ("ping", TERMINAL),
    ("grpcurl", TERMINAL),
    ("jq", "run it in a terminal, on the output of `hubble observe -o json`"),
    ("promtool", TERMINAL),
];

const TERMINAL: &str = "run it in a terminal";
const CILIUM: &str =
    "run it in a terminal of the node; `hubble observe --type drop` shows drops here";
const PACKETS: &str = "it shows packets: run it in a terminal of the node";

/// Error texts for queries in other languages, with the data source that takes each.
const KQL: &str = "this is KQL: use it in Grafana's Azure Monitor data source, under *Logs*; `hubble observe --verdict DROPPED` shows drops here";
const LOGQL: &str = "this is LogQL: use it in a Loki data source";
const TRACEQL: &str = "this is TraceQL: use it in a Tempo data source";
const PROMQL: &str = "this is PromQL: use it in a *PromQL* query of this data source, or in a Prometheus data source";
const SQL: &str = "this is SQL: use it in a data source of that database";
const FLUX: &str = "this is Flux: use it in an InfluxDB data source";
const ESQL: &str = "this is ES|QL: use it in an Elasticsearch data source";
const INSIGHTS: &str =
    "this is a CloudWatch Logs query: use it in Grafana's CloudWatch data source";
const SPL: &str = "this is a Splunk search: use it in a Splunk data source";
const CEL: &str =
    "this is a CEL expression: put it after `hubble observe --cel-expression`, in quotes";
const JSON: &str = "this is JSON: put a Hubble filter after `hubble observe --allowlist`, in quotes; a recorded flow cannot be queried";
const YAML: &str = "this is a Kubernetes manifest: add policies to the data source's policy files, or to the flows panel";
const OUTPUT: &str = "this is the output of `hubble observe`, not the command";

/// Keywords that begin a step of a KQL query.
const KQL_STEPS: [&str; 28] = [
    "where",
    "take",
    "limit",
    "summarize",
    "project",
    "project-away",
    "project-rename",
    "project-reorder",
    "project-keep",
    "extend",
    "order",
    "sort",
    "top",
    "distinct",
    "count",
    "join",
    "render",
    "make-series",
    "mv-expand",
    "mv-apply",
    "parse",
    "parse-where",
    "evaluate",
    "serialize",
    "union",
    "lookup",
    "sample",
    "search",
];

/// Log tables of AKS.
const KQL_TABLES: [&str; 13] = [
    "retinanetworkflowlogs",
    "containernetworklogs",
    "containerlogv2",
    "containerlog",
    "kubepodinventory",
    "kubeevents",
    "kubenodeinventory",
    "kubeservices",
    "azurediagnostics",
    "azuremetrics",
    "azureactivity",
    "aksaudit",
    "akscontrolplane",
];

/// Error text with what a text is and where it belongs; `words` are those of its first command.
pub(super) fn name(text: &str, words: &[&str]) -> Option<String> {
    let code = without_comments(text);
    let lower = code.to_lowercase();
    language(&code, &lower).map(str::to_owned).or_else(|| program(words))
}

/// The text without lines that are comments in any of the languages.
fn without_comments(text: &str) -> String {
    let is_code = |line: &&str| {
        let line = line.trim_start();
        !["//", "--", "#"].iter().any(|mark| line.starts_with(mark))
    };
    let lines: Vec<&str> = text.lines().filter(is_code).collect();
    lines.join("\n").trim().to_owned()
}

fn program(words: &[&str]) -> Option<String> {
    for (at, word) in words.iter().enumerate() {
        let name = base_name(word);
        if name.ends_with("hubble") {
            let verb = words.get(at + 1..)?.iter().find(|word| !is_flag(word));
            let Some(verb) = verb else {
                return Some(
                    "`hubble` alone does not show flows: write `hubble observe`".to_owned(),
                );
            };
            let known = HUBBLE.iter().find(|(own, _)| verb.eq_ignore_ascii_case(own));
            return Some(match known {
                Some((verb, place)) => format!("`hubble {verb}` does not show flows: {place}"),
                None if strsim::levenshtein(&cut(verb), "observe") <= 3 => {
                    format!("`hubble {}`: did you mean `hubble observe`?", cut(verb))
                }
                None => format!("`hubble {}` is not `hubble observe`", cut(verb)),
            });
        }
        if let Some((own, place)) = PROGRAMS.iter().find(|(own, _)| *own == name) {
            let policies = words.get(at + 1..)?.iter().any(|word| is_policy(&word.to_lowercase()));
            let place = match *place {
                TERMINAL if policies => {
                    "run it in a terminal; the flows panel lists the data source's policies under *Policies*"
                }
                place => place,
            };
            return Some(format!("`{own}` is another command: {place}"));
        }
    }
    None
}

/// Start of a pasted word, short enough for an error text.
fn cut(word: &str) -> String {
    word.chars().take(40).collect()
}

fn is_policy(word: &str) -> bool {
    let kind = word.split(['/', '.', ',']).next().unwrap_or_default();
    let kinds = ["cnp", "ccnp", "netpol", "networkpolicy", "networkpolicies"];
    kinds.contains(&kind) || kind.starts_with("cilium") && kind.contains("networkpolic")
}

fn language(code: &str, lower: &str) -> Option<&'static str> {
    let first = lower.split(|char: char| !char.is_alphanumeric() && char != '_' && char != '-');
    let first = first.into_iter().next().unwrap_or_default();
    let has = |part: &str| lower.contains(part);
    let any = |parts: &[&str]| parts.iter().any(|part| has(part));
    let step = |steps: &[&str]| {
        let words = lower.split('|').skip(1).filter_map(|step| step.split_whitespace().next());
        words.into_iter().any(|word| steps.contains(&word))
    };
    if lower.starts_with("apiversion:") || has("\napiversion:") || lower.starts_with("kind:") {
        return Some(YAML);
    }
    if code.starts_with(['{', '[']) && serde_json::from_str::<serde_json::Value>(code).is_ok() {
        return Some(JSON);
    }
    if any(&["|=", "|~", "| json", "|json", "| logfmt", "| line_format", "| unwrap", "| pattern"])
        && has("{")
    {
        return Some(LOGQL);
    }
    if lower.starts_with('{') && any(&["span.", "resource.", "traceduration", "status = error"]) {
        return Some(TRACEQL);
    }
    if lower.starts_with("from(") {
        return Some(FLUX);
    }
    if first == "from" && has("|") && !has("select ") {
        return Some(ESQL);
    }
    if first == "fields" && has("@") {
        return Some(INSIGHTS);
    }
    if lower.starts_with("index=") || first == "search" && has("index=") {
        return Some(SPL);
    }
    let is_sql = ["select", "with", "insert", "update", "delete", "explain"].contains(&first);
    if is_sql && any(&[" from ", "\nfrom ", " into ", " set "])
        || first == "select" && has(" ")
        || first == "show" && any(&["tables", "databases", "measurements"])
    {
        return Some(SQL);
    }
    if step(&KQL_STEPS) && !code.starts_with('{')
        || KQL_TABLES.contains(&first)
        || first == "let" && has("=")
    {
        return Some(KQL);
    }
    if has("_flow.") {
        return Some(CEL);
    }
    if is_output(code) {
        return Some(OUTPUT);
    }
    promql(code, lower, first)
}

/// Whether a text is a line of the command's output, compact or as a table.
fn is_output(code: &str) -> bool {
    let ends = ["FORWARDED (", "DROPPED (", "REDIRECTED (", "AUDIT (", "TRACED (", "ERROR ("];
    (code.contains(" -> ") || code.contains(" <> ") || code.contains(" <- "))
        && (code.contains("(ID:") || ends.iter().any(|end| code.contains(end)))
        || code.starts_with("TIMESTAMP") && code.contains("VERDICT")
}

fn promql(code: &str, lower: &str, first: &str) -> Option<&'static str> {
    const FUNCTIONS: [&str; 24] = [
        "rate",
        "irate",
        "increase",
        "sum",
        "avg",
        "min",
        "max",
        "count",
        "topk",
        "bottomk",
        "histogram_quantile",
        "quantile",
        "label_replace",
        "label_join",
        "absent",
        "delta",
        "sort_desc",
        "sort",
        "clamp_min",
        "vector",
        "count_values",
        "stddev",
        "group",
        "changes",
    ];
    if code.starts_with('{') {
        let is_metric = lower.contains("__name__");
        return Some(if is_metric { PROMQL } else { LOGQL });
    }
    let after = lower.get(first.len()..).unwrap_or_default().trim_start();
    let calls = after.starts_with('(') || after.starts_with("by") || after.starts_with("without");
    if (FUNCTIONS.contains(&first) || first.ends_with("_over_time")) && calls {
        let is_log = lower.contains("({") && !lower.contains("__name__");
        return Some(if is_log { LOGQL } else { PROMQL });
    }
    // Calls within an expression.
    if lower.contains("rate(") && lower.contains('[') || lower.contains("sum(rate") {
        return Some(PROMQL);
    }
    let is_selector = !first.is_empty() && after.starts_with('{') && after.contains('=');
    let prefixes = ["hubble_", "cilium_", "networkobservability_", "kube_", "container_", "node_"];
    let is_metric = prefixes.iter().any(|prefix| first.starts_with(prefix)) || first == "up";
    let suffixes = ["_total", "_bucket", "_sum", "_count", "_seconds", "_bytes"];
    let is_named = suffixes.iter().any(|suffix| first.ends_with(suffix));
    (is_selector || is_metric || is_named).then_some(PROMQL)
}
