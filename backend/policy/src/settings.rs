//! What the agent's configuration adds to the policies.

/// Agent settings that change verdicts; the default is Azure Kubernetes Service's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the agent")]
pub struct Settings {
    /// `enable-policy`.
    pub enforcement: Enforcement,
    /// `allow-localhost`: whether the node may reach its own pods without a rule. Kubernetes
    /// agents resolve `auto` to yes.
    pub allow_localhost: bool,
    /// IPv4 and IPv6 are both enabled: `world` splits into `world-ipv4` and `world-ipv6`.
    pub dual_stack: bool,
    /// `cluster-name`; selectors without a cluster mean this one.
    pub cluster_name: String,
    /// `policy-default-local-cluster`; false: selectors without a cluster mean every cluster.
    pub default_local_cluster: bool,
    /// `enable-host-firewall`: policies apply to nodes.
    pub host_firewall: bool,
    /// `policy-cidr-match-mode` has `nodes`.
    pub cidr_matches_nodes: bool,
    /// `policy-cidr-match-mode` has `pods`.
    pub cidr_matches_pods: bool,
    /// `enable-node-selector-labels`: `fromNodes` and `toNodes` are accepted.
    pub node_selector_labels: bool,
    /// `enable-extended-ip-protocols`: GRE, VRRP, … and ports without a number are accepted.
    pub extended_ip_protocols: bool,
    /// Whether every Service is known to have no backends, as where Cilium's engine runs as a
    /// library. False: what `toServices` selects cannot be told.
    pub services_are_empty: bool,
    /// Namespace of namespaced documents that name none, as `kubectl apply -n` gives it.
    pub namespace: String,
}

/// `enable-policy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Enforcement {
    /// Where a policy selects the endpoint.
    #[default]
    Default,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enforcement: Enforcement::Default,
            allow_localhost: true,
            dual_stack: false,
            cluster_name: "default".to_owned(),
            default_local_cluster: true,
            host_firewall: false,
            cidr_matches_nodes: false,
            cidr_matches_pods: false,
            node_selector_labels: false,
            extended_ip_protocols: false,
            services_are_empty: false,
            namespace: "default".to_owned(),
        }
    }
}

impl Settings {
    /// Changes one setting, named as in the agent's configuration (`enable-policy`), and
    /// `namespace`. False: there is no such setting, or it has no such value.
    #[must_use]
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let flag = match value {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        let switch = match name {
            "enable-policy" => {
                let mode = match value {
                    "default" => Enforcement::Default,
                    "always" => Enforcement::Always,
                    "never" => Enforcement::Never,
                    _ => return false,
                };
                self.enforcement = mode;
                return true;
            }
            "allow-localhost" => {
                self.allow_localhost = match value {
                    "auto" | "always" => true,
                    "policy" => false,
                    _ => return false,
                };
                return true;
            }
            "cluster-name" => {
                value.clone_into(&mut self.cluster_name);
                return true;
            }
            "policy-cidr-match-mode" => {
                let modes = || value.split(',').filter(|mode| !mode.is_empty());
                if modes().any(|mode| !matches!(mode, "nodes" | "pods")) {
                    return false;
                }
                self.cidr_matches_nodes = modes().any(|mode| mode == "nodes");
                self.cidr_matches_pods = modes().any(|mode| mode == "pods");
                return true;
            }
            "namespace" => {
                value.clone_into(&mut self.namespace);
                return true;
            }
            "enable-ipv6" => &mut self.dual_stack,
            "policy-default-local-cluster" => &mut self.default_local_cluster,
            "enable-host-firewall" => &mut self.host_firewall,
            "enable-node-selector-labels" => &mut self.node_selector_labels,
            "enable-extended-ip-protocols" => &mut self.extended_ip_protocols,
            _ => return false,
        };
        flag.map(|flag| *switch = flag).is_some()
    }

    /// The cluster that selectors without one mean.
    pub(crate) fn selected_cluster(&self) -> Option<&str> {
        Some(self.cluster_name.as_str())
            .filter(|name| self.default_local_cluster && !name.is_empty())
    }
}
