//! Cilium releases that relay and nodes imitate, as far as clients see the difference.
//!
//! Source: the history of Cilium's pkg/hubble/{observer,container,relay} and api/v1.

use clap::ValueEnum;
use flow::filter::FilterSet;
use hubble_api::pb::flow::Flow;
use hubble_api::pb::observer::GetFlowsRequest;
use hubble_api::release::{Release, supported_filters};
use prost_types::FieldMask;

/// A release of Cilium.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum HubbleRelease {
    /// Masks are an experiment; flows do not name the policies that denied them.
    #[value(name = "1.15.0")]
    V1_15,
    /// Masks in either place; each event lost in the ring is a separate message.
    #[value(name = "1.18.6")]
    V1_18,
    /// Events lost in the ring are reported once a second, with their times.
    #[value(name = "1.20")]
    V1_20,
    /// The development version.
    #[default]
    Main,
}

impl HubbleRelease {
    /// The version of nodes and relay, without their names.
    pub(crate) const fn semver(self) -> &'static str {
        match self {
            Self::V1_15 => "1.15.0",
            Self::V1_18 => "1.18.6",
            Self::V1_20 => "1.20.0",
            Self::Main => "1.21.0-dev",
        }
    }

    /// The relay's version string.
    pub(crate) fn relay_version(self) -> String {
        format!("hubble-relay v{}", self.semver())
    }

    /// A node's version string.
    pub(crate) fn node_version(self) -> String {
        format!("cilium v{}", self.semver())
    }

    /// The mask of a request, from the place where this release looks for it.
    pub(crate) fn field_mask(self, request: &GetFlowsRequest) -> Option<FieldMask> {
        let is_set = |mask: &FieldMask| !mask.paths.is_empty();
        let mask = request.field_mask.clone().filter(is_set);
        let experiment = request.experimental.as_ref().and_then(|it| it.field_mask.clone());
        match self {
            Self::V1_15 => experiment.filter(is_set),
            Self::V1_18 => mask.or(experiment.filter(is_set)),
            Self::V1_20 | Self::Main => mask,
        }
    }

    /// The conditions that this release has; it ignores the others.
    pub(crate) fn known(self, filters: FilterSet) -> FilterSet {
        match Release::read(self.semver()) {
            Some(release) if self < Self::V1_20 => supported_filters(&filters, release).filters,
            _ => filters,
        }
    }

    /// Whether ring losses are reported at most once a second, with their times, and never by an
    /// answer that ends earlier.
    pub(crate) fn gathers_lost_events(self) -> bool {
        self >= Self::V1_20
    }

    /// Removes fields that flows of this release do not have.
    pub(crate) fn forget(self, flow: &mut Flow) {
        if self < Self::V1_18 {
            flow.egress_denied_by.clear();
            flow.ingress_denied_by.clear();
            flow.policy_log.clear();
            for end in [&mut flow.source, &mut flow.destination].into_iter().flatten() {
                end.cluster_name.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hubble_api::pb::observer::get_flows_request::Experimental;

    use super::*;

    #[test]
    fn each_release_looks_for_a_mask_in_its_place() {
        let mask = |path: &str| Some(FieldMask { paths: vec![path.to_owned()] });
        let request = GetFlowsRequest {
            field_mask: mask("uuid"),
            experimental: Some(Experimental { field_mask: mask("time") }),
            ..GetFlowsRequest::default()
        };
        let check = |release: HubbleRelease, both: &str, experiment: Option<&str>| {
            assert_eq!(release.field_mask(&request), mask(both), "{release:?}");
            let alone = GetFlowsRequest { field_mask: None, ..request.clone() };
            assert_eq!(release.field_mask(&alone), experiment.and_then(mask), "{release:?}");
        };
        check(HubbleRelease::V1_15, "time", Some("time"));
        check(HubbleRelease::V1_18, "uuid", Some("time"));
        check(HubbleRelease::V1_20, "uuid", None);
        check(HubbleRelease::Main, "uuid", None);
    }
}
