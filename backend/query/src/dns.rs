//! Queries for DNS names and the connections that followed their lookups.

use std::net::IpAddr;

use wording::{Notice, quote};

use crate::fields::Fields;
use crate::form::FlowsForm;
use crate::model::{InvalidQuery, read_fields};

pub(crate) const DEFAULT_LIMIT: i64 = 1_000;
pub(crate) const MAX_LIMIT: i64 = 10_000;

/// A query for DNS lookups and what followed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConnectionsQuery {
    /// Selected flows.
    pub form: FlowsForm,
    /// Address that a name must have among its answers or connections.
    pub ip: Option<String>,
    /// Maximum number of names, 1 to 10,000.
    pub limit: usize,
    /// Notices about parts of the query that were not used.
    pub notices: Vec<Notice>,
}

#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "DnsConnectionsFields", optional_fields)
)]
pub(crate) struct DnsConnectionsJson {
    ip: Option<String>,
    limit: Option<i64>,
}

impl DnsConnectionsJson {
    fn take(fields: &mut Fields) -> Result<Self, InvalidQuery> {
        Ok(Self { ip: fields.text("ip")?, limit: fields.whole("limit")? })
    }
}

impl DnsConnectionsQuery {
    /// Takes the query's fields.
    ///
    /// Errors: [`InvalidQuery`].
    pub(crate) fn take(fields: Fields) -> Result<Self, InvalidQuery> {
        let (form, json, notices) =
            read_fields(fields, "dnsConnections", DnsConnectionsJson::take)?;
        let limit = json.limit.unwrap_or(DEFAULT_LIMIT);
        let limit = usize::try_from(limit)
            .ok()
            .filter(|_| (1..=MAX_LIMIT).contains(&limit))
            .ok_or(InvalidQuery::Names { limit, max: MAX_LIMIT })?;
        let ip = json.ip.map(|ip| ip.trim().to_owned()).filter(|ip| !ip.is_empty());
        if let Some(variable) = ip.as_deref().and_then(crate::flag::unresolved_variable) {
            return Err(InvalidQuery::Variable { field: "ip", name: variable.to_owned() });
        }
        let ip = match ip {
            None => None,
            Some(text) => {
                let address: IpAddr =
                    text.parse().map_err(|_| InvalidQuery::Ip { ip: quote(&text) })?;
                Some(address.to_string())
            }
        };
        Ok(Self { form, ip, limit, notices })
    }
}
