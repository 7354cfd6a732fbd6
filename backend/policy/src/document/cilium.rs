//! CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy. Source: pkg/policy/api,
//! pkg/k8s/apis/cilium.io/utils, pkg/policy/utils/parserules.go.

use super::{
    Document, Refusal,
    object::Object,
    ports::{PortContext, icmps, to_ports},
    selector::{Decoding, POD_NAMESPACE, RawSelector, cilium_peer, decode, k8s, node_peer},
};
use crate::{
    Action, Authentication, Clause, Direction, Entry, GroupSelector, NamePattern, Operator, Peer,
    PeerMatcher, Peers, PolicyKind, PortRule, Position, Prefix, Requirement, Selector, Settings,
    Tier,
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

/// Entries of one document.
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
        let within = format!("Invalid {kind} {part}");
        rule.entries(document, *index, settings, &mut entries)
            .map_err(|refusal| refusal.within(&within))?;
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
        let posture = |name| match &default_deny {
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
            default_deny_ingress: posture("ingress")?,
            default_deny_egress: posture("egress")?,
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
            .noted("an empty list is no block: the policy enforces nothing; `- {}` turns on default deny"));
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
            // The policy's namespace takes the place of what `matchLabels` says under this key.
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
            .unwrap_or(true);
            for (index, rule) in list.rules.iter().enumerate() {
                let context = PortContext {
                    is_ingress: list.direction == Direction::Ingress,
                    is_deny: list.is_deny,
                    is_host: is_node,
                    settings,
                };
                let peers = Peering { rule, list, namespace, subject_is_init, settings }.peers()?;
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
            Value::Map(_) => node.get("key").and_then(Node::as_str).is_some_and(|k| !k.is_empty()),
            _ => false,
        };
        if !is_label {
            return Err(Refusal::field(node.at, "invalid Label: it has no key"));
        }
    }
    Ok(())
}

/// `toPorts` and `icmps` together; none where both are missing or empty.
fn ports(rule: &Object<'_>, context: PortContext<'_>) -> Result<Option<Vec<PortRule>>, Refusal> {
    let has_icmps = rule.list("icmps", "api.ICMPRules")?.is_some_and(|list| !list.is_empty());
    let has_ports = rule.list("toPorts", "api.PortRules")?.is_some_and(|list| !list.is_empty());
    if has_icmps && has_ports {
        return Err(Refusal::invalid(
            rule.at("icmps"),
            "the ICMPs block may only be present without ToPorts. Define a separate rule to use ToPorts",
        ));
    }
    let mut ports = to_ports(rule, context)?.unwrap_or_default();
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
        _ => Authentication::Disabled,
    }))
}

/// The other side of one rule.
struct Peering<'r, 'n> {
    rule: &'r Object<'n>,
    list: &'r RawList<'n>,
    namespace: &'r str,
    subject_is_init: bool,
    settings: &'r Settings,
}

/// Field names of one direction; Go's names for the same.
struct Fields {
    endpoints: &'static str,
    nodes: &'static str,
    entities: &'static str,
    cidr: &'static str,
    cidr_set: &'static str,
    groups: &'static str,
    requires: &'static str,
}

const FROM: Fields = Fields {
    endpoints: "fromEndpoints",
    nodes: "fromNodes",
    entities: "fromEntities",
    cidr: "fromCIDR",
    cidr_set: "fromCIDRSet",
    groups: "fromGroups",
    requires: "fromRequires",
};
const TO: Fields = Fields {
    endpoints: "toEndpoints",
    nodes: "toNodes",
    entities: "toEntities",
    cidr: "toCIDR",
    cidr_set: "toCIDRSet",
    groups: "toGroups",
    requires: "toRequires",
};

impl Peering<'_, '_> {
    fn peers(&self) -> Result<Peers, Refusal> {
        let fields = match self.list.direction {
            Direction::Ingress => &FROM,
            Direction::Egress => &TO,
        };
        self.rule.strings(fields.requires, "[]string")?;
        self.check_single_kind(fields)?;
        let mut peers = Vec::new();
        self.endpoints(fields.endpoints, &mut peers)?;
        self.nodes(fields.nodes, &mut peers)?;
        self.cidrs(fields.cidr, &mut peers)?;
        self.cidr_set(fields.cidr_set, &mut peers)?;
        self.entities(fields.entities, &mut peers)?;
        self.names(&mut peers)?;
        for node in self.rule.list(fields.groups, "[]api.Groups")?.unwrap_or_default() {
            peers.push(Peer {
                at: node.at,
                field: fields.groups,
                matcher: PeerMatcher::CloudGroup,
            });
        }
        self.services(&mut peers)?;
        // These five decide by being empty, whatever else the rule says.
        for name in [fields.endpoints, fields.nodes, fields.entities, fields.cidr, fields.cidr_set]
        {
            if self.rule.list(name, "list")?.is_some_and(<[Node]>::is_empty) {
                return Ok(Peers::Nobody { at: self.rule.at(name) });
            }
        }
        Ok(if peers.is_empty() { Peers::Unlimited } else { Peers::Any(peers) })
    }

    fn check_single_kind(&self, fields: &Fields) -> Result<(), Refusal> {
        let mut given: Vec<(&str, String)> = Vec::new();
        let names = [
            fields.cidr,
            fields.cidr_set,
            fields.endpoints,
            fields.entities,
            "toServices",
            fields.groups,
            fields.nodes,
            "toFQDNs",
        ];
        for name in names {
            if self.list.direction == Direction::Ingress && name.starts_with("to") {
                continue;
            }
            if self.rule.list(name, "list")?.is_some_and(|list| !list.is_empty()) {
                let mut go_name = name.to_owned();
                if let Some(first) = go_name.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                given.push((name, go_name));
            }
        }
        if let [(_, one), (second, other), ..] = given.as_slice() {
            return Err(Refusal::invalid(
                self.rule.at(second),
                format!("combining {one} and {other} is not supported yet"),
            ));
        }
        if !self.settings.node_selector_labels
            && self.rule.list(fields.nodes, "list")?.is_some_and(|list| !list.is_empty())
        {
            return Err(Refusal::invalid(
                self.rule.at(fields.nodes),
                "FromNodes/ToNodes rules can only be applied when the \"enable-node-selector-labels\" flag is set",
            ));
        }
        Ok(())
    }

    fn selectors(&self, name: &str) -> Result<Vec<RawSelector>, Refusal> {
        self.rule
            .list(name, "[]api.EndpointSelector")?
            .unwrap_or_default()
            .iter()
            .map(|node| {
                let raw = decode(node, &self.rule.path(name), Decoding::Own)?;
                raw.validate()?;
                Ok(raw)
            })
            .collect()
    }

    fn endpoints(&self, field: &'static str, peers: &mut Vec<Peer>) -> Result<(), Refusal> {
        for raw in self.selectors(field)? {
            let selector = cilium_peer(&raw, self.namespace, self.subject_is_init, self.settings);
            peers.push(Peer { at: raw.at, field, matcher: PeerMatcher::Labels(selector) });
        }
        Ok(())
    }

    fn nodes(&self, field: &'static str, peers: &mut Vec<Peer>) -> Result<(), Refusal> {
        for raw in self.selectors(field)? {
            let selector = node_peer(&raw, self.settings);
            peers.push(Peer { at: raw.at, field, matcher: PeerMatcher::Nodes(selector) });
        }
        Ok(())
    }

    fn entities(&self, field: &'static str, peers: &mut Vec<Peer>) -> Result<(), Refusal> {
        for (at, name) in self.rule.strings(field, "api.EntitySlice")?.unwrap_or_default() {
            let Some(selectors) = entity(&name, self.settings) else {
                return Err(Refusal::invalid(at, format!("unsupported entity: {name}")));
            };
            peers.extend(selectors.into_iter().map(|selector| Peer {
                at,
                field,
                matcher: PeerMatcher::Labels(selector),
            }));
        }
        Ok(())
    }

    fn cidrs(&self, field: &'static str, peers: &mut Vec<Peer>) -> Result<(), Refusal> {
        for (at, text) in self.rule.strings(field, "api.CIDRSlice")?.unwrap_or_default() {
            if text.is_empty() {
                return Err(Refusal::invalid(at, "IP must be specified"));
            }
            let prefix = Prefix::parse(&text)
                .map_err(|what| Refusal::invalid(at, format!("unable to parse CIDR: {what}")))?;
            let matcher = PeerMatcher::Cidr { prefix, except: Vec::new() };
            peers.push(Peer { at, field, matcher });
        }
        Ok(())
    }

    fn cidr_set(&self, field: &'static str, peers: &mut Vec<Peer>) -> Result<(), Refusal> {
        let items = self
            .rule
            .objects(field, "CIDRRule", &["cidr", "cidrGroupRef", "cidrGroupSelector", "except"])?
            .unwrap_or_default();
        for item in items {
            let cidr = item.string_or_empty("cidr")?;
            let group = item.string_or_empty("cidrGroupRef")?;
            let selector = item
                .raw("cidrGroupSelector")
                .map(|node| decode(node, &item.path("cidrGroupSelector"), Decoding::Own))
                .transpose()?;
            let excepts = item.strings("except", "[]api.CIDR")?.unwrap_or_default();
            let given = [!cidr.is_empty(), !group.is_empty(), selector.is_some()].map(usize::from);
            if let Some(raw) = &selector {
                raw.validate()?;
            }
            match given.iter().sum::<usize>() {
                0 => {
                    return Err(Refusal::invalid(
                        item.at,
                        "one of cidr, cidrGroupRef, or cidrGroupSelector is required",
                    ));
                }
                1 => {}
                _ => {
                    return Err(Refusal::invalid(
                        item.at,
                        "more than one of cidr, cidrGroupRef, or cidrGroupSelector may not be set",
                    ));
                }
            }
            let mut except = Vec::new();
            let matcher = if cidr.is_empty() {
                for (at, text) in &excepts {
                    except.push(Prefix::parse(text).map_err(|what| Refusal::invalid(*at, what))?);
                }
                let selector = match selector {
                    Some(raw) => {
                        GroupSelector::Labels(Selector::new(raw.requirements("cidrgroup:", "")))
                    }
                    None => GroupSelector::Name(group.into_owned()),
                };
                PeerMatcher::CidrGroup { selector, except }
            } else {
                let prefix = Prefix::parse(&cidr).map_err(|what| {
                    Refusal::invalid(
                        item.at("cidr"),
                        format!("unable to parse CIDRRule {cidr:?}: {what}"),
                    )
                })?;
                for (at, text) in &excepts {
                    let parsed = Prefix::parse(text).map_err(|what| Refusal::invalid(*at, what))?;
                    if !prefix.contains(&parsed) {
                        return Err(Refusal::invalid(
                            *at,
                            format!(
                                "allow CIDR prefix {cidr} does not contain exclude CIDR prefix {text}"
                            ),
                        ));
                    }
                    except.push(parsed);
                }
                PeerMatcher::Cidr { prefix, except }
            };
            peers.push(Peer { at: item.at, field, matcher });
        }
        Ok(())
    }

    fn names(&self, peers: &mut Vec<Peer>) -> Result<(), Refusal> {
        if self.list.is_deny || self.list.direction == Direction::Ingress {
            return Ok(());
        }
        let items = self
            .rule
            .objects("toFQDNs", "FQDNSelector", &["matchName", "matchPattern"])?
            .unwrap_or_default();
        for item in items {
            let name = item.string_or_empty("matchName")?;
            let pattern = item.string_or_empty("matchPattern")?;
            if !name.is_empty() && !pattern.is_empty() {
                return Err(Refusal::invalid(
                    item.at,
                    "only one of MatchName or MatchPattern is allowed in an FQDNSelector",
                ));
            }
            let parsed = if name.is_empty() {
                NamePattern::of_pattern(&pattern)
            } else {
                // The same check has other words here.
                NamePattern::of_name(&name)
                    .map_err(|reason| reason.replace("and . and -", "and ., -, _"))
            };
            let pattern = parsed.map_err(|what| Refusal::invalid(item.at, what))?;
            peers.push(Peer { at: item.at, field: "toFQDNs", matcher: PeerMatcher::Name(pattern) });
        }
        Ok(())
    }

    fn services(&self, peers: &mut Vec<Peer>) -> Result<(), Refusal> {
        if self.list.direction == Direction::Ingress {
            return Ok(());
        }
        let items = self
            .rule
            .objects("toServices", "Service", &["k8sServiceSelector", "k8sService"])?
            .unwrap_or_default();
        for item in items {
            let named =
                item.object("k8sService", "K8sServiceNamespace", &["serviceName", "namespace"])?;
            let service = match named {
                None => None,
                Some(service) => {
                    let namespace = service.string_or_empty("namespace")?;
                    let namespace =
                        if namespace.is_empty() { self.namespace.into() } else { namespace };
                    Some((
                        namespace.into_owned(),
                        service.string_or_empty("serviceName")?.into_owned(),
                    ))
                }
            };
            item.object(
                "k8sServiceSelector",
                "K8sServiceSelectorNamespace",
                &["selector", "namespace"],
            )?;
            if !self.settings.services_are_empty {
                peers.push(Peer {
                    at: item.at,
                    field: "toServices",
                    matcher: PeerMatcher::Service { service },
                });
            }
        }
        Ok(())
    }
}

/// Selectors of an entity. Source: pkg/policy/api/entity.go.
pub(crate) fn entity(name: &str, settings: &Settings) -> Option<Vec<Selector>> {
    let reserved = |names: &[&str]| -> Vec<Selector> {
        names.iter().map(|name| Selector::of_label("reserved", name, "")).collect()
    };
    let inside =
        ["host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver"];
    Some(match name {
        "all" => vec![Selector::default()],
        "world" => reserved(&["world", "world-ipv4", "world-ipv6"]),
        "world-ipv4" | "world-ipv6" | "host" | "init" | "ingress" | "remote-node" | "health"
        | "unmanaged" | "none" | "kube-apiserver" => reserved(&[name]),
        "cluster" => {
            let mut selectors = reserved(&inside);
            selectors.push(Selector::of_label(
                "k8s",
                super::selector::CLUSTER,
                &settings.cluster_name,
            ));
            selectors
        }
        "cluster-mesh" => {
            let mut selectors = reserved(&inside);
            selectors.push(Selector::new(vec![Requirement::new(
                super::selector::CLUSTER,
                Operator::Exists,
            )]));
            selectors
        }
        _ => return None,
    })
}
