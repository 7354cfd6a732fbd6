//! DNS names and the connections that followed their lookups, as one table.

use budget::Held;
use flow::TimeRange;
use flow::columns::FlowColumns;
use flow::dns::DnsConnections;
use flow::filter::FilterSet;
use frames::{Frame, dns_table};
use query::DnsConnectionsQuery;
use wording::{Notice, count};

use crate::scan::{Fold, Rows, scan};
use crate::select::select_more;
use crate::{ExecutionError, FlowSource, QueryContext};

/// The same filters, plus filters for the answers to the selected queries. An answer goes in the
/// opposite direction and may have another verdict.
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

impl Fold for DnsConnections {
    fn add(&mut self, columns: &FlowColumns, row: usize) {
        Self::add(self, columns, row);
    }

    fn bytes(&self) -> usize {
        Self::bytes(self)
    }
}

/// Reads the relay's flows and joins names with connections.
///
/// Errors: [`ExecutionError`], if there is nothing to show.
pub async fn dns_connections(
    source: FlowSource<'_>,
    context: &QueryContext,
    query: &DnsConnectionsQuery,
    held: &mut Held,
) -> Result<Vec<Frame>, ExecutionError> {
    let range = TimeRange::of_ms(context.from_ms, context.to_ms);
    let selected = select_more(source, &query.form, range, held, with_answers).await?;
    let rows = Rows { columns: DnsConnections::COLUMNS, timeless: "left out" };
    let (scan, connections) = scan(source, selected, rows, held, DnsConnections::default).await?;
    let mut notices = Vec::new();
    let left_out = connections.left_out;
    if left_out > 0 {
        notices.push(Notice::warning(format!(
            "{} left out, because there are too many names or connections: narrow the filter",
            count(left_out, "flow")
        )));
    }
    let unread_queries = connections.unread_queries;
    let mut names = connections.joined();
    if unread_queries > 0 && names.is_empty() {
        notices.push(Notice::warning(format!(
            "{} to port 53, but no DNS names: Hubble shows names only where a policy has DNS rules",
            count(unread_queries, "packet")
        )));
    }
    if let Some(ip) = &query.ip {
        names.retain(|name| {
            name.ips.contains(ip) || name.connections.iter().any(|connection| connection.ip == *ip)
        });
    }
    if names.len() > query.limit {
        notices.push(Notice::info(format!(
            "showing the {} most recently queried names of {}",
            query.limit,
            names.len()
        )));
        names.truncate(query.limit);
    }
    let saw_all = scan.saw_all && left_out == 0;
    let meta = scan.meta(&query.notices, notices, names.is_empty(), Vec::new());
    Ok(vec![dns_table(&names, saw_all, meta)])
}
