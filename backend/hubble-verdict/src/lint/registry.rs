//! Lints that recorded flows give evidence for, with those about policies alone.

use cilium_policy::{Description, declare_lints};

/// Every lint: those about policies alone, then those that need flows.
pub fn all() -> impl Iterator<Item = &'static Description> {
    cilium_policy::lints::all().chain(ALL)
}

declare_lints! {
    /// Refused queries of the search list
    ///
    /// ## What it means
    ///
    /// A name that some policy allows was looked up with a suffix of the search list, such as `pets.svc.cluster.local`, and
    /// that query was refused.
    ///
    /// ## Why it matters
    ///
    /// musl (Alpine) gives up at the first refusal, and never asks for the name itself.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}]
    ///     toPorts:
    ///     - ports: [{port: '53', protocol: ANY}]
    ///       rules: {dns: [{matchName: api.example.com}]}
    ///   - toFQDNs: [{matchName: api.example.com}]
    /// ```
    ///
    /// ```jsonl fires
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","IP":{"destination":"10.0.0.10"},"l4":{"UDP":{"destination_port":53}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:k8s-app=kube-dns","k8s:io.kubernetes.pod.namespace=kube-system"]},"l7":{"type":"RESPONSE","dns":{"query":"api.example.com.pets.svc.cluster.local.","rcode":5}}}}
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","IP":{"destination":"10.0.0.10"},"l4":{"UDP":{"destination_port":53}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:k8s-app=kube-dns","k8s:io.kubernetes.pod.namespace=kube-system"]},"l7":{"type":"RESPONSE","dns":{"query":"www.example.org.pets.svc.cluster.local.","rcode":5}}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Allow the whole lookup in the DNS rules, with a pattern such as `api.example.com.*.svc.cluster.local`.
    DnsSearchList: Hint = "dns-search-list";

    /// Prefix that holds addresses of the cluster
    ///
    /// ## What it means
    ///
    /// Flows with pods or nodes inside the prefix are refused. CIDR rules match addresses outside the cluster only. A hint
    /// where the prefix is every address.
    ///
    /// ## Why it matters
    ///
    /// The rule seems to allow these connections, and does not.
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
    /// ```jsonl fires
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets"]}}}
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.9.0.1"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["reserved:world"]}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Select pods by labels, and nodes by the entities `host` and `remote-node`.
    CidrInsideCluster: Error or Hint = "cidr-inside-cluster";

    /// Policy that selects none of the endpoints seen
    ///
    /// ## What it means
    ///
    /// The flows show at least two pods of the policy's namespace, and the policy selects none of the endpoints.
    ///
    /// ## Why it matters
    ///
    /// The labels of the policy's subject may be wrong; the policy then protects no pod.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {matchLabels: {app: store}}
    ///   egress: [{}]
    /// ```
    ///
    /// ```jsonl fires
    /// {"flow":{"verdict":"FORWARDED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets"]}}}
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {matchLabels: {app: shop}}
    ///   egress: [{}]
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"FORWARDED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets"]}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Compare the labels of the selector with those of the pods.
    // Ids never change, hence `nobody`: programs and CI refer to them.
    SelectsNobodySeen: Hint = "selects-nobody-seen";

    /// Rule that decided no flow
    ///
    /// ## What it means
    ///
    /// None of the flows was decided by the rule, though they show traffic of its subject that passed (of a deny rule: that
    /// was refused).
    ///
    /// ## Why it matters
    ///
    /// The rule may be wider than needed, or its selector wrong.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {app: till}}]
    /// ```
    ///
    /// ```jsonl fires
    /// {"flow":{"verdict":"FORWARDED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.3"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=other","k8s:io.kubernetes.pod.namespace=pets"]}}}
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"FORWARDED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets"]}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Record flows for longer. Where the rule still decides none, check its peers, or remove it.
    RuleNeverHit: Hint = "rule-never-hit";

    /// Address with several names
    ///
    /// ## What it means
    ///
    /// An address that a name in `toFQDNs` allows has other names as well (cilium#31803).
    ///
    /// ## Why it matters
    ///
    /// Policy sees the address alone: allowing one name allows the others.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toFQDNs: [{matchName: api.example.com}]
    /// ```
    ///
    /// ```jsonl fires
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"192.0.2.7"},"l4":{"TCP":{"destination_port":443}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["reserved:world"]},"destination_names":["api.example.com","tracker.example.org"]}}
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"192.0.2.7"},"l4":{"TCP":{"destination_port":443}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["reserved:world"]},"destination_names":["api.example.com"]}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Where the other names must not be reached, allow the requests by host with an HTTP rule, or use an address of its own.
    SharedAddress: Hint = "shared-address";

    /// Endpoints without a policy
    ///
    /// ## What it means
    ///
    /// For some pods and directions that the flows show, no policy selects the pod.
    ///
    /// ## Why it matters
    ///
    /// Everything passes there.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress: [{}]
    /// ```
    ///
    /// ```jsonl fires
    /// {"flow":{"verdict":"FORWARDED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets"]}}}
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"INGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets"]}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Write a policy for the pods that the evidence names, where they should be isolated.
    UnselectedEndpoints: Hint = "unselected-endpoints";

    /// Flows older than the policies
    ///
    /// ## What it means
    ///
    /// Some flows were recorded before the last change of the policies that judge them.
    ///
    /// ## Why it matters
    ///
    /// Other policies decided about them: they prove nothing about the policies now, and other findings do not count them.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// apiVersion: cilium.io/v2
    /// kind: CiliumNetworkPolicy
    /// metadata: {name: shop, namespace: pets, creationTimestamp: '2026-11-30T14:00:00Z'}
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {app: till}}]
    /// ```
    ///
    /// ```jsonl fires
    /// {"flow":{"verdict":"FORWARDED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets"]},"time":"2026-11-30T13:00:00Z"}}
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"FORWARDED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets"]},"time":"2026-11-30T15:00:00Z"}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Record flows again.
    OlderFlows: Hint = "older-flows";

    /// Refused pods of another cluster
    ///
    /// ## What it means
    ///
    /// Since Cilium 1.19, a selector that names no cluster means the own cluster (`policy-default-local-cluster`). Flows with
    /// pods of another cluster are refused.
    ///
    /// ## Why it matters
    ///
    /// Connections across a cluster mesh stop with the update to 1.19.
    ///
    /// ## Example
    ///
    /// ```yaml fires policy-default-local-cluster:true
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {app: till}}]
    /// ```
    ///
    /// ```jsonl fires
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.8.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets","k8s:io.cilium.k8s.policy.cluster=west"]}}}
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"FORWARDED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets"]}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the cluster: `io.cilium.k8s.policy.cluster: west`, or `Exists` for every cluster.
    OtherCluster: Warning = "other-cluster";

    /// Refused nodes
    ///
    /// ## What it means
    ///
    /// Flows with nodes are refused. Pods on the host's network, and what a node masquerades (hostPort, NodePort), have the
    /// node's identity and no labels of their own.
    ///
    /// ## Why it matters
    ///
    /// No selector of pods matches them.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {app: node-exporter}}]
    /// ```
    ///
    /// ```jsonl fires
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.0.4"},"l4":{"TCP":{"destination_port":9100}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["reserved:remote-node"]}}}
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.2"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=pets"]}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Allow the entities `host` and `remote-node` on the port.
    HostNetworkPeer: Warning = "host-network-peer";

    /// Refused DNS to a node or a link-local address
    ///
    /// ## What it means
    ///
    /// Queries go to node-local-dns, which the DNS rule does not select.
    ///
    /// ## Why it matters
    ///
    /// Queries are refused, and no name is learned for `toFQDNs`.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}]
    ///     toPorts:
    ///     - ports: [{port: '53', protocol: ANY}]
    ///       rules: {dns: [{matchPattern: '*'}]}
    /// ```
    ///
    /// ```jsonl fires
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"169.254.20.10"},"l4":{"TCP":{"destination_port":53}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["reserved:remote-node"]}}}
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"169.254.20.10"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["reserved:remote-node"]}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Add a DNS rule for what the flows show behind the address: a node (`host`, `remote-node`) or its prefix.
    NodeLocalDns: Warning = "node-local-dns";

    /// Refused pods of another namespace that a selector seems to mean
    ///
    /// ## What it means
    ///
    /// A selector that names no namespace means the policy's own. Flows with pods of another namespace that have all its labels
    /// are refused.
    ///
    /// ## Why it matters
    ///
    /// The rule seems to allow these pods, and does not.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {app: till}}]
    /// ```
    ///
    /// ```jsonl fires
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.4"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=till","k8s:io.kubernetes.pod.namespace=billing"]}}}
    /// ```
    ///
    /// ```jsonl silent
    /// {"flow":{"verdict":"DROPPED","traffic_direction":"EGRESS","event_type":{"type":5},"IP":{"destination":"10.0.1.5"},"l4":{"TCP":{"destination_port":80}},"source":{"labels":["k8s:app=shop","k8s:io.kubernetes.pod.namespace=pets"]},"destination":{"labels":["k8s:app=ledger","k8s:io.kubernetes.pod.namespace=billing"]}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the namespace: `k8s:io.kubernetes.pod.namespace: billing`.
    PeerInOtherNamespace: Warning = "peer-in-other-namespace";
}
