//! A relay that answers every request with the same flows.

use std::net::SocketAddr;

use hubble_api::field_mask::FieldMask;
use hubble_api::pb::observer::GetFlowsResponse;
use hubble_api::pb::observer::get_flows_response::ResponseTypes;
use hubble_api::release::mask_paths;
use test_kit::relay::{Masks, Relay, Script};

use super::{RELEASE, SHOWN};
use crate::Failure;

/// Starts a relay that answers as a node of Cilium 1.19: a request with a field mask gets the fields
/// that it names. To be called within a Tokio runtime.
pub(super) async fn start(flows: Vec<GetFlowsResponse>) -> Result<SocketAddr, Failure> {
    let mask = FieldMask::new(&mask_paths(SHOWN, RELEASE))?;
    let masked = flows.iter().cloned().map(|mut message| {
        if let Some(ResponseTypes::Flow(flow)) = &mut message.response_types {
            *flow = mask.apply(flow);
        }
        message
    });
    let masks = Masks::Answered(masked.collect());
    Ok(Relay::start(Script { flows, masks, ..Script::default() }).await.address)
}

/// The same of a release before field masks: every answer has all fields.
pub(crate) async fn start_without_mask(flows: Vec<GetFlowsResponse>) -> SocketAddr {
    Relay::start(Script { flows, ..Script::default() }).await.address
}
