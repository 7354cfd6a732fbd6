//! CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy. Source: pkg/policy/api,
//! pkg/k8s/apis/cilium.io/utils, pkg/policy/utils/parserules.go.

use super::{
    Document, Refusal, RefusalCase,
    object::Object,
    peering::Peering,
    ports::{PortContext, icmps, to_ports},
    selector::{Decoding, POD_NAMESPACE, RawSelector, decode, k8s},
};
use crate::{
    Action, Authentication, Clause, Direction, Entry, Operator, PolicyKind, PortRule, Position,
    Selector, Settings, Tier,
    source::{Node, Value},
};

const RULE_FIELDS: &[&str] = &[
    "endpointSelector",
    "nodeSelector",
    "ingress",
    "ingressDeny",
    "egress",
    "egressDeny",
    "labels",
    "enableDefaultDeny",
    "description",
    "log",
];
const INGRESS_COMMON: &[&str] = &[
    "fromEndpoints",
    "fromRequires",
    "fromCIDR",
    "fromCIDRSet",
    "fromEntities",
    "fromGroups",
    "fromNodes",
];
const EGRESS_COMMON: &[&str] = &[
    "toEndpoints",
    "toRequires",
    "toCIDR",
    "toCIDRSet",
    "toEntities",
    "toServices",
    "toGroups",
    "toNodes",
];

/// The entries of one document.
pub(super) fn entries(document: &Document<'_>, settings: &Settings) -> Result<Vec<Entry>, Refusal> {
    let kind = document.name.kind.name();
    let root = document.root;
    let mut rules: Vec<(Option<usize>, &Node)> = Vec::new();
    let spec = root.get("spec").filter(|node| !node.is_null());
    if let Some(node) = spec {
        rules.push((None, node));
    }
    let specs = root.get("specs").filter(|node| !node.is_null());
    if let Some(node) = specs {
        let Value::List(items) = &node.value else {
            return Err(super::object::mismatch(node, Some(kind), "specs", "api.Rules"));
        };
        rules.extend(items.iter().enumerate().map(|(index, item)| (Some(index), item)));
    }
    if spec.is_none() && specs.is_none() {
        return Err(Refusal::invalid(root.at, format!("Invalid {kind} spec(s): empty policy")));
    }
    let decoded = rules
        .iter()
        .map(|(index, node)| {
            RawRule::decode(node, if index.is_some() { "specs" } else { "spec" })
                .map(|rule| (*index, rule))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut entries = Vec::new();
    for (index, rule) in &decoded {
        let part = if index.is_some() { "specs" } else { "spec" };
        rule.entries(document, *index, settings, &mut entries)
            .map_err(|refusal| refusal.within(kind, part))?;
        if rule.node_selector.is_some() && document.name.kind == PolicyKind::CiliumNetworkPolicy {
            return Err(Refusal::invalid(
                rule.node_selector.as_ref().map_or(rule.at, |selector| selector.at),
                "Invalid CiliumNetworkPolicy spec: rule cannot have NodeSelector",
            ));
        }
    }
    Ok(entries)
}

struct RawRule<'n> {
    at: Position,
    endpoint_selector: Option<RawSelector>,
    node_selector: Option<RawSelector>,
    lists: Vec<RawList<'n>>,
    default_deny_ingress: Option<bool>,
    default_deny_egress: Option<bool>,
    log: String,
}

struct RawList<'n> {
    name: &'static str,
    direction: Direction,
    is_deny: bool,
    rules: Vec<Object<'n>>,
}

impl<'n> RawRule<'n> {
    fn decode(node: &'n Node, path: &str) -> Result<Self, Refusal> {
        let Some(object) = Object::new(node, "Rule", path.to_owned(), RULE_FIELDS)? else {
            return Err(Refusal::invalid(node.at, "rule must not be null"));
        };
        let selector = |name: &str| {
            object.raw(name).map(|node| decode(node, &object.path(name), Decoding::Own)).transpose()
        };
        let mut lists = Vec::new();
        for (name, go_type, direction, is_deny) in [
            ("ingress", "IngressRule", Direction::Ingress, false),
            ("ingressDeny", "IngressDenyRule", Direction::Ingress, true),
            ("egress", "EgressRule", Direction::Egress, false),
            ("egressDeny", "EgressDenyRule", Direction::Egress, true),
        ] {
            let (embedded, common) = match direction {
                Direction::Ingress => ("IngressCommonRule", INGRESS_COMMON),
                Direction::Egress => ("EgressCommonRule", EGRESS_COMMON),
            };
            let mut known = common.to_vec();
            known.extend(["toPorts", "icmps"]);
            if !is_deny {
                known.push("authentication");
                if direction == Direction::Egress {
                    known.push("toFQDNs");
                }
            }
            let rules = object
                .objects(name, go_type, &known)?
                .unwrap_or_default()
                .into_iter()
                .map(|rule| rule.embedding(embedded, common))
                .collect();
            lists.push(RawList { name, direction, is_deny, rules });
        }
        let default_deny =
            object.object("enableDefaultDeny", "DefaultDenyConfig", &["ingress", "egress"])?;
        let default_deny_of = |name| match &default_deny {
            Some(object) => object.boolean(name),
            None => Ok(None),
        };
        let log = match object.object("log", "LogConfig", &["value"])? {
            Some(log) => log.string_or_empty("value")?.into_owned(),
            None => String::new(),
        };
        object.string("description")?;
        labels(&object)?;
        Ok(Self {
            at: node.at,
            endpoint_selector: selector("endpointSelector")?,
            node_selector: selector("nodeSelector")?,
            default_deny_ingress: default_deny_of("ingress")?,
            default_deny_egress: default_deny_of("egress")?,
            lists,
            log,
        })
    }

    fn entries(
        &self,
        document: &Document<'_>,
        spec: Option<usize>,
        settings: &Settings,
        out: &mut Vec<Entry>,
    ) -> Result<(), Refusal> {
        if self.lists.iter().all(|list| list.rules.is_empty()) {
            return Err(Refusal::invalid(
                self.at,
                "rule must have at least one of Ingress, IngressDeny, Egress, EgressDeny",
            )
            .of_case(RefusalCase::NoRules)
            .noted("an empty list turns nothing on: the policy enforces nothing; `- {}` turns on default deny"));
        }
        let (raw_subject, is_node) = match (&self.endpoint_selector, &self.node_selector) {
            (None, None) => {
                return Err(Refusal::invalid(
                    self.at,
                    "rule must have one of EndpointSelector or NodeSelector",
                ));
            }
            (Some(_), Some(node)) => {
                return Err(Refusal::invalid(
                    node.at,
                    "rule cannot have both EndpointSelector and NodeSelector",
                ));
            }
            (Some(selector), None) => (selector, false),
            (None, Some(selector)) => (selector, true),
        };
        raw_subject.validate()?;
        let namespace = document.name.namespace.as_str();
        let mut raw_subject = raw_subject.clone();
        if !is_node && !namespace.is_empty() {
            // The policy's namespace replaces the value of `matchLabels` under this key.
            raw_subject.remove_match_label("k8s:io.kubernetes.pod.namespace");
        }
        let mut requirements = raw_subject.requirements("", "");
        let subject_is_init =
            requirements.iter().any(|r| r.source.as_deref() == Some("reserved") && r.key == "init")
                && !is_node;
        if !is_node && !namespace.is_empty() {
            requirements.push(k8s(POD_NAMESPACE, Operator::In(vec![namespace.to_owned()])));
        }
        let subject = Selector::new(requirements);
        for list in &self.lists {
            let default_deny = match list.direction {
                Direction::Ingress => self.default_deny_ingress,
                Direction::Egress => self.default_deny_egress,
            }
            .filter(|_| settings.non_default_deny)
            .unwrap_or(true);
            for (index, rule) in list.rules.iter().enumerate() {
                let context = PortContext {
                    is_ingress: list.direction == Direction::Ingress,
                    is_deny: list.is_deny,
                    is_host: is_node,
                    settings,
                };
                let peers = Peering {
                    rule,
                    direction: list.direction,
                    is_deny: list.is_deny,
                    namespace,
                    subject_is_init,
                    settings,
                }
                .peers()?;
                let ports = ports(rule, context)?;
                let authentication = authentication(rule, list.is_deny)?;
                out.push(Entry {
                    policy: document.policy,
                    clause: Clause { spec, list: list.name, index: Some(index), peer: None },
                    at: rule.at,
                    direction: list.direction,
                    tier: Tier::Normal,
                    priority: 0,
                    action: if list.is_deny { Action::Deny } else { Action::Allow },
                    subject: subject.clone(),
                    is_node,
                    default_deny,
                    peers,
                    ports,
                    authentication,
                    log: self.log.clone(),
                });
            }
        }
        Ok(())
    }
}

fn labels(rule: &Object<'_>) -> Result<(), Refusal> {
    for node in rule.list("labels", "labels.LabelArray")?.unwrap_or_default() {
        let is_label = match &node.value {
            Value::String(text) => !text.is_empty(),
            Value::Map(_) => {
                let is_text = |name| {
                    node.get(name).is_none_or(|node| node.is_null() || node.as_str().is_some())
                };
                node.get("key").and_then(Node::as_str).is_some_and(|k| !k.is_empty())
                    && is_text("value")
                    && is_text("source")
            }
            _ => false,
        };
        if !is_label {
            return Err(Refusal::field(node.at, "invalid Label: it has no key"));
        }
    }
    Ok(())
}

/// The ports of `toPorts` and `icmps` together; `None` if both are missing or empty.
fn ports(rule: &Object<'_>, context: PortContext<'_>) -> Result<Option<Vec<PortRule>>, Refusal> {
    let has_icmps = rule.list("icmps", "api.ICMPRules")?.is_some_and(|list| !list.is_empty());
    let has_ports = rule.list("toPorts", "api.PortRules")?.is_some_and(|list| !list.is_empty());
    if has_icmps && has_ports {
        return Err(Refusal::invalid(
            rule.at("icmps"),
            "the ICMPs block may only be present without ToPorts. Define a separate rule to use ToPorts",
        ));
    }
    if has_icmps && !context.settings.icmp_rules {
        return Err(Refusal::invalid(
            rule.at("icmps"),
            "ICMP rules can only be applied when the \"enable-icmp-rules\" flag is set",
        ));
    }
    let mut ports = to_ports(rule, context)?.unwrap_or_default();
    let asks_proxy = |rule: &&PortRule| !rule.l7.http.is_empty() || !rule.l7.dns.is_empty();
    if !context.settings.l7_proxy
        && let Some(rule) = ports.iter().find(asks_proxy)
    {
        return Err(Refusal::invalid(
            rule.at,
            "L7 policy is not supported since L7 proxy is not enabled",
        ));
    }
    ports.extend(icmps(rule)?);
    Ok(if ports.is_empty() { None } else { Some(ports) })
}

fn authentication(rule: &Object<'_>, is_deny: bool) -> Result<Option<Authentication>, Refusal> {
    if is_deny {
        return Ok(None);
    }
    let Some(authentication) = rule.object("authentication", "Authentication", &["mode"])? else {
        return Ok(None);
    };
    Ok(Some(match authentication.string_or_empty("mode")?.as_ref() {
        "required" => Authentication::Required,
        "test-always-fail" => Authentication::AlwaysFail,
        "disabled" => Authentication::Disabled,
        mode => Authentication::Other(mode.to_owned()),
    }))
}
