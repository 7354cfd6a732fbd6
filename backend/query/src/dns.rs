//! Queries for DNS names and the connections that followed them.

use std::net::IpAddr;

use wording::{Notice, quote};

use crate::fields::Fields;
use crate::form::FlowsForm;
use crate::model::{InvalidQuery, read_fields};

pub(crate) const DEFAULT_LIMIT: i64 = 1_000;
pub(crate) const MAX_LIMIT: i64 = 10_000;

/// Names that were asked for, and what came of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConnectionsQuery {
    /// Which flows.
    pub form: FlowsForm,
    /// Only names with this address among their answers or connections.
    pub ip: Option<String>,
    /// Names at most, 1 to 10,000.
    pub limit: usize,
    /// What of the query was not used.
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
    /// Takes the fields of a query. Errors: [`InvalidQuery`].
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
