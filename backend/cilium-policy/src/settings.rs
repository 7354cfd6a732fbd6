//! Agent settings beside the policies.

/// Agent settings that change verdicts. The defaults are those of Azure Kubernetes Service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the agent")]
pub struct Settings {
    /// The agent's version, for the differences between releases; see [`Release`].
    pub release: Release,
    /// Whether the release was given, and not assumed.
    pub is_release_given: bool,
    /// `enable-policy`: the enforcement mode.
    pub enforcement: Enforcement,
    /// `policy-audit-mode`: traffic that policies deny passes all the same.
    pub audit_mode: bool,
    /// `allow-localhost`: whether the node may reach its own pods without a rule. Kubernetes agents
    /// resolve `auto` to yes.
    pub allow_localhost: bool,
    /// `allow-icmp-frag-needed`: the ICMP message "fragmentation needed" passes without a rule.
    pub icmp_frag_needed: bool,
    /// `enable-ipv4`.
    pub ipv4: bool,
    /// `enable-ipv6`; with both, `world` splits into `world-ipv4` and `world-ipv6`.
    pub ipv6: bool,
    /// The source of these two values.
    pub families: Families,
    /// `cluster-name`; selectors without a cluster mean this one.
    pub cluster_name: String,
    /// `policy-default-local-cluster`: whether selectors without a cluster mean this cluster, or,
    /// if false, every cluster. `None` follows the release, see
    /// [`Settings::default_local_cluster`].
    pub default_local_cluster: Option<bool>,
    /// `enable-host-firewall`: policies apply to nodes.
    pub host_firewall: bool,
    /// `policy-cidr-match-mode` includes `nodes`.
    pub cidr_matches_nodes: bool,
    /// `policy-cidr-match-mode` includes `pods`.
    pub cidr_matches_pods: bool,
    /// `enable-node-selector-labels`: `fromNodes` and `toNodes` are accepted.
    pub node_selector_labels: bool,
    /// `enable-extended-ip-protocols`: GRE, VRRP, … and ports without a number are accepted.
    pub extended_ip_protocols: bool,
    /// `enable-icmp-rules`: `icmps` is accepted.
    pub icmp_rules: bool,
    /// `enable-l7-proxy`: HTTP and DNS rules, and domain names of a `ClusterNetworkPolicy`, are
    /// accepted.
    pub l7_proxy: bool,
    /// `enable-non-default-deny-policies`: `enableDefaultDeny` counts. If false, every policy
    /// isolates the endpoints that it selects.
    pub non_default_deny: bool,
    /// `enable-k8s-cluster-network-policy`: a `ClusterNetworkPolicy` is read.
    pub cluster_network_policy: bool,
    /// `enable-policy-secrets-sync`: Envoy gets the secrets of policies. If false, the agent reads
    /// them itself. Where a secret is missing, it then enforces no new policy for the endpoint.
    pub policy_secrets_sync: bool,
    /// Whether every Service is known to have no backends, as where Cilium's engine runs as a
    /// library. If false, the selection of `toServices` may be unknown.
    pub services_are_empty: bool,
    /// Whether a document is in force only as a Kubernetes server stores it. If false, Cilium's
    /// parser takes it as written, by kind alone.
    pub api_server: bool,
    /// The namespace for namespaced documents without one, as given by `kubectl apply -n`.
    pub namespace: String,
    /// Whether that namespace was given, and not assumed.
    pub is_namespace_given: bool,
}

/// The enforcement modes of `enable-policy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Enforcement {
    /// Enforcement for endpoints that a policy selects.
    #[default]
    Default,
    /// Enforcement for all endpoints.
    Always,
    /// Enforcement for no endpoint.
    Never,
}

/// The source of the enabled address families.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Families {
    /// The defaults.
    #[default]
    Assumed,
    /// The label of the world in flows.
    Shown,
    /// Flows that contradict each other.
    Contradictory,
    /// The given settings.
    Given,
}

/// A minor version of Cilium 1. The engine models the main branch. Of the differences in older
/// agents, it knows only those with a function here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release(u8);

impl Default for Settings {
    fn default() -> Self {
        Self {
            release: Release::AKS,
            is_release_given: false,
            enforcement: Enforcement::Default,
            audit_mode: false,
            allow_localhost: true,
            icmp_frag_needed: true,
            ipv4: true,
            ipv6: false,
            families: Families::Assumed,
            cluster_name: "default".to_owned(),
            default_local_cluster: None,
            host_firewall: false,
            cidr_matches_nodes: false,
            cidr_matches_pods: false,
            node_selector_labels: false,
            extended_ip_protocols: false,
            icmp_rules: true,
            l7_proxy: true,
            non_default_deny: true,
            cluster_network_policy: true,
            policy_secrets_sync: true,
            services_are_empty: false,
            api_server: true,
            namespace: "default".to_owned(),
            is_namespace_given: false,
        }
    }
}

impl Release {
    /// The release on Azure Kubernetes Service from Kubernetes 1.34 on.
    pub const AKS: Self = Self(18);
    /// The main branch, 1.21 in development.
    pub const MAIN: Self = Self(21);

    /// The release of a text such as `1.18`, `v1.18.6` or `main`. `None` if the text is not a
    /// version of Cilium 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "main" {
            return Some(Self::MAIN);
        }
        let version = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.")?;
        let minor = version.split(['.', '-']).next()?;
        minor.parse().ok().map(Self)
    }

    /// Whether policy maps keep one aggregate entry for all pods, one for all addresses and one for
    /// all labelled nodes. A selector without a positive requirement selects these entries too.
    pub(crate) const fn has_aggregates(self) -> bool {
        self.0 >= 20
    }

    /// Whether selectors without a cluster mean the local cluster, unless a setting decides.
    const fn means_local_cluster(self) -> bool {
        self.0 >= 19
    }

    /// Whether the release is 1.20 or later: it knows `ClusterNetworkPolicy`, the entity
    /// `cluster-mesh` and CIDRs that match pods.
    pub(crate) const fn knows_cluster_policies(self) -> bool {
        self.0 >= 20
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl Enforcement {
    /// The mode's name: `default`, `always` or `never`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

impl Settings {
    /// The names that [`Settings::set`] accepts.
    pub const NAMES: &[&str] = &[
        "cilium-release",
        "enable-policy",
        "policy-audit-mode",
        "allow-localhost",
        "allow-icmp-frag-needed",
        "enable-ipv4",
        "enable-ipv6",
        "cluster-name",
        "policy-default-local-cluster",
        "enable-host-firewall",
        "policy-cidr-match-mode",
        "enable-node-selector-labels",
        "enable-extended-ip-protocols",
        "enable-icmp-rules",
        "enable-l7-proxy",
        "enable-non-default-deny-policies",
        "enable-k8s-cluster-network-policy",
        "enable-policy-secrets-sync",
        "api-server",
        "namespace",
    ];

    /// Changes one setting by its name in the agent's configuration (`enable-policy`); further
    /// names are `cilium-release`, `api-server` and `namespace`. Returns false for an unknown
    /// setting or value.
    #[must_use]
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        match name {
            "cilium-release" => match Release::parse(value) {
                Some(release) => (self.release, self.is_release_given) = (release, true),
                None => return false,
            },
            "enable-policy" => {
                self.enforcement = match value {
                    "default" => Enforcement::Default,
                    "always" => Enforcement::Always,
                    "never" => Enforcement::Never,
                    _ => return false,
                };
            }
            "allow-localhost" => {
                self.allow_localhost = match value {
                    "auto" | "always" => true,
                    "policy" => false,
                    _ => return false,
                };
            }
            "cluster-name" => value.clone_into(&mut self.cluster_name),
            "policy-cidr-match-mode" => {
                let modes = || value.split(',').filter(|mode| !mode.is_empty());
                if modes().any(|mode| !matches!(mode, "nodes" | "pods")) {
                    return false;
                }
                self.cidr_matches_nodes = modes().any(|mode| mode == "nodes");
                self.cidr_matches_pods = modes().any(|mode| mode == "pods");
            }
            "namespace" if !is_namespace(value) => return false,
            "namespace" => {
                value.clone_into(&mut self.namespace);
                self.is_namespace_given = true;
            }
            _ => {
                let flag = match value {
                    "true" => true,
                    "false" => false,
                    _ => return false,
                };
                match self.switch(name) {
                    Some(switch) => *switch = flag,
                    None => return false,
                }
                if matches!(name, "enable-ipv4" | "enable-ipv6") {
                    self.families = Families::Given;
                }
            }
        }
        true
    }

    /// The allowed values of a setting, in words. `None` for an unknown setting.
    #[must_use]
    pub fn allowed(name: &str) -> Option<&'static str> {
        Some(match name {
            "cilium-release" => "a version of Cilium 1, as `1.18`, or `main`",
            "enable-policy" => "`default`, `always` or `never`",
            "allow-localhost" => "`auto`, `always` or `policy`",
            "policy-cidr-match-mode" => "`nodes`, `pods`, `nodes,pods` or nothing",
            "cluster-name" => "a name",
            "namespace" => "the name of a namespace: small letters, digits and hyphens",
            _ if Self::NAMES.contains(&name) => "`true` or `false`",
            _ => return None,
        })
    }

    fn switch(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "policy-audit-mode" => &mut self.audit_mode,
            "allow-icmp-frag-needed" => &mut self.icmp_frag_needed,
            "enable-ipv4" => &mut self.ipv4,
            "enable-ipv6" => &mut self.ipv6,
            "policy-default-local-cluster" => self.default_local_cluster.get_or_insert_default(),
            "enable-host-firewall" => &mut self.host_firewall,
            "enable-node-selector-labels" => &mut self.node_selector_labels,
            "enable-extended-ip-protocols" => &mut self.extended_ip_protocols,
            "api-server" => &mut self.api_server,
            "enable-icmp-rules" => &mut self.icmp_rules,
            "enable-l7-proxy" => &mut self.l7_proxy,
            "enable-non-default-deny-policies" => &mut self.non_default_deny,
            "enable-k8s-cluster-network-policy" => &mut self.cluster_network_policy,
            "enable-policy-secrets-sync" => &mut self.policy_secrets_sync,
            _ => return None,
        })
    }

    /// The cluster that selectors without a cluster mean.
    pub(crate) fn selected_cluster(&self) -> Option<&str> {
        Some(self.cluster_name.as_str())
            .filter(|name| self.default_local_cluster() && !name.is_empty())
    }

    /// Whether a named port of an egress rule is the destination's own, as since 1.20. Before, it
    /// is the one number that all pods of the cluster have under that name; where they differ, it
    /// matches nothing.
    pub(crate) fn asks_destination_for_ports(&self) -> bool {
        !self.is_release_given || self.release.knows_cluster_policies()
    }

    /// Whether selectors without a cluster mean the local cluster: since 1.19, unless a setting
    /// decides.
    #[must_use]
    pub fn default_local_cluster(&self) -> bool {
        self.default_local_cluster.unwrap_or(self.release.means_local_cluster())
    }

    /// The address families as flows show them, in a sentence, where they differ from the assumed
    /// ones.
    #[must_use]
    pub fn families_notice(&self) -> Option<&'static str> {
        Some(match (self.families, self.ipv4, self.ipv6) {
            (Families::Shown, false, true) => {
                "flows have `reserved:world` at addresses of IPv6, as where IPv6 alone is enabled: `enable-ipv4` is taken as false, `enable-ipv6` as true"
            }
            (Families::Contradictory, ..) => {
                "flows contradict each other about the families of addresses: some have `reserved:world` at IPv4, others at IPv6, or `reserved:world-ipv4` and `reserved:world-ipv6`, which no one agent does. `enable-ipv4` and `enable-ipv6` are taken as true; `--settings` says what they are"
            }
            _ => return None,
        })
    }

    /// The reserved label for all addresses of a family.
    #[must_use]
    pub const fn world_of(&self, is_ipv4: bool) -> &'static str {
        world_key(is_ipv4, self.ipv4, self.ipv6)
    }
}

/// The reserved label for all addresses of a family. Where one family is enabled, its world is
/// `world`; the other family has a label that no identity carries. Source: pkg/labels/cidr.go
/// `getWorldLabel`.
pub(crate) const fn world_key(is_ipv4: bool, has_ipv4: bool, has_ipv6: bool) -> &'static str {
    match is_ipv4 {
        true if has_ipv6 => "world-ipv4",
        false if has_ipv4 => "world-ipv6",
        _ => "world",
    }
}

/// Whether a namespace can have this name. Source: RFC 1123 labels, as Kubernetes requires.
fn is_namespace(name: &str) -> bool {
    let is_edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 63
        && name.bytes().all(|byte| is_edge(byte) || byte == b'-')
        && name.bytes().next().is_some_and(is_edge)
        && name.bytes().next_back().is_some_and(is_edge)
}

#[cfg(test)]
mod tests {
    use super::{Release, Settings};

    #[test]
    fn every_name_has_a_value_and_others_have_none() {
        for name in Settings::NAMES {
            let value = match *name {
                "cilium-release" => "v1.19.3",
                "enable-policy" => "always",
                "allow-localhost" => "policy",
                "policy-cidr-match-mode" => "nodes,pods",
                "cluster-name" | "namespace" => "a",
                _ => "true",
            };
            assert!(Settings::default().set(name, value), "{name}");
            assert!(!Settings::default().set(name, "a") || value == "a", "{name}");
        }
        assert!(!Settings::default().set("debug", "true"));
        // Each documented value is accepted.
        for name in Settings::NAMES {
            let allowed = Settings::allowed(name).unwrap();
            for value in allowed.split('`').skip(1).step_by(2) {
                assert!(Settings::default().set(name, value), "{name}={value}");
            }
        }
        assert_eq!(Settings::allowed("debug"), None);
    }

    #[test]
    fn releases_are_versions_of_cilium_1() {
        let check = |text: &str, expected: Option<&str>| {
            let release = Release::parse(text).map(|release| release.to_string());
            assert_eq!(release.as_deref(), expected, "{text}");
        };
        check("1.18", Some("1.18"));
        check("v1.18.6", Some("1.18"));
        check("1.21.0-dev", Some("1.21"));
        check("main", Some("1.21"));
        check("2.0", None);
        check("1", None);
        check("1.x", None);
        check("", None);
        assert!(Release::AKS < Release::MAIN);
    }

    #[test]
    fn the_cluster_of_a_selector_follows_the_release_unless_a_setting_names_it() {
        let check = |pairs: &[(&str, &str)], expected: bool| {
            let mut settings = Settings::default();
            assert!(pairs.iter().all(|(name, value)| settings.set(name, value)), "{pairs:?}");
            assert_eq!(settings.default_local_cluster(), expected, "{pairs:?}");
        };
        let own = "policy-default-local-cluster";
        check(&[], false);
        check(&[("cilium-release", "1.18")], false);
        check(&[("cilium-release", "1.19")], true);
        check(&[("cilium-release", "main")], true);
        check(&[(own, "true")], true);
        check(&[("cilium-release", "1.20"), (own, "false")], false);
        check(&[(own, "true"), ("cilium-release", "1.18")], true);
    }

    #[test]
    fn a_disabled_family_has_a_world_label_that_no_identity_carries() {
        let check = |ipv4: bool, ipv6: bool, of_ipv4: &str, of_ipv6: &str| {
            let settings = Settings { ipv4, ipv6, ..Settings::default() };
            let worlds = [settings.world_of(true), settings.world_of(false)];
            assert_eq!(worlds, [of_ipv4, of_ipv6], "IPv4 {ipv4}, IPv6 {ipv6}");
        };
        check(true, false, "world", "world-ipv6");
        check(false, true, "world-ipv4", "world");
        check(true, true, "world-ipv4", "world-ipv6");
    }
}
