//! DNS names and the connections that followed them, as one table.

use std::net::IpAddr;

use flow::dns::DnsConnections;
use flow::filter::FilterSet;
use wording::{Notice, quote};

use super::fields::Fields;
use super::form::FlowsForm;
use super::model::{InvalidQuery, read_fields};
use super::rows::read_rows;
use super::{Envelope, QueryError};
use crate::instance::Instance;
use frames::{Frame, dns_table};

pub(super) const DEFAULT_LIMIT: i64 = 1_000;
pub(super) const MAX_LIMIT: i64 = 10_000;

/// Names that were asked for, and what came of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DnsConnectionsQuery {
    form: FlowsForm,
    /// Only names with this address among their answers or connections.
    ip: Option<String>,
    limit: usize,
    notices: Vec<Notice>,
}

#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "DnsConnectionsFields", optional_fields))]
pub(super) struct DnsConnectionsJson {
    ip: Option<String>,
    limit: Option<i64>,
}

impl DnsConnectionsJson {
    fn take(fields: &mut Fields) -> Result<Self, InvalidQuery> {
        Ok(Self { ip: fields.text("ip")?, limit: fields.whole("limit")? })
    }
}

impl DnsConnectionsQuery {
    /// Reads the JSON of a query. Errors: [`InvalidQuery`].
    pub(crate) fn read(json: &[u8]) -> Result<Self, InvalidQuery> {
        let (form, json, notices) = read_fields(json, "dnsConnections", DnsConnectionsJson::take)?;
        let limit = json.limit.unwrap_or(DEFAULT_LIMIT);
        let limit = usize::try_from(limit)
            .ok()
            .filter(|_| (1..=MAX_LIMIT).contains(&limit))
            .ok_or(InvalidQuery::Names { limit, max: MAX_LIMIT })?;
        let ip = json.ip.map(|ip| ip.trim().to_owned()).filter(|ip| !ip.is_empty());
        if let Some(variable) = ip.as_deref().and_then(super::flag::unresolved_variable) {
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

/// The same filters, and the answers to those whose queries they select: an answer goes the
/// other way, and need not have the verdict that was asked for.
fn with_answers(filters: FilterSet) -> FilterSet {
    let answers = filters.allow.iter().map(|filter| {
        let mut answer = filter.clone().mirrored();
        answer.verdict.clear();
        answer.drop_reason_desc.clear();
        answer.protocol = vec!["dns".to_owned()];
        answer
    });
    let answers: Vec<_> = answers.collect();
    let mut with_answers = filters;
    for answer in answers {
        if !with_answers.allow.contains(&answer) {
            with_answers.allow.push(answer);
        }
    }
    with_answers
}

/// Asks the relay and joins names with connections.
///
/// Errors: [`QueryError`], when there is nothing to show.
pub(super) async fn frames(
    instance: &Instance,
    envelope: &Envelope,
    query: &DnsConnectionsQuery,
) -> Result<Vec<Frame>, QueryError> {
    let (read, connections) = read_rows(
        instance,
        envelope,
        &query.form,
        with_answers,
        DnsConnections::COLUMNS,
        DnsConnections::default,
        DnsConnections::add,
    )
    .await?;
    let mut notices = Vec::new();
    let left_out = connections.left_out;
    if left_out > 0 {
        notices.push(Notice::warning(format!(
            "{left_out} flows are of too many names or connections and are left out: narrow the filter"
        )));
    }
    let unread_queries = connections.unread_queries;
    let mut names = connections.joined();
    if unread_queries > 0 && names.is_empty() {
        notices.push(Notice::warning(format!(
            "{unread_queries} packets to port 53 were seen, but no names: Hubble shows DNS names only where a policy has DNS rules"
        )));
    }
    if let Some(ip) = &query.ip {
        names.retain(|name| {
            name.ips.contains(ip) || name.connections.iter().any(|connection| connection.ip == *ip)
        });
    }
    if names.len() > query.limit {
        notices.push(Notice::info(format!(
            "showing the {} names of {} that were asked for last",
            query.limit,
            names.len()
        )));
        names.truncate(query.limit);
    }
    let saw_all = read.saw_all && left_out == 0;
    let meta = read.meta(&query.notices, notices, names.is_empty());
    Ok(vec![dns_table(&names, saw_all, meta)])
}
