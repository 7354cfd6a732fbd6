//! All flows of a time range, one after the other: nothing is held.

use bytes::Bytes;
use flow::Timestamp;
use flow::filter::FilterSet;
use futures_util::StreamExt;
use hubble_api::client::{FlowMessage, FlowRequest, Notices};

use super::{Relay, RelayError};

/// What a scan found beside the flows.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    /// What the relay says about itself.
    pub(crate) notices: Notices,
    /// Why the stream ended early, if it did and something had come before.
    pub(crate) broken: Option<RelayError>,
}

impl Relay {
    /// Hands every flow of the range (Unix milliseconds, both ends inclusive) to `take`.
    ///
    /// Errors: [`RelayError`] when nothing came; what came before an error counts.
    pub(crate) async fn scan(
        &self,
        filters: FilterSet,
        (from_ms, to_ms): (i64, i64),
        mut take: impl FnMut(&Bytes),
    ) -> Result<Scanned, RelayError> {
        let until_nanos = to_ms.saturating_mul(1_000_000).saturating_add(999_999);
        let mut stream = self.client.get_flows(FlowRequest {
            since: Some(Timestamp::from_unix_nanos(from_ms.saturating_mul(1_000_000))),
            until: Some(Timestamp::from_unix_nanos(until_nanos)),
            filters,
            ..FlowRequest::default()
        });
        let mut scanned = Scanned::default();
        let mut came = false;
        while let Some(message) = stream.next().await {
            match message {
                Ok(FlowMessage::Flow(message)) => {
                    came = true;
                    take(&message);
                }
                Ok(FlowMessage::Notice(notice)) => scanned.notices.add(notice),
                Err(error) if !came => return Err(error.into()),
                Err(error) => {
                    scanned.broken = Some(error.into());
                    break;
                }
            }
        }
        Ok(scanned)
    }
}
