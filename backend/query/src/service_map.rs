//! Queries for a service map.

use serde::Deserialize;
use wording::Notice;

use crate::fields::Fields;
use crate::form::FlowsForm;
use crate::model::{InvalidQuery, read_fields};

/// Flows as a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceMapQuery {
    /// Which flows.
    pub form: FlowsForm,
    /// What a node stands for.
    pub by: NodesBy,
    /// What of the query was not used.
    pub notices: Vec<Notice>,
}

/// What a node stands for.
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
    fn take(fields: &mut Fields) -> Result<Self, InvalidQuery> {
        Ok(Self { by: fields.choice("by")? })
    }
}

impl ServiceMapQuery {
    /// Takes the fields of a query. Errors: [`InvalidQuery`].
    pub(crate) fn take(fields: Fields) -> Result<Self, InvalidQuery> {
        let (form, json, notices) = read_fields(fields, "serviceMap", ServiceMapJson::take)?;
        Ok(Self { form, by: json.by.unwrap_or_default(), notices })
    }
}
