//! The kinds of documents that verdicts read, and of each the fields. `server::kinds` names the kinds of
//! policies, `document::is_read` the others.

use crate::{
    document::{is_read, objects},
    server::kinds::Kind,
};

/// The part of a value that is kept.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keep {
    /// All of it.
    All,
    /// These fields of a map.
    Fields(&'static [(&'static str, Self)], Rest),
    /// A part of each item of a list.
    Each(&'static Self),
}

/// The fate of the other fields of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// The names stay, without values: a server refuses names that it does not know.
    Hollow,
    /// Nothing stays.
    Drop,
}

use Keep::{All, Each, Fields};

/// The annotations that name a policy in Cilium.
const ANNOTATIONS: Keep =
    Fields(&[("policy.cilium.io/name", All), ("io.cilium.name", All)], Rest::Drop);

const POLICY: Keep = Fields(
    &[
        ("apiVersion", All),
        ("kind", All),
        (
            "metadata",
            Fields(
                &[
                    ("name", All),
                    ("generateName", All),
                    ("namespace", All),
                    ("labels", All),
                    ("annotations", ANNOTATIONS),
                    ("creationTimestamp", All),
                    ("generation", All),
                    ("managedFields", All),
                ],
                Rest::Hollow,
            ),
        ),
        ("spec", All),
        ("specs", All),
    ],
    Rest::Hollow,
);

/// A policy whose kind is misspelt: enough to say so.
const MISSPELT: Keep = Fields(
    &[
        ("apiVersion", All),
        ("kind", All),
        ("metadata", Fields(&[("name", All), ("namespace", All)], Rest::Drop)),
    ],
    Rest::Drop,
);

const LIST: Keep = Fields(&[("apiVersion", All), ("kind", All)], Rest::Hollow);

const METADATA: Keep = Fields(
    &[
        ("name", All),
        ("namespace", All),
        ("labels", All),
        ("creationTimestamp", All),
        ("generation", All),
        ("managedFields", All),
    ],
    Rest::Drop,
);

/// An object with these fields beside its name.
macro_rules! object {
    ($($field:literal: $keep:expr),*) => {
        Fields(
            &[("apiVersion", All), ("kind", All), ("metadata", METADATA), $(($field, $keep)),*],
            Rest::Drop,
        )
    };
}

const IPS: Keep = Each(&Fields(&[("ip", All)], Rest::Drop));

const CONTAINERS: Keep = Each(&Fields(&[("ports", All)], Rest::Drop));

const POD_SPEC: Keep = Fields(
    &[
        ("hostNetwork", All),
        ("serviceAccountName", All),
        ("containers", CONTAINERS),
        ("initContainers", CONTAINERS),
    ],
    Rest::Drop,
);

const TEMPLATE: Keep = Fields(
    &[("template", Fields(&[("metadata", METADATA), ("spec", POD_SPEC)], Rest::Drop))],
    Rest::Drop,
);

const SERVICE: Keep = object!(
    "spec": Fields(
        &[
            ("selector", All),
            ("ports", All),
            ("clusterIP", All),
            ("clusterIPs", All),
            ("externalIPs", All),
            ("externalName", All),
        ],
        Rest::Drop,
    ),
    "status": Fields(&[("loadBalancer", Fields(&[("ingress", IPS)], Rest::Drop))], Rest::Drop)
);

const ENDPOINT_SLICE: Keep =
    object!("endpoints": Each(&Fields(&[("addresses", All)], Rest::Drop)), "ports": All);

const ENDPOINTS: Keep = object!(
    "subsets": Each(&Fields(
        &[("addresses", IPS), ("notReadyAddresses", IPS), ("ports", All)],
        Rest::Drop,
    ))
);

const POD: Keep = object!(
    "spec": POD_SPEC,
    "status": Fields(
        &[("podIP", All), ("podIPs", All), ("hostIP", All), ("hostIPs", All)],
        Rest::Drop,
    )
);

const ADDRESSES: Keep = Fields(&[("addresses", All)], Rest::Drop);

/// The fields of a document that verdicts read. `None`: they read no documents of its kind.
pub(super) fn of_kind(api_version: &str, kind: &str) -> Option<&'static Keep> {
    match Kind::of(Some(api_version), Some(kind)) {
        Kind::Policy(_) | Kind::CidrGroup => return Some(&POLICY),
        Kind::Unknown(_) => return Some(&MISSPELT),
        Kind::Foreign(_) if !is_read(api_version, kind) => return None,
        Kind::Foreign(_) => {}
    }
    Some(match kind {
        "Namespace" => &object!(),
        "Service" => &SERVICE,
        "EndpointSlice" => &ENDPOINT_SLICE,
        "Endpoints" => &ENDPOINTS,
        "Node" => &object!("status": ADDRESSES),
        "CiliumNode" => &object!("spec": ADDRESSES),
        "Pod" => &POD,
        "CronJob" => {
            &object!("spec": Fields(&[("jobTemplate", Fields(&[("spec", TEMPLATE)], Rest::Drop))], Rest::Drop))
        }
        kind => {
            objects::template(kind)?;
            &object!("spec": TEMPLATE)
        }
    })
}

/// The fields of a resource that says which flows Azure's agents log. The command reads them, verdicts do not.
pub(super) fn of_log(api_version: &str, kind: &str) -> Option<&'static Keep> {
    let is_log = api_version.starts_with("acn.azure.com/")
        && matches!(kind, "ContainerNetworkLog" | "ContainerNetworkMetric");
    is_log.then_some(&object!("spec": All, "status": All))
}

/// The fields of a List beside its items.
pub(super) const fn of_list() -> &'static Keep {
    &LIST
}
