//! DNS names with their clients, answers and the connections that followed, in bounded memory and
//! for flows in any order.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::EndpointRole;
use crate::columns::{Column, ColumnSet, FlowColumns, NO_TIME, at, l7_record};
use crate::group::protocol;
use crate::{DropReason, L7FlowType, Verdict};

/// Maximum number of names, counted per client.
const MAX_NAMES: usize = 20_000;
/// Maximum number of connections, counted per client, destination and port.
const MAX_CONNECTIONS: usize = 50_000;
/// Maximum number of addresses of a name.
const MAX_IPS: usize = 64;
/// Maximum number of names of a connection's address.
const MAX_CONNECTION_NAMES: usize = 8;
/// Tolerated clock difference. A client connects after it has read the answer; the clocks of two
/// observation points on one node agree far better than this.
const SKEW_NANOS: i64 = 100_000_000;

/// Client that queries names and opens connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DnsClient {
    /// `namespace/pod`, or else the name or address of the client.
    pub name: String,
    /// Namespace of the pod; empty for clients that are not pods.
    pub namespace: String,
    /// Workload of the pod; empty for clients that are not pods.
    pub workload: String,
}

/// Queries and answers of one client for one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsName {
    /// Client of the queries.
    pub client: DnsClient,
    /// Queried name, without the trailing dot.
    pub name: String,
    /// Time of the first query or answer, in Unix nanoseconds.
    pub first_nanos: i64,
    /// Time of the last query or answer, in Unix nanoseconds.
    pub last_nanos: i64,
    /// Number of queries seen.
    pub queries: u64,
    /// Number of queries that policy dropped.
    pub refused: u64,
    /// Number of answers seen.
    pub answers: u64,
    /// Response code: 0 if any answer was NOERROR, or else the last one; `None` without an answer.
    pub rcode: Option<u32>,
    /// Addresses from all answers.
    pub ips: BTreeSet<String>,
    /// Connections that followed, in order of destination and port.
    pub connections: Vec<DnsConnection>,
    answered_nanos: i64,
}

/// Connection that followed an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsConnection {
    /// Destination address.
    pub ip: String,
    /// Destination port; 0 if the protocol has none.
    pub port: u16,
    /// `TCP`, `UDP`, …
    pub protocol: &'static str,
    /// Time of its first flow, in Unix nanoseconds.
    pub first_nanos: i64,
    /// Time of its last flow, in Unix nanoseconds.
    pub last_nanos: i64,
    /// Number of flows that passed.
    pub forwarded: u64,
    /// Number of dropped flows.
    pub dropped: u64,
    /// Drop reason of the last dropped flow.
    pub drop_reason: Option<DropReason>,
    names: BTreeSet<String>,
}

/// Names and connections seen so far.
#[derive(Debug, Default)]
pub struct DnsConnections {
    names: HashMap<(DnsClient, String), DnsName>,
    connections: HashMap<(DnsClient, String, u16, &'static str), DnsConnection>,
    /// Number of flows that were left out, for lack of room.
    pub left_out: u64,
    /// Number of packets to port 53 whose names Hubble did not see: DNS is visible only if a DNS
    /// rule sends it through the proxy.
    pub unread_queries: u64,
}

/// Size of a name or connection with its texts, in bytes: a pod, a workload, a DNS name, addresses.
const ENTRY_BYTES: usize = 768;

impl DnsConnections {
    /// Approximate size in bytes.
    pub fn bytes(&self) -> usize {
        (self.names.len() + self.connections.len()).saturating_mul(ENTRY_BYTES)
    }

    /// Columns that [`DnsConnections::add`] reads.
    pub const COLUMNS: ColumnSet =
        EndpointRole::NAME_COLUMNS.union(FlowColumns::STANDS_FOR_COLUMNS).union(ColumnSet::of(&[
            Column::TimeNanos,
            Column::Verdict,
            Column::DropReason,
            Column::IsReply,
            Column::L4Protocol,
            Column::SourcePort,
            Column::DestinationPort,
            Column::L7Type,
            Column::L7Record,
            Column::DnsQuery,
            Column::DnsRcode,
            Column::DnsIps,
            Column::SourceWorkloads,
            Column::DestinationWorkloads,
        ]));

    /// Adds the record of `row`, as many flows as it stands for.
    pub fn add(&mut self, columns: &FlowColumns, row: usize) {
        let time_nanos = columns.time_nanos().get(row).copied().unwrap_or(NO_TIME);
        if time_nanos == NO_TIME {
            return;
        }
        match at(columns.l7_record(), row) {
            l7_record::DNS => self.add_dns(columns, row, time_nanos),
            l7_record::NONE => self.add_connection(columns, row, time_nanos),
            _ => {}
        }
    }

    fn add_dns(&mut self, columns: &FlowColumns, row: usize, time_nanos: i64) {
        let is_answer = L7FlowType::from_number(at(columns.l7_type(), row)) == L7FlowType::Response;
        // An answer goes from the server to the client.
        let client = client(
            if is_answer { EndpointRole::Destination } else { EndpointRole::Source },
            columns,
            row,
        );
        let asked = columns.text(at(columns.dns_query(), row));
        let name = asked.strip_suffix('.').unwrap_or(asked).to_owned();
        if name.is_empty() {
            return;
        }
        let key = (client, name);
        let flows = columns.stands_for(row);
        if !self.names.contains_key(&key) && self.names.len() >= MAX_NAMES {
            self.left_out += flows;
            return;
        }
        let (client, name) = key.clone();
        let entry = self.names.entry(key).or_insert_with(|| DnsName {
            client,
            name,
            first_nanos: time_nanos,
            last_nanos: time_nanos,
            answered_nanos: i64::MAX,
            ..DnsName::default()
        });
        entry.first_nanos = entry.first_nanos.min(time_nanos);
        entry.last_nanos = entry.last_nanos.max(time_nanos);
        if !is_answer {
            entry.queries += flows;
            let verdict = Verdict::from_number(at(columns.verdict(), row));
            entry.refused += if verdict == Verdict::Dropped { flows } else { 0 };
            return;
        }
        entry.answers += flows;
        let rcode = at(columns.dns_rcode(), row);
        entry.rcode = Some(if entry.rcode == Some(0) { 0 } else { rcode });
        if rcode == 0 {
            entry.answered_nanos = entry.answered_nanos.min(time_nanos);
            for ip in columns.items(at(columns.dns_ips(), row)) {
                if entry.ips.len() < MAX_IPS {
                    entry.ips.insert(ip.into_owned());
                }
            }
        }
    }

    fn add_connection(&mut self, columns: &FlowColumns, row: usize, time_nanos: i64) {
        let port = EndpointRole::Destination.port(columns, row);
        let protocol = protocol(columns, row);
        if at(columns.is_reply(), row) == 1 || protocol.is_empty() {
            return;
        }
        let flows = columns.stands_for(row);
        if port == 53 {
            self.unread_queries += flows;
            return;
        }
        let ip = EndpointRole::Destination.ip(columns, row).to_owned();
        let key = (client(EndpointRole::Source, columns, row), ip, port, protocol);
        if !self.connections.contains_key(&key) && self.connections.len() >= MAX_CONNECTIONS {
            self.left_out += flows;
            return;
        }
        let ip = key.1.clone();
        let entry = self.connections.entry(key).or_insert_with(|| DnsConnection {
            ip,
            port,
            protocol,
            first_nanos: time_nanos,
            last_nanos: time_nanos,
            forwarded: 0,
            dropped: 0,
            drop_reason: None,
            names: BTreeSet::new(),
        });
        entry.first_nanos = entry.first_nanos.min(time_nanos);
        entry.last_nanos = entry.last_nanos.max(time_nanos);
        for name in columns.items(at(columns.destination_names(), row)) {
            if entry.names.len() < MAX_CONNECTION_NAMES {
                entry.names.insert(name.strip_suffix('.').unwrap_or(&name).to_owned());
            }
        }
        if Verdict::from_number(at(columns.verdict(), row)) == Verdict::Dropped {
            entry.dropped += flows;
            let reason = DropReason::from_number(at(columns.drop_reason(), row));
            entry.drop_reason = Some(reason).filter(|reason| reason.is_known());
        } else {
            entry.forwarded += flows;
        }
    }

    /// Every name with the connections that followed, the most recently queried name first.
    ///
    /// A connection follows a name if the same client opened it, not before the first good answer,
    /// to an address from an answer or to one that the agent knows by this name.
    pub fn joined(self) -> Vec<DnsName> {
        let mut by_client: BTreeMap<DnsClient, Vec<DnsConnection>> = BTreeMap::new();
        let mut connections: Vec<_> = self.connections.into_iter().collect();
        connections.sort_by(|(_, a), (_, b)| {
            (a.first_nanos, &a.ip, a.port).cmp(&(b.first_nanos, &b.ip, b.port))
        });
        for ((client, ..), connection) in connections {
            by_client.entry(client).or_default().push(connection);
        }
        let mut names: Vec<DnsName> = self.names.into_values().collect();
        names.sort_by(|a, b| {
            (b.last_nanos, &a.client, &a.name).cmp(&(a.last_nanos, &b.client, &b.name))
        });
        for name in &mut names {
            let answered_nanos = match name.answered_nanos {
                i64::MAX => name.first_nanos,
                answered_nanos => answered_nanos,
            };
            let followed = |connection: &&DnsConnection| {
                connection.last_nanos >= answered_nanos.saturating_sub(SKEW_NANOS)
                    && (name.ips.contains(&connection.ip) || connection.names.contains(&name.name))
            };
            let own = by_client.get(&name.client).into_iter().flatten();
            name.connections = own.filter(followed).cloned().collect();
        }
        names
    }
}

impl DnsName {
    /// Nanoseconds from the first good answer to the first packet of `connection`; `None` if the
    /// connection is older or there was no answer.
    pub fn delay_nanos(&self, connection: &DnsConnection) -> Option<i64> {
        (self.answered_nanos != i64::MAX && connection.first_nanos >= self.answered_nanos)
            .then(|| connection.first_nanos - self.answered_nanos)
    }
}

fn client(role: EndpointRole, columns: &FlowColumns, row: usize) -> DnsClient {
    DnsClient {
        name: role.name(columns, row).unwrap_or_default().into_owned(),
        namespace: role.namespace(columns, row).to_owned(),
        workload: role.workload(columns, row).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::RowLists;
    use crate::{
        Aggregate, Dns, Endpoint, Flow, Ip, L7Record, Layer4, Layer7, Tcp, Timestamp, Udp, Workload,
    };

    fn shop(time_ms: i64) -> Flow {
        Flow {
            time: Some(Timestamp::from_unix_nanos(time_ms * 1_000_000)),
            verdict: Verdict::Forwarded,
            source: Some(Endpoint {
                namespace: "pets".to_owned(),
                pod_name: "shop-0".to_owned(),
                workloads: vec![Workload { name: "shop".to_owned(), kind: String::new() }],
                ..Endpoint::default()
            }),
            ip: Some(Ip {
                source: "10.0.0.1".to_owned(),
                destination: "10.0.0.10".to_owned(),
                ..Ip::default()
            }),
            l4: Some(Layer4::Udp(Udp { source_port: 4_000, destination_port: 53 })),
            is_reply: Some(false),
            ..Flow::default()
        }
    }

    fn asks(time_ms: i64, name: &str, verdict: Verdict) -> Flow {
        let dns = Dns { query: format!("{name}."), ..Dns::default() };
        Flow {
            verdict,
            l7: Some(Layer7 {
                l7_type: L7FlowType::Request,
                record: Some(L7Record::Dns(dns)),
                ..Layer7::default()
            }),
            ..shop(time_ms)
        }
    }

    fn answered(time_ms: i64, name: &str, rcode: u32, ips: &[&str]) -> Flow {
        let flow = asks(time_ms, name, Verdict::Forwarded);
        let ips = ips.iter().map(|ip| (*ip).to_owned()).collect();
        let dns = Dns { query: format!("{name}."), rcode, ips, ..Dns::default() };
        Flow {
            source: None,
            destination: flow.source,
            is_reply: Some(true),
            l7: Some(Layer7 {
                l7_type: L7FlowType::Response,
                record: Some(L7Record::Dns(dns)),
                ..Layer7::default()
            }),
            ..flow
        }
    }

    fn connects(time_ms: i64, ip: &str, verdict: Verdict) -> Flow {
        Flow {
            verdict,
            ip: Some(Ip {
                source: "10.0.0.1".to_owned(),
                destination: ip.to_owned(),
                ..Ip::default()
            }),
            l4: Some(Layer4::Tcp(Tcp { source_port: 4_001, destination_port: 443, flags: None })),
            ..shop(time_ms)
        }
    }

    fn joined(flows: &[Flow]) -> Vec<DnsName> {
        let mut all = DnsConnections::default();
        for flow in flows {
            let mut columns = FlowColumns::default();
            columns.append_flow(flow, &mut RowLists::default()).unwrap();
            all.add(&columns, 0);
        }
        all.joined()
    }

    /// `name queries/refused rcode ips -> ip:port forwarded/dropped after ms`.
    fn shown(names: &[DnsName]) -> Vec<String> {
        let line = |name: &DnsName| {
            let connections: Vec<String> = name
                .connections
                .iter()
                .map(|connection| {
                    let DnsConnection { ip, port, forwarded, dropped, .. } = connection;
                    let delay = name.delay_nanos(connection).map(|nanos| nanos / 1_000_000);
                    format!("{ip}:{port} {forwarded}/{dropped} {delay:?}")
                })
                .collect();
            let DnsName { name, queries, refused, rcode, ips, .. } = name;
            format!("{name} {queries}/{refused} {rcode:?} {ips:?} -> {}", connections.join(", "))
        };
        names.iter().map(line).collect()
    }

    #[test]
    fn names_are_joined_with_answers_and_connections() {
        use Verdict::{Dropped, Forwarded};
        let mut flows = vec![
            asks(1_000, "www.microsoft.com", Forwarded),
            answered(1_010, "www.microsoft.com", 0, &["23.192.18.101"]),
            connects(1_015, "23.192.18.101", Forwarded),
            connects(1_020, "23.192.18.101", Forwarded),
            asks(2_000, "api.github.com", Dropped),
            answered(2_001, "api.github.com", 5, &[]),
            asks(3_000, "graph.microsoft.com", Forwarded),
            answered(3_010, "graph.microsoft.com", 0, &["20.190.152.88"]),
            connects(3_030, "20.190.152.88", Dropped),
            connects(500, "20.190.152.88", Forwarded),
            connects(600, "1.1.1.1", Forwarded),
        ];
        let expected = [
            r#"graph.microsoft.com 1/0 Some(0) {"20.190.152.88"} -> 20.190.152.88:443 1/1 None"#,
            "api.github.com 1/1 Some(5) {} -> ",
            r#"www.microsoft.com 1/0 Some(0) {"23.192.18.101"} -> 23.192.18.101:443 2/0 Some(5)"#,
        ];
        assert_eq!(shown(&joined(&flows)), expected);
        flows.reverse();
        assert_eq!(shown(&joined(&flows)), expected, "in whatever order they come");
    }

    #[test]
    fn others_and_earlier_connections_do_not_count() {
        let mut other = connects(1_020, "9.9.9.9", Verdict::Forwarded);
        other.source.as_mut().unwrap().pod_name = "shop-1".to_owned();
        let mut reply = connects(1_020, "9.9.9.9", Verdict::Forwarded);
        reply.is_reply = Some(true);
        let flows = [
            answered(1_000, "quad9.net", 0, &["9.9.9.9"]),
            other,
            reply,
            connects(800, "9.9.9.9", Verdict::Forwarded),
        ];
        assert_eq!(shown(&joined(&flows)), [r#"quad9.net 0/0 Some(0) {"9.9.9.9"} -> "#]);
    }

    #[test]
    fn a_record_counts_as_many_flows_as_it_stands_for() {
        let many = |flow: Flow, egress_flow_count| Flow {
            aggregate: Some(Aggregate { egress_flow_count, ..Aggregate::default() }),
            ..flow
        };
        let flows = [
            many(asks(1_000, "quad9.net", Verdict::Forwarded), 4),
            many(asks(1_000, "quad9.net", Verdict::Dropped), 2),
            many(answered(1_000, "quad9.net", 0, &["9.9.9.9"]), 3),
            many(connects(1_100, "9.9.9.9", Verdict::Forwarded), 5),
            many(connects(1_100, "9.9.9.9", Verdict::Dropped), 6),
        ];
        let names = joined(&flows);
        assert_eq!(
            shown(&names),
            [r#"quad9.net 6/2 Some(0) {"9.9.9.9"} -> 9.9.9.9:443 5/6 Some(100)"#]
        );
        assert_eq!(names[0].answers, 3);
    }

    #[test]
    fn an_address_that_the_agent_knows_by_the_name_counts() {
        let mut connection = connects(1_100, "9.9.9.9", Verdict::Forwarded);
        connection.destination_names = vec!["quad9.net".to_owned()];
        let flows = [asks(1_000, "quad9.net", Verdict::Forwarded), connection];
        assert_eq!(shown(&joined(&flows)), ["quad9.net 1/0 None {} -> 9.9.9.9:443 1/0 None"]);
    }
}
