//! Lints about names and DNS.

use crate::declare_lints;

declare_lints! {
    /// Name of the cluster in `toFQDNs`
    ///
    /// ## What it means
    ///
    /// The name ends with `cluster.local`. `toFQDNs` matches addresses outside the cluster only.
    ///
    /// ## Why it matters
    ///
    /// The rule never matches.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toFQDNs: [{matchName: till.pets.svc.cluster.local}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {app: till}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Select the pods behind the name with `toEndpoints`.
    ClusterNameInFqdn: Error = "cluster-name-in-fqdn";

    /// Name pattern that covers some depths only
    ///
    /// ## What it means
    ///
    /// `*.example.com` matches one label below `example.com`: neither `example.com` itself nor `a.b.example.com`.
    /// `**.example.com` matches every depth, but not the name itself.
    ///
    /// ## Why it matters
    ///
    /// Names of another depth are refused.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toFQDNs: [{matchPattern: '*.example.com'}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toFQDNs: [{matchName: api.example.com}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Add a pattern for each depth that is needed; `**.` needs Cilium 1.19.
    PatternDepth: Hint = "pattern-depth";

    /// Name pattern with `*` inside a label
    ///
    /// ## What it means
    ///
    /// `*example.com` matches `example.com` and `notexample.com`, but no name with a further dot: `*` stands for letters,
    /// digits, `-` and `_`.
    ///
    /// ## Why it matters
    ///
    /// The rule allows names of others, and not the names below.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toFQDNs: [{matchPattern: '*example.com'}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toFQDNs: [{matchPattern: '*.example.com'}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Put a dot after the asterisk, and add the name itself where it is needed.
    PatternPrefix: Warning = "pattern-prefix";

    /// `toFQDNs` without a DNS rule
    ///
    /// ## What it means
    ///
    /// No DNS rule applies to the pods that the policy selects. The agent learns the addresses of a name from the DNS answers
    /// that such a rule sends through its proxy. Answered queries among the flows disprove the finding.
    ///
    /// ## Why it matters
    ///
    /// No address is ever learned for the name, and connections are refused.
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
    /// ```yaml silent
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
    /// ## Fix
    ///
    /// Allow DNS to the resolver with a rule for the names.
    FqdnWithoutDnsRule: Error = "fqdn-without-dns-rule";

    /// Name that no DNS rule allows
    ///
    /// ## What it means
    ///
    /// DNS rules apply to the pods, but none of them covers the name in `toFQDNs`.
    ///
    /// ## Why it matters
    ///
    /// The query is refused, and no connection is ever tried.
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
    ///       rules: {dns: [{matchName: www.example.com}]}
    ///   - toFQDNs: [{matchName: api.example.com}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}]
    ///     toPorts:
    ///     - ports: [{port: '53', protocol: ANY}]
    ///       rules: {dns: [{matchPattern: '*.example.com'}]}
    ///   - toFQDNs: [{matchName: api.example.com}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Add the name to the DNS rules. Where flows show how the name is looked up, the fix has the names that the search list
    /// makes of it too.
    FqdnNotInDnsRules: Error = "fqdn-not-in-dns-rules";

    /// Isolated egress without DNS
    ///
    /// ## What it means
    ///
    /// The policy refuses egress by default, and no policy allows DNS for its pods. A hint where the policy allows only
    /// addresses, nodes or the API server, which need no name. Answered queries among the flows disprove the finding.
    ///
    /// ## Why it matters
    ///
    /// Every connection by name fails.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {app: till}}]
    ///     toPorts: [{ports: [{port: '8080', protocol: TCP}]}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEndpoints: [{matchLabels: {app: till}}]
    ///     toPorts: [{ports: [{port: '8080', protocol: TCP}]}]
    ///   - toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}]
    ///     toPorts: [{ports: [{port: '53', protocol: ANY}]}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Allow port 53 of the resolver.
    NoDnsEgress: Warning or Hint = "no-dns-egress";
}
