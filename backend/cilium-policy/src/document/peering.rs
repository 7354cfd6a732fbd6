//! The peers of a CiliumNetworkPolicy rule: endpoints, nodes, entities, CIDRs, names, Services and
//! groups. Source: pkg/policy/api/{ingress,egress,entity,cidr}.go.

use vocabulary::reserved;

use super::{
    Refusal, RefusalCase,
    groups::group_key,
    object::Object,
    selector::{
        Decoding, RawSelector, Spelled, cidr_text, cilium_peer, decode, excepting, name_text,
        node_peer,
    },
};
use crate::{
    Direction, GroupSelector, NamePattern, Operator, Peer, PeerMatcher, Peers, Position, Prefix,
    Requirement, Selector, ServiceSelector, Settings, source::Node,
};

/// The peers of one rule.
pub(super) struct Peering<'r, 'n> {
    pub(super) rule: &'r Object<'n>,
    pub(super) direction: Direction,
    pub(super) is_deny: bool,
    pub(super) namespace: &'r str,
    pub(super) subject_is_init: bool,
    pub(super) settings: &'r Settings,
}

/// The field names of one direction, in YAML and in Go.
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
    pub(super) fn peers(&self) -> Result<Peers, Refusal> {
        let fields = match self.direction {
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
            let key = group_key(node, &self.rule.path(fields.groups))?;
            peers.push(Peer {
                at: node.at,
                field: fields.groups,
                text: format!("cidrgroup:{key}").into(),
                matcher: PeerMatcher::CloudGroup { key },
            });
        }
        self.services(&mut peers)?;
        // If one of these five lists is empty, the rule has no peers, whatever its other fields
        // hold.
        for name in [fields.endpoints, fields.nodes, fields.entities, fields.cidr, fields.cidr_set]
        {
            if self.rule.list(name, "list")?.is_some_and(<[Node]>::is_empty) {
                return Ok(Peers::Empty { at: self.rule.at(name) });
            }
        }
        Ok(if peers.is_empty() { Peers::Absent } else { Peers::Any(peers) })
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
            if self.direction == Direction::Ingress && name.starts_with("to") {
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
            )
            .of_case(RefusalCase::TwoPeerKinds));
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
            let (selector, text) =
                cilium_peer(&raw, self.namespace, self.subject_is_init, self.settings);
            peers.push(Peer {
                at: raw.at,
                field,
                matcher: PeerMatcher::Labels(selector),
                text: text.into(),
            });
        }
        Ok(())
    }

    fn nodes(&self, field: &'static str, peers: &mut Vec<Peer>) -> Result<(), Refusal> {
        for raw in self.selectors(field)? {
            let (selector, text) = node_peer(&raw, self.settings);
            peers.push(Peer {
                at: raw.at,
                field,
                matcher: PeerMatcher::Nodes(selector),
                text: text.into(),
            });
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
                text: entity_text(&selector).into(),
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
            peers.push(Peer { at, field, matcher, text: cidr_text(&text, &[]).into() });
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
            let (matcher, text) = if cidr.is_empty() {
                for (at, text) in &excepts {
                    except.push(prefix_at(*at, text)?);
                }
                let (selector, text) = if let Some(raw) = selector {
                    let selector = Selector::new(raw.requirements("cidrgroup:", ""));
                    let text = raw.spelled("cidrgroup:", "").into_text();
                    (GroupSelector::Labels(selector), text)
                } else {
                    let text = format!("cidrgroup:io.cilium.policy.cidrgroupname/{group}");
                    (GroupSelector::Name(group.into_owned()), text)
                };
                (PeerMatcher::CidrGroup { selector, except }, excepting(text, &excepts))
            } else {
                let prefix = Prefix::parse(&cidr).map_err(|what| {
                    Refusal::invalid(
                        item.at("cidr"),
                        format!("unable to parse CIDRRule {cidr:?}: {what}"),
                    )
                })?;
                for (at, text) in &excepts {
                    let parsed = prefix_at(*at, text)?;
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
                (PeerMatcher::Cidr { prefix, except }, cidr_text(&cidr, &excepts))
            };
            peers.push(Peer { at: item.at, field, matcher, text: text.into() });
        }
        Ok(())
    }

    fn names(&self, peers: &mut Vec<Peer>) -> Result<(), Refusal> {
        if self.is_deny || self.direction == Direction::Ingress {
            return Ok(());
        }
        let items = self
            .rule
            .objects("toFQDNs", "FQDNSelector", &["matchName", "matchPattern"])?
            .unwrap_or_default();
        for item in items {
            let name = item.string_or_empty("matchName")?;
            let given_pattern = item.string_or_empty("matchPattern")?;
            if !name.is_empty() && !given_pattern.is_empty() {
                return Err(Refusal::invalid(
                    item.at,
                    "only one of MatchName or MatchPattern is allowed in an FQDNSelector",
                ));
            }
            let parsed = if name.is_empty() {
                NamePattern::of_pattern(&given_pattern).map_err(|err| err.to_string())
            } else {
                // Cilium's message for this check differs here.
                NamePattern::of_name(&name)
                    .map_err(|err| err.to_string().replace("and . and -", "and ., -, _"))
            };
            let pattern = parsed.map_err(|reason| Refusal::invalid(item.at, reason))?;
            peers.push(Peer {
                at: item.at,
                field: "toFQDNs",
                matcher: PeerMatcher::Name(pattern),
                text: name_text(&name, &given_pattern).into(),
            });
        }
        Ok(())
    }

    fn services(&self, peers: &mut Vec<Peer>) -> Result<(), Refusal> {
        if self.direction == Direction::Ingress {
            return Ok(());
        }
        // Source: pkg/policy/k8s/service.go `processRule`, which only handles rules that allow.
        let are_empty = self.settings.services_are_empty || self.is_deny;
        let items = self
            .rule
            .objects("toServices", "Service", &["k8sServiceSelector", "k8sService"])?
            .unwrap_or_default();
        for item in items {
            let named =
                item.object("k8sService", "K8sServiceNamespace", &["serviceName", "namespace"])?;
            let mut meant = match named {
                None => None,
                Some(service) => Some(ServiceSelector::Name {
                    namespace: service.string_or_empty("namespace")?.into_owned(),
                    name: service.string_or_empty("serviceName")?.into_owned(),
                }),
            };
            let selected = item.object(
                "k8sServiceSelector",
                "K8sServiceSelectorNamespace",
                &["selector", "namespace"],
            )?;
            if let Some(selected) = selected {
                let namespace = selected.string_or_empty("namespace")?.into_owned();
                let mut requirements = match selected.get("selector") {
                    Some(node) => decode(node, &selected.path("selector"), Decoding::Plain)?
                        .requirements("", ""),
                    None => Vec::new(),
                };
                for requirement in &mut requirements {
                    requirement.source = None;
                }
                let selector = Selector::new(requirements);
                meant = Some(ServiceSelector::Labels { namespace, selector });
            }
            if let Some(meant) = meant.filter(|_| !are_empty) {
                peers.push(Peer {
                    at: item.at,
                    field: "toServices",
                    text: format!("service at {}:{}", item.at.line, item.at.column).into(),
                    matcher: PeerMatcher::Service(meant),
                });
            }
        }
        Ok(())
    }
}

/// The text of an entity's selector.
fn entity_text(selector: &Selector) -> String {
    let mut spelled = Spelled::default();
    for requirement in &selector.requirements {
        let key = format!("{}:{}", requirement.source.as_deref().unwrap_or("any"), requirement.key);
        match &requirement.operator {
            Operator::In(values) => {
                spelled.label(key, values.first().map_or("", String::as_str));
            }
            // Among entities, only the cluster mesh uses an expression, and its key has no source.
            _ => spelled.expression(&requirement.key, "Exists", &[]),
        }
    }
    spelled.into_text()
}

/// The selectors of an entity. Source: pkg/policy/api/entity.go.
fn entity(name: &str, settings: &Settings) -> Option<Vec<Selector>> {
    let reserved_labels = |names: &[&str]| -> Vec<Selector> {
        names.iter().map(|name| Selector::of_label(reserved::SOURCE, name, "")).collect()
    };
    // An entity also selects the aggregate entries for identities of its kind.
    let with_aggregate = |names: &[&'static str], aggregate: &'static str| {
        let mut selectors = reserved_labels(names);
        if settings.release.has_aggregates() {
            selectors.extend(reserved_labels(&[aggregate]));
        }
        selectors
    };
    let inside =
        ["host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver"];
    Some(match name {
        "all" => vec![Selector::default()],
        "world" => with_aggregate(&["world", "world-ipv4", "world-ipv6"], "aggregate-world"),
        "remote-node" => with_aggregate(&["remote-node"], "aggregate-remote-node"),
        name if name == "none" || reserved::number(name).is_some() => reserved_labels(&[name]),
        "cluster" => {
            let mut selectors = with_aggregate(&inside, "aggregate-cluster");
            selectors.push(Selector::of_label(
                "k8s",
                crate::identity_label::CLUSTER,
                &settings.cluster_name,
            ));
            selectors
        }
        "cluster-mesh" => {
            let mut selectors = with_aggregate(&inside, "aggregate-cluster");
            if settings.release.has_aggregates() {
                selectors.extend(reserved_labels(&["aggregate-cluster-mesh"]));
            }
            selectors.push(Selector::new(vec![Requirement::new(
                crate::identity_label::CLUSTER,
                Operator::Exists,
            )]));
            selectors
        }
        _ => return None,
    })
}

/// The prefix of a text. Errors: it is not a prefix.
fn prefix_at(at: Position, text: &str) -> Result<Prefix, Refusal> {
    Prefix::parse(text).map_err(|err| Refusal::invalid(at, err.to_string()))
}
