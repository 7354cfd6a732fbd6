//! Lints about documents that are refused.

use crate::declare_lints;

declare_lints! {
    /// Document that is neither YAML nor JSON
    ///
    /// ## What it means
    ///
    /// Kubernetes cannot read the document. A template of Helm or Flux that was not rendered is the usual cause.
    ///
    /// ## Why it matters
    ///
    /// `kubectl apply` refuses the file, and nothing of it is enforced.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// kind: [
    /// ```
    ///
    /// ```yaml silent
    /// kind: ConfigMap
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the place that the finding names, or render the template first.
    NotYaml: Error = "not-yaml";

    /// Policy of a kind or version that no server has
    ///
    /// ## What it means
    ///
    /// The document's `apiVersion` and `kind` look like those of a network policy, but name none: a typo, or a version that
    /// was never served.
    ///
    /// ## Why it matters
    ///
    /// The API server does not store the document, and nothing of it is enforced.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// apiVersion: cilium.io/v2
    /// kind: CiliumNetworkPolicies
    /// metadata: {name: shop, namespace: pets}
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
    /// Write the kind and the version that the finding names.
    UnknownKind: Error = "unknown-kind";

    /// `fromRequires` or `toRequires`
    ///
    /// ## What it means
    ///
    /// The rule has a field that Cilium removed in 1.19.
    ///
    /// ## Why it matters
    ///
    /// The schema allows no item in this list: the API server refuses the policy, and nothing of it is enforced.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromRequires: [{matchLabels: {env: prod}}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchLabels: {env: prod}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Add the requirement to each selector of `fromEndpoints` or `toEndpoints`.
    RemovedField: Error = "removed-field";

    /// Field that the policy's type does not have
    ///
    /// ## What it means
    ///
    /// The field is misspelled, stands in the wrong place, or belongs to another release or kind. Deny rules, for example,
    /// have no L7 rules.
    ///
    /// ## Why it matters
    ///
    /// `kubectl apply` refuses the policy. A controller that does not ask for strict decoding stores it without the field: the
    /// policy in force is then another one than the file says.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoint: [{matchLabels: {app: till}}]
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
    /// Write the field that the finding suggests, or remove it.
    UnknownField: Error = "unknown-field";

    /// Label value that YAML reads as a boolean
    ///
    /// ## What it means
    ///
    /// Kubernetes reads YAML 1.1: `yes`, `no`, `on`, `off`, `y` and `n` without quotes are booleans.
    ///
    /// ## Why it matters
    ///
    /// In a Cilium policy, a boolean is not a label value: the policy is refused. In a NetworkPolicy, it becomes the text
    /// `true` or `false`, and the selector matches other pods.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchLabels: {canary: yes}}]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress:
    ///   - fromEndpoints: [{matchLabels: {canary: 'yes'}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the value in quotes.
    UnquotedBoolean: Error = "unquoted-boolean";

    /// Value of another type than the field has
    ///
    /// ## What it means
    ///
    /// The field takes, for example, a list, and the file has a number or an object.
    ///
    /// ## Why it matters
    ///
    /// The policy is refused, and nothing of it is enforced.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress: {}
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress: [{}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Write a value of the type that the finding names.
    WrongType: Error = "wrong-type";

    /// Empty list of rules
    ///
    /// ## What it means
    ///
    /// `ingress: []` or `egress: []` in a Cilium policy turns nothing on, not even default deny. (In a NetworkPolicy, an
    /// empty list isolates.) If the policy has no other rule, Cilium refuses it.
    ///
    /// ## Why it matters
    ///
    /// The policy looks as if it blocked everything, and blocks nothing.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   ingress: []
    ///   egress:
    ///   - toEntities: [cluster]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   ingress: [{}]
    ///   egress:
    ///   - toEntities: [cluster]
    /// ```
    ///
    /// ## Fix
    ///
    /// Write a list with an empty rule: it turns on default deny and allows nothing.
    EmptyDirection: Error = "empty-direction";

    /// Two kinds of peers in one rule
    ///
    /// ## What it means
    ///
    /// One rule has, for example, `toEntities` and `toCIDR`. Cilium does not support the combination.
    ///
    /// ## Why it matters
    ///
    /// Cilium refuses the whole policy, and nothing of it is enforced.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEntities: [cluster]
    ///     toCIDR: [192.0.2.0/24]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toEntities: [cluster]
    ///   - toCIDR: [192.0.2.0/24]
    /// ```
    ///
    /// ## Fix
    ///
    /// Write one rule for each kind of peers.
    TwoPeerKinds: Error = "two-peer-kinds";

    /// Policy that the API server or Cilium refuses
    ///
    /// ## What it means
    ///
    /// A value is not allowed where it stands. The finding has the words of the API server or of Cilium.
    ///
    /// ## Why it matters
    ///
    /// Nothing of the policy is enforced; of a policy with several `specs`, the others are refused with it.
    ///
    /// ## Example
    ///
    /// ```yaml fires
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toCIDR: [192.0.2.7]
    /// ```
    ///
    /// ```yaml silent
    /// spec:
    ///   endpointSelector: {}
    ///   egress:
    ///   - toCIDR: [192.0.2.7/32]
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the value as the finding says.
    Refused: Error = "refused";
}
