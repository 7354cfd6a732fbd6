//! Health checks ("Save & test"), and the figures for Prometheus.

use plugin_protocol::{CheckHealthRequest, CheckHealthResponse, HealthStatus, Status};
use prometheus::{ForwardedIdentity, HeaderOrigin};

use super::context::{CalledDataSource, NoDataSource};
use super::instances::Instances;
use crate::health;

/// Answers a health check.
///
/// Errors: the user's own headers cannot be forwarded.
pub(super) async fn check(
    instances: &Instances,
    request: CheckHealthRequest,
) -> Result<CheckHealthResponse, Status> {
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let identity = ForwardedIdentity::new(headers, HeaderOrigin::Grafana)
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
    let report = match CalledDataSource::try_from(request.plugin_context) {
        Ok(target) => health::check(&instances.get(target), &identity).await,
        // Grafana sometimes checks the plugin itself; an answer is enough then.
        Err(NoDataSource) => health::HealthReport::alive(),
    };
    let status = if report.healthy { HealthStatus::Ok } else { HealthStatus::Error };
    Ok(CheckHealthResponse {
        status: status.into(),
        message: report.message,
        json_details: report.details.to_string().into_bytes(),
    })
}

/// The figures of this process in Prometheus' text format.
pub(super) fn metrics(instances: &Instances) -> Vec<u8> {
    let budget = &instances.budget;
    budget.metrics.text(budget.load()).into_bytes()
}
