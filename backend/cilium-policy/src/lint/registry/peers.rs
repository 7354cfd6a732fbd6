//! Lints about subjects and peers: selectors, entities, addresses, Services.

use crate::declare_lints;

declare_lints! {
    /// Endpoint selector that names another namespace
    ///
    /// ## What it means
    ///
    /// The `endpointSelector` of a CiliumNetworkPolicy names a namespace other than the policy's own. Cilium puts the policy's
    /// namespace in its place.
    ///
    /// ## Why it matters
    ///
    /// The policy selects pods of its own namespace, not those that the file names.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector:
    ///     matchLabels: {'k8s:io.kubernetes.pod.namespace': billing}
    ///   ingress: [{}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector:
    ///     matchLabels: {'k8s:io.kubernetes.pod.namespace': pets}
    ///   ingress: [{}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the policy into that namespace, or use a CiliumClusterwideNetworkPolicy.
    ForeignNamespace: Error = "foreign-namespace";

    /// Unknown field of a selector
    ///
    /// ## What it means
    ///
    /// A selector has a field other than `matchLabels` and `matchExpressions`. Cilium ignores it. `kubectl apply` refuses the
    /// policy; a controller that does not ask for strict decoding stores it without the field.
    ///
    /// ## Why it matters
    ///
    /// The selector is wider than it looks: without any known field, it selects everything.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchLabel: {app: till}}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchLabels: {app: till}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the name of the field.
    IgnoredSelectorField: Error = "ignored-selector-field";

    /// Label of namespaces in a selector of pods
    ///
    /// ## What it means
    ///
    /// `kubernetes.io/metadata.name` is a label of namespaces. In a Cilium selector, it is looked for among the labels of the
    /// pod.
    ///
    /// ## Why it matters
    ///
    /// The selector matches nothing.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchLabels: {kubernetes.io/metadata.name: billing}}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': billing}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `k8s:io.kubernetes.pod.namespace`.
    NamespaceNameLabel: Error = "namespace-name-label";

    /// Label that is not a part of any identity
    ///
    /// ## What it means
    ///
    /// The agent leaves some labels out of every identity, such as `pod-template-hash` and `topology.kubernetes.io/…`, unless
    /// its option `labels` keeps them. A flow that carries the label proves that it does.
    ///
    /// ## Why it matters
    ///
    /// A selector that requires the label selects no pod; one that excludes it selects every pod.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchLabels: {topology.kubernetes.io/zone: west}}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchLabels: {app: till}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Select by a label that the agent keeps, or keep this one by the agent's option `labels`.
    LabelLeftOut: Warning = "label-left-out";

    /// Selector that only excludes
    ///
    /// ## What it means
    ///
    /// All requirements of the selector exclude. Since Cilium 1.20, entries stand for all pods, all addresses or all labelled
    /// nodes, and the selector matches these entries. A hint where `cilium-release` is older.
    ///
    /// ## Why it matters
    ///
    /// The selector also selects what it excludes.
    ///
    /// ## Example
    ///
    /// ```yaml fires cilium-release:1.20
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchExpressions: [{key: reserved:world, operator: DoesNotExist}]}]
    /// ```
    ///
    /// ```yaml silent cilium-release:1.20
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchExpressions: [{key: app, operator: DoesNotExist}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Add a requirement that has to hold, such as a namespace that exists.
    SelectsMore: Warning or Hint = "selects-more";

    /// Empty `cidrGroupSelector`
    ///
    /// ## What it means
    ///
    /// An empty `cidrGroupSelector` is the selector of everyone, not of every CIDR group.
    ///
    /// ## Why it matters
    ///
    /// The rule also allows pods and nodes.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toCIDRSet: [{cidrGroupSelector: {}}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toCIDRSet: [{cidrGroupSelector: {matchLabels: {team: tills}}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Select the groups by a label.
    GroupOfEveryone: Error = "group-of-everyone";

    /// Ingress from the pod's own node
    ///
    /// ## What it means
    ///
    /// The rule allows `host`. With `allow-localhost`, which is the default under Kubernetes, the node always reaches its own
    /// pods.
    ///
    /// ## Why it matters
    ///
    /// The rule adds nothing for kubelet's probes of the own node. Kubelets and agents of other nodes are `remote-node`, which
    /// the rule does not allow.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [host]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [remote-node]
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the entity, or write `remote-node` where other nodes are meant.
    NeedlessHost: Hint = "needless-host";

    /// Ingress from `kube-apiserver`
    ///
    /// ## What it means
    ///
    /// The rule allows or denies ingress from the API server. On managed clusters, the source address of its calls is often
    /// rewritten. Flows in which the entity is recognised disprove the finding.
    ///
    /// ## Why it matters
    ///
    /// The rule may match nothing, and webhooks fail.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [kube-apiserver]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEntities: [kube-apiserver]
    /// ```
    ///
    /// ## Fix
    ///
    /// Look in the flows which identity the calls have (`hubble observe --to-pod …`), and allow that one.
    ApiserverIngress: Hint = "apiserver-ingress";

    /// Rule for everyone or the whole world
    ///
    /// ## What it means
    ///
    /// The rule allows all peers, the entity `world` or a prefix of every address, and the policy denies none of them.
    ///
    /// ## Why it matters
    ///
    /// A rule that is wider than needed lets through traffic that was never looked at.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEntities: [world]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEntities: [world]
    ///   egressDeny:
    ///   - toCIDR: [169.254.169.254/32]
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the peers, or deny those that must not be reached.
    WideOpen: Hint = "wide-open";

    /// Prefix of every address that should match nodes
    ///
    /// ## What it means
    ///
    /// The setting `policy-cidr-match-mode` is `nodes`, and the rule has `0.0.0.0/0` or `::/0`. Cilium does not match nodes by
    /// such a prefix (cilium#47827).
    ///
    /// ## Why it matters
    ///
    /// Traffic with nodes is refused, although the setting says otherwise.
    ///
    /// ## Example
    ///
    /// ```yaml fires policy-cidr-match-mode:nodes
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toCIDR: [0.0.0.0/0]
    /// ```
    ///
    /// ```yaml silent policy-cidr-match-mode:nodes
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toCIDR: [192.0.2.0/24]
    /// ```
    ///
    /// ## Fix
    ///
    /// Allow the entities `host` and `remote-node` besides.
    EverythingAndNodes: Warning = "everything-and-nodes";

    /// Private address range
    ///
    /// ## What it means
    ///
    /// The rule names addresses of a private range. CIDR rules match addresses outside the cluster only: pods and nodes have
    /// identities of their own, whatever their addresses.
    ///
    /// ## Why it matters
    ///
    /// Where pods or nodes are meant, the rule does not match them.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toCIDR: [10.0.0.0/8]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toCIDR: [192.0.2.0/24]
    /// ```
    ///
    /// ## Fix
    ///
    /// Nothing, where machines outside the cluster are meant. Select pods by labels, and nodes by entities.
    PrivateCidr: Hint = "private-cidr";

    /// `toServices` with `toPorts`
    ///
    /// ## What it means
    ///
    /// The rule names Services and ports, and no file gives the Services' backends.
    ///
    /// ## Why it matters
    ///
    /// While none of the Services resolves, the rule has no peers but ports: it allows everyone on these ports.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toServices: [{k8sService: {serviceName: till, namespace: pets}}]
    ///     toPorts: [{ports: [{port: '80', protocol: TCP}]}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {app: till}}]
    ///     toPorts: [{ports: [{port: '80', protocol: TCP}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Select the Services' pods by labels, or leave the ports out.
    ServicesWithPorts: Warning = "services-with-ports";
}
