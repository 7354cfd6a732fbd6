//! Lints about what a policy or a rule does as a whole.

use crate::declare_lints;

declare_lints! {
    /// Empty allow rule of a Cilium policy
    ///
    /// ## What it means
    ///
    /// `- {}` in a Cilium policy allows no peer. It turns on default deny for its direction. (In a NetworkPolicy, the same rule
    /// allows everyone.)
    ///
    /// ## Why it matters
    ///
    /// In a NetworkPolicy, the same rule means "allow all"; here, it blocks all.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress: [{}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [all]
    /// ```
    ///
    /// ## Fix
    ///
    /// Nothing, where default deny is meant. To allow every peer, write `fromEntities: [all]` or `toEntities: [all]`.
    EmptyRule: Hint = "empty-rule";

    /// Empty deny rule
    ///
    /// ## What it means
    ///
    /// `- {}` as a deny rule denies no peer. It turns on default deny for its direction.
    ///
    /// ## Why it matters
    ///
    /// Other policies may still allow what this one seems to deny.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egressDeny: [{}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egressDeny:
    ///   - toEntities: [all]
    /// ```
    ///
    /// ## Fix
    ///
    /// Nothing, where default deny is meant. To deny every peer whatever other policies say, name `all`.
    EmptyDeny: Hint = "empty-deny";

    /// Empty list of peers
    ///
    /// ## What it means
    ///
    /// A rule with an explicit empty list, such as `fromEndpoints: []`, selects no peer on any port. It only turns on default
    /// deny. An empty selector, `- {}`, selects every pod of the namespace.
    ///
    /// ## Why it matters
    ///
    /// The rule allows nothing, and all other traffic of its direction is refused.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: []
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the peers. Where default deny alone is meant, write `- {}` as the rule.
    EmptyPeers: Warning = "empty-peers";

    /// `enableDefaultDeny` for a direction without rules
    ///
    /// ## What it means
    ///
    /// `enableDefaultDeny` counts only for a direction that has rules.
    ///
    /// ## Why it matters
    ///
    /// The policy says that it denies by default, and everything passes.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   enableDefaultDeny: {ingress: true}
    ///   egress:
    ///   - toEntities: [cluster]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   enableDefaultDeny: {ingress: true}
    ///   ingress: [{}]
    ///   egress:
    ///   - toEntities: [cluster]
    /// ```
    ///
    /// ## Fix
    ///
    /// Add a list with an empty rule for the direction.
    DefaultDenyWithoutRules: Warning = "default-deny-without-rules";

    /// Policy that only denies, and isolates
    ///
    /// ## What it means
    ///
    /// Deny rules turn on default deny as allow rules do. The policy has no allow rule for the direction, and no other policy
    /// isolates the same pods on purpose.
    ///
    /// ## Why it matters
    ///
    /// Besides the denied peers, all other traffic of the direction is refused as well.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egressDeny:
    ///   - toCIDR: [169.254.169.254/32]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   enableDefaultDeny: {egress: false}
    ///   egressDeny:
    ///   - toCIDR: [169.254.169.254/32]
    /// ```
    ///
    /// ## Fix
    ///
    /// Switch default deny off for the direction, or add allow rules. Where flows are known that the switch would let pass,
    /// the smallest fix of these flows is the better one.
    DenyOnly: Warning = "deny-only";

    /// Rules of a direction that `policyTypes` leaves out
    ///
    /// ## What it means
    ///
    /// A NetworkPolicy has rules for a direction that its `policyTypes` does not list. Kubernetes ignores such rules; Cilium
    /// enforces them (cilium#48703).
    ///
    /// ## Why it matters
    ///
    /// The same file means one thing to Kubernetes and another to Cilium.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: shop, namespace: pets}
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress]
    ///   egress:
    ///   - to: [{podSelector: {}}]
    /// ```
    ///
    /// ```yaml silent
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: shop, namespace: pets}
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress, Egress]
    ///   egress:
    ///   - to: [{podSelector: {}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// List the direction in `policyTypes`, or remove its rules.
    PolicyTypesOmit: Warning = "policy-types-omit";

    /// Egress policy without `policyTypes`
    ///
    /// ## What it means
    ///
    /// A NetworkPolicy without `policyTypes` always isolates ingress, even where it has only egress rules.
    ///
    /// ## Why it matters
    ///
    /// The policy refuses all ingress of the selected pods, which nothing in the file says.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: shop, namespace: pets}
    /// spec:
    ///   podSelector: {}
    ///   egress:
    ///   - to: [{podSelector: {}}]
    /// ```
    ///
    /// ```yaml silent
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: shop, namespace: pets}
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Egress]
    ///   egress:
    ///   - to: [{podSelector: {}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `policyTypes` with the directions that you mean.
    EgressIsolatesIngress: Warning = "egress-isolates-ingress";

    /// Policies that the agent cannot put together
    ///
    /// ## What it means
    ///
    /// The rules for an endpoint contradict each other, for example HTTP rules and DNS rules for the same peers on the same
    /// port.
    ///
    /// ## Why it matters
    ///
    /// The agent reports an error for the endpoint and applies none of its policies' changes, also for other ports.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '53', protocol: TCP}]
    ///       rules: {dns: [{matchPattern: '*'}]}
    ///   - toEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '53', protocol: TCP}]
    ///       rules: {http: [{}]}
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '53', protocol: TCP}]
    ///       rules: {dns: [{matchPattern: '*'}]}
    ///   - toEntities: [cluster]
    ///     toPorts:
    ///     - ports: [{port: '80', protocol: TCP}]
    ///       rules: {http: [{}]}
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep one kind of L7 rules for a port and its peers.
    Unresolvable: Error = "unresolvable";

    /// Policy that needs a newer Cilium
    ///
    /// ## What it means
    ///
    /// The policy uses what Cilium knows since 1.20 (a `ClusterNetworkPolicy`, the entity `cluster-mesh`), and the setting
    /// `cilium-release` names an older release.
    ///
    /// ## Why it matters
    ///
    /// An agent of that release refuses or ignores the policy; here it is judged all the same.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster-mesh]
    /// ```
    ///
    /// ```yaml silent cilium-release:1.20
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster-mesh]
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `cilium-release` to the release that runs, or write the policy without what it does not know.
    NewerThanRelease: Hint = "newer-than-release";

    /// Document without a namespace
    ///
    /// ## What it means
    ///
    /// A namespaced policy names no namespace, and the setting `namespace` is not given.
    ///
    /// ## Why it matters
    ///
    /// The policy lands in `default`, or in the namespace of kubectl's context, and selects other pods than meant. The
    /// finding stands once for a file, with the number of such documents.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// apiVersion: cilium.io/v2
    /// kind: CiliumNetworkPolicy
    /// metadata: {name: shop}
    /// spec:
    ///   endpointSelector: {}
    ///   ingress: [{}]
    /// ```
    ///
    /// ```yaml silent
    /// apiVersion: cilium.io/v2
    /// kind: CiliumNetworkPolicy
    /// metadata: {name: shop, namespace: pets}
    /// spec:
    ///   endpointSelector: {}
    ///   ingress: [{}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Write `metadata.namespace`, or set `namespace` to where the files are applied.
    NoNamespace: Hint = "no-namespace";

    /// Two policies of one kind, namespace and name
    ///
    /// ## What it means
    ///
    /// An earlier document has the same kind, namespace and name. Within one file, this is an error; in files of one folder, a
    /// warning; in different folders, where overlays and clusters have files of their own, a hint.
    ///
    /// ## Why it matters
    ///
    /// Applied one after the other, the later one replaces the earlier one. Only the later one is judged.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// apiVersion: cilium.io/v2
    /// kind: CiliumNetworkPolicy
    /// metadata: {name: shop, namespace: pets}
    /// spec:
    ///   endpointSelector: {}
    ///   ingress: [{}]
    /// ---
    /// apiVersion: cilium.io/v2
    /// kind: CiliumNetworkPolicy
    /// metadata: {name: shop, namespace: pets}
    /// spec:
    ///   endpointSelector: {}
    ///   egress: [{}]
    /// ```
    ///
    /// ```yaml silent
    /// apiVersion: cilium.io/v2
    /// kind: CiliumNetworkPolicy
    /// metadata: {name: shop-in, namespace: pets}
    /// spec:
    ///   endpointSelector: {}
    ///   ingress: [{}]
    /// ---
    /// apiVersion: cilium.io/v2
    /// kind: CiliumNetworkPolicy
    /// metadata: {name: shop-out, namespace: pets}
    /// spec:
    ///   endpointSelector: {}
    ///   egress: [{}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Rename one of them, or merge the two.
    DuplicateName: Error or Warning or Hint = "duplicate-name";

    /// Two rules that say the same
    ///
    /// ## What it means
    ///
    /// Two rules have the same subject, direction, action, peers and ports. L7 rules are not compared.
    ///
    /// ## Why it matters
    ///
    /// One of the rules can go without any effect. A change to one of them alone has none either.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///   - fromEntities: [cluster]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEntities: [cluster]
    ///   - fromEntities: [host]
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove one of the rules.
    DuplicateRule: Hint = "duplicate-rule";
}
