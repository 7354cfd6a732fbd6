//! Queries for DNS names and the connections that followed their lookups.

use std::net::IpAddr;

use wording::{Notice, quote};

use crate::fields::{Fields, InvalidFields};
use crate::flag::VariableInField;
use crate::form::FlowsForm;
use crate::form_json::{InvalidForm, read_fields};
use crate::limit::{self, LimitOutOfRange};

pub(crate) const DEFAULT_LIMIT: usize = 1_000;
pub(crate) const MAX_LIMIT: usize = 10_000;

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
    fn take(fields: &mut Fields) -> Result<Self, InvalidFields> {
        Ok(Self { ip: fields.text("ip")?, limit: fields.whole("limit")? })
    }
}

/// Reason why a query for DNS names cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDnsConnectionsQuery {
    /// A selection of flows that cannot be read.
    #[error(transparent)]
    Form(#[from] InvalidForm),
    /// A limit out of range.
    #[error(transparent)]
    Limit(#[from] LimitOutOfRange),
    /// A text in `ip` that is not an address.
    #[error("`ip`: `{ip}` is not an IP address")]
    Ip {
        /// Text as given.
        ip: String,
    },
    /// A dashboard variable that Grafana left in place.
    #[error(transparent)]
    Variable(#[from] VariableInField),
}

impl DnsConnectionsQuery {
    /// Takes the query's fields.
    ///
    /// Errors: [`InvalidDnsConnectionsQuery`].
    pub(crate) fn take(fields: Fields) -> Result<Self, InvalidDnsConnectionsQuery> {
        let (form, json, notices) =
            read_fields(fields, "dnsConnections", DnsConnectionsJson::take)?;
        let limit = limit::read(json.limit, DEFAULT_LIMIT, MAX_LIMIT, "names")?;
        let ip = json.ip.map(|ip| ip.trim().to_owned()).filter(|ip| !ip.is_empty());
        if let Some(variable) = ip.as_deref().and_then(crate::flag::unresolved_variable) {
            return Err(VariableInField { field: "ip", name: variable.to_owned() }.into());
        }
        let ip = match ip {
            None => None,
            Some(text) => {
                let address: IpAddr = text
                    .parse()
                    .map_err(|_| InvalidDnsConnectionsQuery::Ip { ip: quote(&text) })?;
                Some(address.to_string())
            }
        };
        Ok(Self { form, ip, limit, notices })
    }
}
