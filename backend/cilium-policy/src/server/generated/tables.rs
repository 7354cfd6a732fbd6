// Made from schemas/policies.facts by `cargo xtask gen`; change it there.

use crate::server::schema::{Field, Format, Integer, List, Object, Rule, Text, Type};

static MODE: Text = Text {
    choices: &["disabled", "required", "test-always-fail"],
    ..Text::ANY
};

static FAMILY: Text = Text {
    choices: &["IPv4", "IPv6"],
    ..Text::ANY
};

static TYPE: Text = Text {
    pattern: "^([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]|EchoReply|DestinationUnreachable|Redirect|Echo|RouterAdvertisement|RouterSelection|TimeExceeded|ParameterProblem|Timestamp|TimestampReply|Photuris|ExtendedEchoRequest|ExtendedEcho Reply|PacketTooBig|ParameterProblem|EchoRequest|MulticastListenerQuery|MulticastListenerReport|MulticastListenerDone|RouterSolicitation|RouterAdvertisement|NeighborSolicitation|NeighborAdvertisement|RedirectMessage|RouterRenumbering|ICMPNodeInformationQuery|ICMPNodeInformationResponse|InverseNeighborDiscoverySolicitation|InverseNeighborDiscoveryAdvertisement|HomeAgentAddressDiscoveryRequest|HomeAgentAddressDiscoveryReply|MobilePrefixSolicitation|MobilePrefixAdvertisement|DuplicateAddressRequestCodeSuffix|DuplicateAddressConfirmationCodeSuffix)$",
    ..Text::ANY
};

static TO_CIDR: Text = Text {
    format: Some(Format::Cidr),
    ..Text::ANY
};

static CIDR_GROUP_REF: Text = Text {
    most: 253,
    pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    ..Text::ANY
};

static OPERATOR: Text = Text {
    choices: &["In", "NotIn", "Exists", "DoesNotExist"],
    ..Text::ANY
};

static MATCH_LABELS_VALUE: Text = Text {
    most: 63,
    pattern: "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
    ..Text::ANY
};

static TO_ENTITIES: Text = Text {
    choices: &["all", "world", "cluster", "cluster-mesh", "host", "init", "ingress", "unmanaged", "remote-node", "health", "none", "kube-apiserver"],
    ..Text::ANY
};

static MATCH_NAME: Text = Text {
    most: 255,
    pattern: "^([-a-zA-Z0-9_]+[.]?)+$",
    ..Text::ANY
};

static MATCH_PATTERN: Text = Text {
    most: 255,
    pattern: "^([-a-zA-Z0-9_*]+[.]?)+$",
    ..Text::ANY
};

static KIND: Text = Text {
    choices: &["CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig"],
    ..Text::ANY
};

static NAME: Text = Text {
    least: 1,
    ..Text::ANY
};

static PRIORITY: Integer = Integer { least: 1, most: 100, is_int32: false };

static END_PORT: Integer = Integer { least: 0, most: 65535, is_int32: true };

static PORT: Text = Text {
    pattern: "^(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})|([a-zA-Z0-9]-?)*[a-zA-Z](-?[a-zA-Z0-9])*$",
    ..Text::ANY
};

static PROTOCOL: Text = Text {
    choices: &["TCP", "UDP", "SCTP", "VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH", "ANY"],
    ..Text::ANY
};

static MISMATCH: Text = Text {
    choices: &["LOG", "ADD", "DELETE", "REPLACE"],
    ..Text::ANY
};

static VALUE: Text = Text {
    most: 32,
    format: Some(Format::NoOthers),
    ..Text::ANY
};

static ACTION: Text = Text {
    choices: &["Accept", "Deny", "Pass"],
    ..Text::ANY
};

static NAME2: Text = Text {
    most: 100,
    ..Text::ANY
};

static NUMBER: Integer = Integer { least: 1, most: 65535, is_int32: true };

static NETWORKS: Text = Text {
    most: 43,
    format: Some(Format::MaskedCidr),
    ..Text::ANY
};

static PRIORITY2: Integer = Integer { least: 0, most: 1000, is_int32: true };

static TIER: Text = Text {
    choices: &["Admin", "Baseline"],
    ..Text::ANY
};

pub(in crate::server) static AUTHENTICATION: Object = Object {
    fields: &[
        Field { name: "mode", is_required: true, default: None, is: Type::Text(&MODE) },
    ],
    ..Object::ANY
};

pub(in crate::server) static FIELDS: Object = Object {
    fields: &[
        Field { name: "family", is_required: false, default: Some("IPv4"), is: Type::Text(&FAMILY) },
        Field { name: "type", is_required: true, default: None, is: Type::IntegerOrText(&TYPE) },
    ],
    ..Object::ANY
};

pub(in crate::server) static ICMPS: Object = Object {
    fields: &[
        Field { name: "fields", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&FIELDS), least: 0, most: 40, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static MATCH_EXPRESSIONS: Object = Object {
    fields: &[
        Field { name: "key", is_required: true, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "operator", is_required: true, default: None, is: Type::Text(&OPERATOR) },
        Field { name: "values", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static SELECTOR: Object = Object {
    fields: &[
        Field { name: "matchExpressions", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&MATCH_EXPRESSIONS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "matchLabels", is_required: false, default: None, is: Type::Map(&Type::Text(&MATCH_LABELS_VALUE)) },
    ],
    ..Object::ANY
};

pub(in crate::server) static TO_CIDRSET: Object = Object {
    fields: &[
        Field { name: "cidr", is_required: false, default: None, is: Type::Text(&TO_CIDR) },
        Field { name: "cidrGroupRef", is_required: false, default: None, is: Type::Text(&CIDR_GROUP_REF) },
        Field { name: "cidrGroupSelector", is_required: false, default: None, is: Type::Object(&SELECTOR) },
        Field { name: "except", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&TO_CIDR), least: 0, most: usize::MAX, is_set: false }) },
    ],
    one_of: &["cidr", "cidrGroupRef", "cidrGroupSelector"],
    ..Object::ANY
};

pub(in crate::server) static TO_FQDNS: Object = Object {
    fields: &[
        Field { name: "matchName", is_required: false, default: None, is: Type::Text(&MATCH_NAME) },
        Field { name: "matchPattern", is_required: false, default: None, is: Type::Text(&MATCH_PATTERN) },
    ],
    one_of: &["matchName", "matchPattern"],
    ..Object::ANY
};

pub(in crate::server) static MANAGED_PREFIX_LIST: Object = Object {
    fields: &[
        Field { name: "ids", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "names", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "ownerIDs", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static AWS: Object = Object {
    fields: &[
        Field { name: "labels", is_required: false, default: None, is: Type::Map(&Type::Text(&Text::ANY)) },
        Field { name: "managedPrefixList", is_required: false, default: None, is: Type::Object(&MANAGED_PREFIX_LIST) },
        Field { name: "region", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "securityGroupsIds", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "securityGroupsNames", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static TO_GROUPS: Object = Object {
    fields: &[
        Field { name: "aws", is_required: false, default: None, is: Type::Object(&AWS) },
    ],
    ..Object::ANY
};

pub(in crate::server) static ENVOY_CONFIG: Object = Object {
    fields: &[
        Field { name: "kind", is_required: false, default: None, is: Type::Text(&KIND) },
        Field { name: "name", is_required: true, default: None, is: Type::Text(&NAME) },
    ],
    ..Object::ANY
};

pub(in crate::server) static LISTENER: Object = Object {
    fields: &[
        Field { name: "envoyConfig", is_required: true, default: None, is: Type::Object(&ENVOY_CONFIG) },
        Field { name: "name", is_required: true, default: None, is: Type::Text(&NAME) },
        Field { name: "priority", is_required: false, default: None, is: Type::Integer(&PRIORITY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static SECRET: Object = Object {
    fields: &[
        Field { name: "name", is_required: true, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "namespace", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static ORIGINATING_TLS: Object = Object {
    fields: &[
        Field { name: "certificate", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "privateKey", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "secret", is_required: true, default: None, is: Type::Object(&SECRET) },
        Field { name: "trustedCA", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static PORTS: Object = Object {
    fields: &[
        Field { name: "endPort", is_required: false, default: None, is: Type::Integer(&END_PORT) },
        Field { name: "port", is_required: false, default: None, is: Type::Text(&PORT) },
        Field { name: "protocol", is_required: false, default: None, is: Type::Text(&PROTOCOL) },
    ],
    ..Object::ANY
};

pub(in crate::server) static HEADER_MATCHES: Object = Object {
    fields: &[
        Field { name: "mismatch", is_required: false, default: None, is: Type::Text(&MISMATCH) },
        Field { name: "name", is_required: true, default: None, is: Type::Text(&NAME) },
        Field { name: "secret", is_required: false, default: None, is: Type::Object(&SECRET) },
        Field { name: "value", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static HTTP: Object = Object {
    fields: &[
        Field { name: "headerMatches", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&HEADER_MATCHES), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "headers", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "host", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "method", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "path", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static RULES: Object = Object {
    fields: &[
        Field { name: "dns", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_FQDNS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "http", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&HTTP), least: 0, most: usize::MAX, is_set: false }) },
    ],
    one_of: &["http", "dns"],
    ..Object::ANY
};

pub(in crate::server) static TO_PORTS: Object = Object {
    fields: &[
        Field { name: "listener", is_required: false, default: None, is: Type::Object(&LISTENER) },
        Field { name: "originatingTLS", is_required: false, default: None, is: Type::Object(&ORIGINATING_TLS) },
        Field { name: "ports", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&PORTS), least: 0, most: 40, is_set: false }) },
        Field { name: "rules", is_required: false, default: None, is: Type::Object(&RULES) },
        Field { name: "serverNames", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&MATCH_PATTERN), least: 1, most: usize::MAX, is_set: true }) },
        Field { name: "terminatingTLS", is_required: false, default: None, is: Type::Object(&ORIGINATING_TLS) },
    ],
    ..Object::ANY
};

pub(in crate::server) static K8S_SERVICE: Object = Object {
    fields: &[
        Field { name: "namespace", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "serviceName", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static K8S_SERVICE_SELECTOR: Object = Object {
    fields: &[
        Field { name: "namespace", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "selector", is_required: true, default: None, is: Type::Object(&SELECTOR) },
    ],
    ..Object::ANY
};

pub(in crate::server) static TO_SERVICES: Object = Object {
    fields: &[
        Field { name: "k8sService", is_required: false, default: None, is: Type::Object(&K8S_SERVICE) },
        Field { name: "k8sServiceSelector", is_required: false, default: None, is: Type::Object(&K8S_SERVICE_SELECTOR) },
    ],
    ..Object::ANY
};

pub(in crate::server) static EGRESS: Object = Object {
    fields: &[
        Field { name: "authentication", is_required: false, default: None, is: Type::Object(&AUTHENTICATION) },
        Field { name: "icmps", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&ICMPS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toCIDR", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&TO_CIDR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toCIDRSet", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_CIDRSET), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toEndpoints", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&SELECTOR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toEntities", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&TO_ENTITIES), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toFQDNs", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_FQDNS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toGroups", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_GROUPS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toNodes", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&SELECTOR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toPorts", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_PORTS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toRequires", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: 0, is_set: false }) },
        Field { name: "toServices", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_SERVICES), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static TO_PORTS2: Object = Object {
    fields: &[
        Field { name: "ports", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&PORTS), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static EGRESS_DENY: Object = Object {
    fields: &[
        Field { name: "icmps", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&ICMPS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toCIDR", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&TO_CIDR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toCIDRSet", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_CIDRSET), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toEndpoints", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&SELECTOR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toEntities", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&TO_ENTITIES), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toGroups", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_GROUPS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toNodes", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&SELECTOR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toPorts", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_PORTS2), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toRequires", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: 0, is_set: false }) },
        Field { name: "toServices", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_SERVICES), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static ENABLE_DEFAULT_DENY: Object = Object {
    fields: &[
        Field { name: "egress", is_required: false, default: None, is: Type::Boolean },
        Field { name: "ingress", is_required: false, default: None, is: Type::Boolean },
    ],
    ..Object::ANY
};

pub(in crate::server) static INGRESS: Object = Object {
    fields: &[
        Field { name: "authentication", is_required: false, default: None, is: Type::Object(&AUTHENTICATION) },
        Field { name: "fromCIDR", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&TO_CIDR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromCIDRSet", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_CIDRSET), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromEndpoints", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&SELECTOR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromEntities", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&TO_ENTITIES), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromGroups", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_GROUPS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromNodes", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&SELECTOR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromRequires", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: 0, is_set: false }) },
        Field { name: "icmps", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&ICMPS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toPorts", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_PORTS), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static INGRESS_DENY: Object = Object {
    fields: &[
        Field { name: "fromCIDR", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&TO_CIDR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromCIDRSet", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_CIDRSET), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromEndpoints", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&SELECTOR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromEntities", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&TO_ENTITIES), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromGroups", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_GROUPS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromNodes", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&SELECTOR), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "fromRequires", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: 0, is_set: false }) },
        Field { name: "icmps", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&ICMPS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "toPorts", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&TO_PORTS2), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static LABELS: Object = Object {
    fields: &[
        Field { name: "key", is_required: true, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "source", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "value", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static LOG: Object = Object {
    fields: &[
        Field { name: "value", is_required: false, default: None, is: Type::Text(&VALUE) },
    ],
    ..Object::ANY
};

pub(in crate::server) static SPEC: Object = Object {
    fields: &[
        Field { name: "description", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "egress", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&EGRESS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "egressDeny", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&EGRESS_DENY), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "enableDefaultDeny", is_required: false, default: None, is: Type::Object(&ENABLE_DEFAULT_DENY) },
        Field { name: "endpointSelector", is_required: false, default: None, is: Type::Object(&SELECTOR) },
        Field { name: "ingress", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&INGRESS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "ingressDeny", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&INGRESS_DENY), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "labels", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&LABELS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "log", is_required: false, default: None, is: Type::Object(&LOG) },
        Field { name: "nodeSelector", is_required: false, default: None, is: Type::Object(&SELECTOR) },
    ],
    one_of: &["endpointSelector", "nodeSelector"],
    any_of: &["ingress", "ingressDeny", "egress", "egressDeny"],
    ..Object::ANY
};

pub(in crate::server) static CONDITIONS: Object = Object {
    fields: &[
        Field { name: "lastTransitionTime", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "message", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "reason", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "status", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "type", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static DERIVATIVE_POLICIES_VALUE: Object = Object {
    fields: &[
        Field { name: "annotations", is_required: false, default: None, is: Type::Map(&Type::Text(&Text::ANY)) },
        Field { name: "enforcing", is_required: false, default: None, is: Type::Boolean },
        Field { name: "error", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "lastUpdated", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "localPolicyRevision", is_required: false, default: None, is: Type::Integer(&Integer::ANY) },
        Field { name: "ok", is_required: false, default: None, is: Type::Boolean },
    ],
    ..Object::ANY
};

pub(in crate::server) static STATUS: Object = Object {
    fields: &[
        Field { name: "conditions", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&CONDITIONS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "derivativePolicies", is_required: false, default: None, is: Type::Map(&Type::Object(&DERIVATIVE_POLICIES_VALUE)) },
    ],
    ..Object::ANY
};

pub(in crate::server) static CILIUM_NETWORK_POLICY: Object = Object {
    fields: &[
        Field { name: "spec", is_required: false, default: None, is: Type::Object(&SPEC) },
        Field { name: "specs", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&SPEC), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "status", is_required: false, default: None, is: Type::Object(&STATUS) },
    ],
    any_of: &["spec", "specs"],
    ..Object::ANY
};

pub(in crate::server) static SPEC2: Object = Object {
    fields: &[
        Field { name: "externalCIDRs", is_required: true, default: None, is: Type::List(&List { item: Type::Text(&TO_CIDR), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static CILIUM_CIDRGROUP: Object = Object {
    fields: &[
        Field { name: "spec", is_required: true, default: None, is: Type::Object(&SPEC2) },
    ],
    ..Object::ANY
};

pub(in crate::server) static RANGE: Object = Object {
    fields: &[
        Field { name: "end", is_required: true, default: None, is: Type::Integer(&NUMBER) },
        Field { name: "start", is_required: true, default: None, is: Type::Integer(&NUMBER) },
    ],
    rule: Some(Rule::StartBeforeEnd),
    ..Object::ANY
};

pub(in crate::server) static DESTINATION_PORT: Object = Object {
    fields: &[
        Field { name: "number", is_required: false, default: None, is: Type::Integer(&NUMBER) },
        Field { name: "range", is_required: false, default: None, is: Type::Object(&RANGE) },
    ],
    properties: (1, 1),
    ..Object::ANY
};

pub(in crate::server) static SCTP: Object = Object {
    fields: &[
        Field { name: "destinationPort", is_required: false, default: None, is: Type::Object(&DESTINATION_PORT) },
    ],
    properties: (1, usize::MAX),
    ..Object::ANY
};

pub(in crate::server) static PROTOCOLS: Object = Object {
    fields: &[
        Field { name: "sctp", is_required: false, default: None, is: Type::Object(&SCTP) },
        Field { name: "tcp", is_required: false, default: None, is: Type::Object(&SCTP) },
        Field { name: "udp", is_required: false, default: None, is: Type::Object(&SCTP) },
    ],
    properties: (1, 1),
    ..Object::ANY
};

pub(in crate::server) static REQUIREMENT: Object = Object {
    fields: &[
        Field { name: "key", is_required: true, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "operator", is_required: true, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "values", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static NAMESPACES: Object = Object {
    fields: &[
        Field { name: "matchExpressions", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&REQUIREMENT), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "matchLabels", is_required: false, default: None, is: Type::Map(&Type::Text(&Text::ANY)) },
    ],
    ..Object::ANY
};

pub(in crate::server) static PODS: Object = Object {
    fields: &[
        Field { name: "namespaceSelector", is_required: false, default: None, is: Type::Object(&NAMESPACES) },
        Field { name: "podSelector", is_required: true, default: None, is: Type::Object(&NAMESPACES) },
    ],
    ..Object::ANY
};

pub(in crate::server) static TO: Object = Object {
    fields: &[
        Field { name: "namespaces", is_required: false, default: None, is: Type::Object(&NAMESPACES) },
        Field { name: "networks", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&NETWORKS), least: 1, most: 25, is_set: true }) },
        Field { name: "pods", is_required: false, default: None, is: Type::Object(&PODS) },
    ],
    properties: (1, 1),
    ..Object::ANY
};

pub(in crate::server) static EGRESS2: Object = Object {
    fields: &[
        Field { name: "action", is_required: true, default: None, is: Type::Text(&ACTION) },
        Field { name: "name", is_required: false, default: None, is: Type::Text(&NAME2) },
        Field { name: "protocols", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&PROTOCOLS), least: 1, most: 25, is_set: false }) },
        Field { name: "to", is_required: true, default: None, is: Type::List(&List { item: Type::Object(&TO), least: 1, most: 25, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static FROM: Object = Object {
    fields: &[
        Field { name: "namespaces", is_required: false, default: None, is: Type::Object(&NAMESPACES) },
        Field { name: "pods", is_required: false, default: None, is: Type::Object(&PODS) },
    ],
    properties: (1, 1),
    ..Object::ANY
};

pub(in crate::server) static INGRESS2: Object = Object {
    fields: &[
        Field { name: "action", is_required: true, default: None, is: Type::Text(&ACTION) },
        Field { name: "from", is_required: true, default: None, is: Type::List(&List { item: Type::Object(&FROM), least: 1, most: 25, is_set: false }) },
        Field { name: "name", is_required: false, default: None, is: Type::Text(&NAME2) },
        Field { name: "protocols", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&PROTOCOLS), least: 1, most: 25, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static SPEC3: Object = Object {
    fields: &[
        Field { name: "egress", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&EGRESS2), least: 0, most: 25, is_set: false }) },
        Field { name: "ingress", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&INGRESS2), least: 0, most: 25, is_set: false }) },
        Field { name: "priority", is_required: true, default: None, is: Type::Integer(&PRIORITY2) },
        Field { name: "subject", is_required: true, default: None, is: Type::Object(&FROM) },
        Field { name: "tier", is_required: true, default: None, is: Type::Text(&TIER) },
    ],
    ..Object::ANY
};

pub(in crate::server) static CONDITIONS2: Object = Object {
    fields: &[
        Field { name: "lastTransitionTime", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "message", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "observedGeneration", is_required: false, default: None, is: Type::Integer(&Integer::ANY) },
        Field { name: "reason", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "status", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "type", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static STATUS2: Object = Object {
    fields: &[
        Field { name: "conditions", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&CONDITIONS2), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static CLUSTER_NETWORK_POLICY: Object = Object {
    fields: &[
        Field { name: "spec", is_required: true, default: None, is: Type::Object(&SPEC3) },
        Field { name: "status", is_required: false, default: None, is: Type::Object(&STATUS2) },
    ],
    ..Object::ANY
};

static INT32: Integer = Integer { least: i64::MIN, most: i64::MAX, is_int32: true };

pub(in crate::server) static LABEL_SELECTOR: Object = Object {
    fields: &[
        Field { name: "matchExpressions", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&REQUIREMENT), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "matchLabels", is_required: false, default: None, is: Type::Map(&Type::Text(&Text::ANY)) },
    ],
    ..Object::ANY
};

pub(in crate::server) static NETWORK_PORT: Object = Object {
    fields: &[
        Field { name: "endPort", is_required: false, default: None, is: Type::Integer(&INT32) },
        Field { name: "port", is_required: false, default: None, is: Type::IntegerOrText(&Text::ANY) },
        Field { name: "protocol", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static IP_BLOCK: Object = Object {
    fields: &[
        Field { name: "cidr", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "except", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static NETWORK_PEER: Object = Object {
    fields: &[
        Field { name: "ipBlock", is_required: false, default: None, is: Type::Object(&IP_BLOCK) },
        Field { name: "namespaceSelector", is_required: false, default: None, is: Type::Object(&LABEL_SELECTOR) },
        Field { name: "podSelector", is_required: false, default: None, is: Type::Object(&LABEL_SELECTOR) },
    ],
    ..Object::ANY
};

pub(in crate::server) static NETWORK_EGRESS: Object = Object {
    fields: &[
        Field { name: "ports", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&NETWORK_PORT), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "to", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&NETWORK_PEER), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static NETWORK_INGRESS: Object = Object {
    fields: &[
        Field { name: "from", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&NETWORK_PEER), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "ports", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&NETWORK_PORT), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static NETWORK_SPEC: Object = Object {
    fields: &[
        Field { name: "egress", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&NETWORK_EGRESS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "ingress", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&NETWORK_INGRESS), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "podSelector", is_required: true, default: None, is: Type::Object(&LABEL_SELECTOR) },
        Field { name: "policyTypes", is_required: true, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
    ],
    ..Object::ANY
};

pub(in crate::server) static NETWORK_POLICY: Object = Object {
    fields: &[
        Field { name: "spec", is_required: true, default: None, is: Type::Object(&NETWORK_SPEC) },
    ],
    ..Object::ANY
};

static TIME: Text = Text {
    format: Some(Format::Time),
    ..Text::ANY
};

pub(in crate::server) static MANAGED_FIELD: Object = Object {
    fields: &[
        Field { name: "apiVersion", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "fieldsType", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "fieldsV1", is_required: false, default: None, is: Type::Any },
        Field { name: "manager", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "operation", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "subresource", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "time", is_required: false, default: None, is: Type::Text(&TIME) },
    ],
    ..Object::ANY
};

pub(in crate::server) static OWNER_REFERENCE: Object = Object {
    fields: &[
        Field { name: "apiVersion", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "blockOwnerDeletion", is_required: false, default: None, is: Type::Boolean },
        Field { name: "controller", is_required: false, default: None, is: Type::Boolean },
        Field { name: "kind", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "name", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "uid", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};

pub(in crate::server) static METADATA: Object = Object {
    fields: &[
        Field { name: "annotations", is_required: false, default: None, is: Type::Map(&Type::Text(&Text::ANY)) },
        Field { name: "creationTimestamp", is_required: false, default: None, is: Type::Text(&TIME) },
        Field { name: "deletionGracePeriodSeconds", is_required: false, default: None, is: Type::Integer(&Integer::ANY) },
        Field { name: "deletionTimestamp", is_required: false, default: None, is: Type::Text(&TIME) },
        Field { name: "finalizers", is_required: false, default: None, is: Type::List(&List { item: Type::Text(&Text::ANY), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "generateName", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "generation", is_required: false, default: None, is: Type::Integer(&Integer::ANY) },
        Field { name: "labels", is_required: false, default: None, is: Type::Map(&Type::Text(&Text::ANY)) },
        Field { name: "managedFields", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&MANAGED_FIELD), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "name", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "namespace", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "ownerReferences", is_required: false, default: None, is: Type::List(&List { item: Type::Object(&OWNER_REFERENCE), least: 0, most: usize::MAX, is_set: false }) },
        Field { name: "resourceVersion", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "selfLink", is_required: false, default: None, is: Type::Text(&Text::ANY) },
        Field { name: "uid", is_required: false, default: None, is: Type::Text(&Text::ANY) },
    ],
    ..Object::ANY
};
