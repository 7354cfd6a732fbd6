//! The manifests in force in each act: an act that applies a policy again replaces the one with
//! that name. The last act uses the lab's own files unchanged.

use super::Scenario;

/// One policy's manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// File name: `<policy>.yaml`. The lab's own files have a number in front of their name, since
    /// readers of the folder take the last file with a policy's name.
    pub(crate) file_name: &'static str,
    /// YAML text.
    pub(crate) text: &'static str,
}

macro_rules! manifest {
    ($file:literal) => {
        manifest!("", $file)
    };
    ($folder:literal, $file:literal) => {
        Manifest {
            file_name: $file,
            text: include_str!(concat!("../../manifests/", $folder, $file)),
        }
    };
}

const RABBITMQ: Manifest = manifest!("allow-rabbitmq-traffic.yaml");
const ORDER_SERVICE: Manifest = manifest!("allow-order-service-traffic.yaml");
const PRODUCT_SERVICE: Manifest = manifest!("allow-product-service-traffic.yaml");
const STORE_FRONT: Manifest = manifest!("allow-store-front-traffic.yaml");
const ORDER_SERVICE_FQDN: Manifest = manifest!("fqdn/", "allow-order-service-traffic.yaml");
const STORE_FRONT_CUT: Manifest = manifest!("chaos/", "allow-store-front-traffic.yaml");
const STORE_ADMIN: Manifest = manifest!("chaos/", "allow-store-admin-traffic.yaml");
const COMBINED: Manifest = manifest!("combined/", "combined-fqdn-l7-policy.yaml");

macro_rules! of_lab {
    ($number:literal, $file:literal) => {
        Manifest {
            file_name: concat!($number, "-", $file),
            text: include_str!(concat!("../../../tests/vectors/policies-lab/", $file)),
        }
    };
}

/// Manifests in the order in which the lab applies them.
const LAB: &[Manifest] = &[
    of_lab!("1", "acns-network-policy.yaml"),
    of_lab!("2", "acns-network-policy-fqdn.yaml"),
    of_lab!("3", "acns-network-policy-chaos.yaml"),
    of_lab!("4", "aks-combined-fqdn-l7.yaml"),
];

impl Scenario {
    /// The manifests of this act.
    pub(crate) fn manifests(self) -> &'static [Manifest] {
        match self {
            Self::Open => &[],
            Self::Policies => &[RABBITMQ, ORDER_SERVICE, PRODUCT_SERVICE, STORE_FRONT],
            Self::Fqdn => &[RABBITMQ, ORDER_SERVICE_FQDN, PRODUCT_SERVICE, STORE_FRONT],
            Self::Chaos => {
                &[RABBITMQ, ORDER_SERVICE, PRODUCT_SERVICE, STORE_ADMIN, STORE_FRONT_CUT]
            }
            Self::Combined => &[COMBINED],
            Self::Lab => LAB,
        }
    }
}
