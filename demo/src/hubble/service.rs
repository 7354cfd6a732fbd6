//! The Observer service.

use std::sync::Arc;

use hubble_api::pb::observer::observer_server::Observer;
use hubble_api::pb::observer::{
    GetAgentEventsRequest, GetAgentEventsResponse, GetDebugEventsRequest, GetDebugEventsResponse,
    GetFlowsRequest, GetFlowsResponse, GetNamespacesRequest, GetNamespacesResponse,
    GetNodesRequest, GetNodesResponse, ServerStatusRequest, ServerStatusResponse,
};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::flows::get_flows;
use super::relay::{Relay, VERSION_HEADER};
use super::streams::{Counted, Streams};

/// Serves a relay over gRPC.
#[derive(Debug, Clone)]
pub(crate) struct ObserverService {
    relay: Arc<Relay>,
    streams: Streams,
}

impl ObserverService {
    /// A service that counts its streams of flows in `streams`.
    pub(crate) fn new(relay: Arc<Relay>, streams: Streams) -> Self {
        Self { relay, streams }
    }

    /// Adds the relay's version header to an answer.
    fn respond<T>(&self, message: T) -> Response<T> {
        let mut response = Response::new(message);
        let version = MetadataValue::from_static(self.relay.release.semver());
        response.metadata_mut().insert(VERSION_HEADER, version);
        response
    }

    /// Whether any node can be reached.
    pub(crate) fn has_peers(&self) -> bool {
        !self.relay.connected().is_empty()
    }
}

#[tonic::async_trait]
impl Observer for ObserverService {
    type GetFlowsStream = Counted<ReceiverStream<Result<GetFlowsResponse, Status>>>;
    type GetAgentEventsStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<GetAgentEventsResponse, Status>> + Send>>;
    type GetDebugEventsStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<GetDebugEventsResponse, Status>> + Send>>;

    async fn get_flows(
        &self,
        request: Request<GetFlowsRequest>,
    ) -> Result<Response<Self::GetFlowsStream>, Status> {
        let request = request.into_inner();
        let follows = request.follow;
        let receiver = get_flows(&self.relay, request);
        Ok(self.respond(self.streams.count(ReceiverStream::new(receiver), follows)))
    }

    async fn get_agent_events(
        &self,
        _: Request<GetAgentEventsRequest>,
    ) -> Result<Response<Self::GetAgentEventsStream>, Status> {
        Err(Status::unimplemented("GetAgentEvents not yet implemented"))
    }

    async fn get_debug_events(
        &self,
        _: Request<GetDebugEventsRequest>,
    ) -> Result<Response<Self::GetDebugEventsStream>, Status> {
        Err(Status::unimplemented("GetDebugEvents not yet implemented"))
    }

    async fn get_nodes(
        &self,
        _: Request<GetNodesRequest>,
    ) -> Result<Response<GetNodesResponse>, Status> {
        Ok(self.respond(self.relay.nodes()))
    }

    async fn get_namespaces(
        &self,
        _: Request<GetNamespacesRequest>,
    ) -> Result<Response<GetNamespacesResponse>, Status> {
        Ok(self.respond(self.relay.namespaces()))
    }

    async fn server_status(
        &self,
        _: Request<ServerStatusRequest>,
    ) -> Result<Response<ServerStatusResponse>, Status> {
        Ok(self.respond(self.relay.server_status()))
    }
}
