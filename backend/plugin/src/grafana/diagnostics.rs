//! `pluginv2.Diagnostics`: "Save & test".

use std::sync::Arc;

use grafana_plugin_sdk::pluginv2::{self, check_health_response::HealthStatus};
use tonic::{Request, Response, Status};

use super::context::{NoDataSource, Target};
use super::instances::Instances;
use crate::health;
use crate::prometheus::{ForwardedIdentity, HeadersOf};

/// The service.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    pub(crate) instances: Arc<Instances>,
}

#[tonic::async_trait]
impl pluginv2::diagnostics_server::Diagnostics for Diagnostics {
    async fn check_health(
        &self,
        request: Request<pluginv2::CheckHealthRequest>,
    ) -> Result<Response<pluginv2::CheckHealthResponse>, Status> {
        let request = request.into_inner();
        let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let identity = ForwardedIdentity::new(headers, HeadersOf::Grafana)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let report = match Target::try_from(request.plugin_context) {
            Ok(target) => health::check(&self.instances.get(target), &identity).await,
            // Grafana asks the plugin itself now and then; it is well when it can answer.
            Err(NoDataSource) => health::Report::alive(),
        };
        let status = if report.healthy { HealthStatus::Ok } else { HealthStatus::Error };
        Ok(Response::new(pluginv2::CheckHealthResponse {
            status: status.into(),
            message: report.message,
            json_details: report.details.to_string().into_bytes(),
        }))
    }

    async fn collect_metrics(
        &self,
        _: Request<pluginv2::CollectMetricsRequest>,
    ) -> Result<Response<pluginv2::CollectMetricsResponse>, Status> {
        Err(Status::unimplemented("this plugin has no metrics of its own"))
    }
}
