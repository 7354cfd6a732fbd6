//! DNS names and the connections that followed them, as one table.

use flow::TimeRange;
use flow::dns::DnsConnections;
use flow::filter::FilterSet;
use frames::{Frame, dns_table};
use query::DnsConnectionsQuery;
use wording::Notice;

use crate::scan::{Rows, scan};
use crate::select::select;
use crate::{ExecutionError, FlowSource, QueryContext};

/// The same filters, and filters for the answers to the queries that they select: an answer goes the
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
/// Errors: [`ExecutionError`], when there is nothing to show.
pub async fn dns_connections(
    source: FlowSource<'_>,
    context: &QueryContext,
    query: &DnsConnectionsQuery,
) -> Result<Vec<Frame>, ExecutionError> {
    let range = TimeRange::of_ms(context.from_ms, context.to_ms);
    let mut selected = select(source, &query.form, range).await?;
    selected.filters = with_answers(selected.filters);
    let rows = Rows { columns: DnsConnections::COLUMNS, timeless: "left out" };
    let (scan, connections) =
        scan(source.relay, selected, rows, DnsConnections::default, DnsConnections::add).await?;
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
    let saw_all = scan.saw_all && left_out == 0;
    let meta = scan.meta(&query.notices, notices, names.is_empty(), Vec::new());
    Ok(vec![dns_table(&names, saw_all, meta)])
}
