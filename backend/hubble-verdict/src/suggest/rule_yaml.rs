//! Rules as YAML.

use cilium_policy::{Direction, Protocol, yaml_writer::Yaml};

use super::rules::{HttpRequest, PeerKey, RuleBody, RuleKey};

/// Whether a protocol has types instead of ports.
pub(super) const fn is_icmp((protocol, _): (u8, u16)) -> bool {
    matches!(protocol, 1 | 58)
}

/// Maximum number of ports, or ICMP types, in one list. Source: the CRD's `maxItems` of `ports` and
/// `fields`.
const MAX_PORTS: usize = 40;

/// One item of `ingress` or `egress`.
pub(super) fn rule(key: &RuleKey, body: &RuleBody, namespace: &str, is_clusterwide: bool) -> Yaml {
    let (field, item) = peer(key, namespace, is_clusterwide);
    let mut entries = vec![(field.to_owned(), Yaml::List(vec![item]))];
    let types: Vec<(u8, u16)> = body.ports.iter().copied().filter(|port| is_icmp(*port)).collect();
    let lists = |ports: &[(u8, u16)], item: &dyn Fn(Yaml) -> Yaml| {
        let lists = ports.chunks(MAX_PORTS);
        Yaml::List(
            lists
                .map(|ports| item(Yaml::List(ports.iter().copied().map(port).collect())))
                .collect(),
        )
    };
    if !types.is_empty() {
        let fields = |types| Yaml::map([("fields", types)]);
        entries.push(("icmps".to_owned(), lists(&types, &fields)));
        return Yaml::Map(entries);
    }
    let to_ports = |ports| {
        let mut to_ports = vec![("ports".to_owned(), ports)];
        let (dns, http) = requests(body);
        if !dns.is_empty() {
            to_ports.push(("rules".to_owned(), Yaml::map([("dns", Yaml::List(dns))])));
        } else if !http.is_empty() {
            to_ports.push(("rules".to_owned(), Yaml::map([("http", Yaml::List(http))])));
        }
        Yaml::Map(to_ports)
    };
    entries.push(("toPorts".to_owned(), lists(&body.ports, &to_ports)));
    Yaml::Map(entries)
}

/// Name and value of a rule's peer field.
pub(super) fn peer(key: &RuleKey, namespace: &str, is_clusterwide: bool) -> (&'static str, Yaml) {
    let is_ingress = key.direction == Direction::Ingress;
    let pick = |ingress, egress| if is_ingress { ingress } else { egress };
    match &key.peer {
        PeerKey::Entity(entity) => (pick("fromEntities", "toEntities"), Yaml::text(*entity)),
        PeerKey::Cidr(cidr) => (pick("fromCIDR", "toCIDR"), Yaml::text(cidr)),
        PeerKey::Name(name) if !is_ingress => {
            ("toFQDNs", Yaml::map([("matchName", Yaml::text(name))]))
        }
        PeerKey::Name(_) => ("fromEntities", Yaml::text("world")),
        PeerKey::Pods { namespace: own, labels } => {
            let own = own.as_deref().or(is_clusterwide.then_some(namespace));
            let labels = labels
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .chain(own.map(|own| ("k8s:io.kubernetes.pod.namespace", own)));
            (pick("fromEndpoints", "toEndpoints"), selector(labels))
        }
    }
}

/// A port, or an ICMP type.
pub(super) fn port((protocol, number): (u8, u16)) -> Yaml {
    match protocol {
        1 | 58 => Yaml::map([
            ("type", Yaml::Bare(number.to_string())),
            ("family", Yaml::text(if protocol == 58 { "IPv6" } else { "IPv4" })),
        ]),
        _ => Yaml::map([
            ("port", Yaml::text(number.to_string())),
            ("protocol", Yaml::text(Protocol::Number(protocol).name())),
        ]),
    }
}

/// DNS and HTTP rules of a body.
pub(super) fn requests(body: &RuleBody) -> (Vec<Yaml>, Vec<Yaml>) {
    let dns = body.dns.iter().map(|name| {
        let field = if name.contains('*') { "matchPattern" } else { "matchName" };
        Yaml::map([(field, Yaml::text(name))])
    });
    let http = body.http.iter().map(|HttpRequest { method, path, host, headers }| {
        let mut fields = vec![
            ("method".to_owned(), Yaml::text(method)),
            ("path".to_owned(), Yaml::text(escape(path))),
        ];
        fields.extend(host.as_ref().map(|host| ("host".to_owned(), Yaml::text(host))));
        if !headers.is_empty() {
            let headers = headers.iter().map(Yaml::text).collect();
            fields.push(("headers".to_owned(), Yaml::List(headers)));
        }
        Yaml::Map(fields)
    });
    (dns.collect(), http.collect())
}

pub(super) fn selector<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Yaml {
    let labels: Vec<(String, Yaml)> =
        labels.map(|(key, value)| (key.to_owned(), Yaml::text(value))).collect();
    if labels.is_empty() {
        return Yaml::Map(Vec::new());
    }
    Yaml::map([("matchLabels", Yaml::Map(labels))])
}

/// A regular expression that matches exactly this text.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '/' | '-' | '_' | '&' | '=' | '%' | ',' | ':') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
