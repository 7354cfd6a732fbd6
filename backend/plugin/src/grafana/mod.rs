//! Grafana's calls, each passed to the module that answers it.

mod context;
mod data;
mod diagnostics;
mod instances;
mod live;
mod resource;

use std::process::ExitCode;

use plugin_protocol::{
    Answers, Backend, CallResourceRequest, CallResourceResponse, CheckHealthRequest,
    CheckHealthResponse, Program, PublishStatus, PublishStreamRequest, PublishStreamResponse,
    QueryDataRequest, QueryDataResponse, RunStreamRequest, Status, StreamPacket,
    SubscribeStreamRequest, SubscribeStreamResponse, async_trait,
};

use self::instances::Instances;
use crate::metrics::VERSION;

const PROGRAM: Program = Program {
    id: "k8snet-hubble-datasource",
    version: VERSION,
    name: "gpx_hubble",
    crates: &[
        "gpx_hubble",
        "budget",
        "cilium_policy",
        "cluster_state",
        "execution",
        "flow",
        "frames",
        "hubble_api",
        "prometheus",
        "query",
        "relay",
        "secret",
        "settings",
        "wording",
    ],
};

/// The data sources in use.
#[derive(Debug, Default)]
struct DataSources {
    instances: Instances,
}

/// Serves Grafana until it ends the plugin.
pub(crate) fn run() -> ExitCode {
    plugin_protocol::run(PROGRAM, DataSources::default())
}

#[async_trait]
impl Backend for DataSources {
    async fn query_data(&self, request: QueryDataRequest) -> Result<QueryDataResponse, Status> {
        data::query(&self.instances, request).await
    }

    async fn check_health(
        &self,
        request: CheckHealthRequest,
    ) -> Result<CheckHealthResponse, Status> {
        diagnostics::check(&self.instances, request).await
    }

    async fn collect_metrics(&self) -> Result<Vec<u8>, Status> {
        Ok(diagnostics::metrics(&self.instances))
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
        Ok(live::subscribe(&self.instances, request).await?)
    }

    async fn run_stream(&self, request: RunStreamRequest) -> Result<Answers<StreamPacket>, Status> {
        Ok(live::run(&self.instances, request)?)
    }

    async fn publish_stream(
        &self,
        _: PublishStreamRequest,
    ) -> Result<PublishStreamResponse, Status> {
        // Flows are only observed, so nothing can be published.
        Ok(PublishStreamResponse {
            status: PublishStatus::PermissionDenied.into(),
            data: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every crate of this workspace is listed; others log from `warn` on.
    #[test]
    fn every_crate_of_ours_logs() {
        let workspace = include_str!("../../../../Cargo.toml");
        let (_, own) = include_str!("../../Cargo.toml").split_once("[dependencies]").unwrap();
        let (own, _) = own.split_once("\n[").unwrap();
        let is_ours = |name: &&str| workspace.contains(&format!("\n{name} = {{ path = "));
        let ours = own.lines().filter_map(|line| line.split(['.', ' ']).next()).filter(is_ours);
        // The protocol crate lists itself.
        let ours =
            ours.filter(|name| *name != "plugin-protocol").map(|name| name.replace('-', "_"));
        let ours: Vec<String> = std::iter::once("gpx_hubble".to_owned()).chain(ours).collect();
        assert_eq!(PROGRAM.crates, ours);
    }
}
