//! Queries for a service map.

use serde::Deserialize;
use wording::Notice;

use crate::fields::{Fields, InvalidFields};
use crate::form::FlowsForm;
use crate::form_json::{InvalidForm, read_fields};

/// A query for flows as a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceMapQuery {
    /// Selected flows.
    pub form: FlowsForm,
    /// The kind of the graph's nodes.
    pub by: NodesBy,
    /// Notices about parts of the query that were not used.
    pub notices: Vec<Notice>,
}

/// The kind of a graph's nodes.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "MapBy"))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodesBy {
    /// A workload.
    #[default]
    Workload,
    /// A namespace.
    Namespace,
    /// A pod.
    Pod,
    /// A security identity.
    Identity,
}

#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "ServiceMapFields", optional_fields)
)]
pub(crate) struct ServiceMapJson {
    by: Option<NodesBy>,
}

impl ServiceMapJson {
    fn take(fields: &mut Fields) -> Result<Self, InvalidFields> {
        Ok(Self { by: fields.variant("by")? })
    }
}

impl ServiceMapQuery {
    /// Takes the query's fields.
    ///
    /// Errors: [`InvalidForm`].
    pub(crate) fn take(fields: Fields) -> Result<Self, InvalidForm> {
        let (form, json, notices) = read_fields(fields, "serviceMap", ServiceMapJson::take)?;
        Ok(Self { form, by: json.by.unwrap_or_default(), notices })
    }
}
