//! Grafana's calls, each handed to the room that answers it.

mod context;
mod data;
mod diagnostics;
mod instances;
mod live;
mod resource;

use std::process::ExitCode;
use std::sync::Arc;

use plugin_protocol::{
    Answers, Backend, CallResourceRequest, CallResourceResponse, CheckHealthRequest,
    CheckHealthResponse, Program, PublishStatus, PublishStreamRequest, PublishStreamResponse,
    QueryDataRequest, QueryDataResponse, RunStreamRequest, Status, StreamPacket,
    SubscribeStreamRequest, SubscribeStreamResponse, async_trait,
};

use self::instances::Instances;
use crate::stream::Channels;

const PROGRAM: Program =
    Program { name: "gpx_hubble", crates: &["gpx_hubble", "hubble_api", "prometheus"] };

/// The data sources at work, and their live channels.
#[derive(Debug, Default)]
struct DataSources {
    instances: Instances,
    channels: Arc<Channels>,
}

/// Serves Grafana until it ends the plugin.
pub(crate) fn run() -> ExitCode {
    plugin_protocol::run(PROGRAM, DataSources::default())
}

#[async_trait]
impl Backend for DataSources {
    async fn query_data(
        &self,
        request: QueryDataRequest,
        traceparent: Option<String>,
    ) -> Result<QueryDataResponse, Status> {
        data::query(&self.instances, request, traceparent.as_deref()).await
    }

    async fn check_health(
        &self,
        request: CheckHealthRequest,
    ) -> Result<CheckHealthResponse, Status> {
        diagnostics::check(&self.instances, request).await
    }

    async fn call_resource(
        &self,
        request: CallResourceRequest,
    ) -> Result<Answers<CallResourceResponse>, Status> {
        resource::call(&self.instances, request).await
    }

    async fn subscribe_stream(
        &self,
        request: SubscribeStreamRequest,
    ) -> Result<SubscribeStreamResponse, Status> {
        Ok(live::subscribe(&self.instances, &self.channels, request)?)
    }

    async fn run_stream(&self, request: RunStreamRequest) -> Result<Answers<StreamPacket>, Status> {
        Ok(live::run(&self.instances, &self.channels, request)?)
    }

    async fn publish_stream(
        &self,
        _: PublishStreamRequest,
    ) -> Result<PublishStreamResponse, Status> {
        // Flows are observed, never made.
        Ok(PublishStreamResponse {
            status: PublishStatus::PermissionDenied.into(),
            data: Vec::new(),
        })
    }
}
