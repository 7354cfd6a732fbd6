//! Counting of records (`pkg/hubble/metrics`, handler by handler).

use std::sync::Arc;

use flow::{DropReason, TrafficDirection, Verdict};

use super::{
    Amount, Context, CounterSlot, Family, Metrics, RecordKey, RecordKeyEvent, Series, Value, padded,
};
use crate::cluster::EndpointId;
use crate::record::{Event, EventRecord, PolicyAction};

impl Metrics {
    /// Adds a record to its counters.
    pub(crate) fn count(&mut self, record: &EventRecord) {
        self.connections(record);
        let Some(key) = RecordKey::of(record) else {
            // A proxy's records are all different, so they are not cached.
            let slots = self.slots_of(record);
            self.apply(record, &slots);
            return;
        };
        if let Some(slots) = self.slots_by_key.get(&key) {
            let slots = Arc::clone(slots);
            self.apply(record, &slots);
            return;
        }
        let slots: Arc<[CounterSlot]> = self.slots_of(record).into();
        self.apply(record, &slots);
        self.slots_by_key.insert(key, slots);
    }

    pub(super) fn apply(&mut self, record: &EventRecord, slots: &[CounterSlot]) {
        for slot in slots {
            if let Some(count) = self.counts.get_mut(slot.at) {
                *count += match slot.amount {
                    Amount::One => 1,
                    Amount::Bytes => u64::from(record.bytes),
                };
            }
        }
    }

    /// The counters that the record adds to.
    fn slots_of(&mut self, record: &EventRecord) -> Vec<CounterSlot> {
        let context = self.context(record);
        let verdict = verdict(record);
        let mut slots = Vec::with_capacity(16);
        self.flows(record, context, verdict, &mut slots);
        self.drops(record, context, verdict, &mut slots);
        self.tcp_flags(record, context, verdict, &mut slots);
        self.icmp(record, context, &mut slots);
        self.ports(record, verdict, &mut slots);
        self.policy_verdicts(record, context, verdict, &mut slots);
        self.flows_to_world(record, context, verdict, &mut slots);
        self.layer7(record, context, verdict, &mut slots);
        self.datapath(record, &mut slots);
        slots
    }

    pub(super) fn slot(&mut self, series: &Series, amount: Amount) -> CounterSlot {
        let next = self.counts.len();
        let at = *self.counters.entry(*series).or_insert(next);
        if at == next {
            self.counts.push(0);
        }
        CounterSlot { at, amount }
    }

    pub(super) fn one(
        &mut self,
        record: &EventRecord,
        family: Family,
        values: &[Value],
        slots: &mut Vec<CounterSlot>,
    ) {
        let slot = self.slot(&series(record, family, values), Amount::One);
        slots.push(slot);
    }

    /// Slots in a family of packets and in the family of their bytes.
    pub(super) fn packets(
        &mut self,
        record: &EventRecord,
        (packets, bytes): (Family, Family),
        values: &[Value],
        slots: &mut Vec<CounterSlot>,
    ) {
        self.one(record, packets, values, slots);
        let slot = self.slot(&series(record, bytes, values), Amount::Bytes);
        slots.push(slot);
    }

    fn context(&self, record: &EventRecord) -> Context {
        let pod = |id: EndpointId, wanted: bool| (wanted && self.is_pod(id)).then_some(id);
        Context {
            source: pod(record.source, record.direction == TrafficDirection::Egress),
            destination: pod(record.destination, record.direction == TrafficDirection::Ingress),
        }
    }

    /// Number of a DNS name or address; the cluster uses a few dozen.
    pub(super) fn name(&mut self, name: &str) -> Value {
        if let Some(&number) = self.name_numbers.get(name) {
            return Value::Name(number);
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.name_numbers.insert(name.to_owned(), number);
        Value::Name(number)
    }
}

impl RecordKey {
    /// The key of a record; `None` for a proxy's record.
    fn of(record: &EventRecord) -> Option<Self> {
        let event = match &record.event {
            Event::Trace { point, .. } => RecordKeyEvent::Trace(*point),
            Event::PolicyVerdict { action, match_type, .. } => {
                RecordKeyEvent::PolicyVerdict(*action, *match_type)
            }
            Event::Drop { reason } => RecordKeyEvent::Drop(*reason),
            Event::Socket { translated } => RecordKeyEvent::Socket(*translated),
            Event::L7 { .. } => return None,
        };
        Some(Self {
            node: record.node,
            source: record.source,
            destination: record.destination,
            // Ports are counted for requests only; a reply's port is the client's own.
            port: if record.is_reply == Some(false) { record.destination_port } else { 0 },
            transport: record.transport,
            direction: record.direction,
            is_reply: record.is_reply,
            event,
        })
    }
}

impl Context {
    pub(super) fn values(self) -> [Value; 2] {
        [Value::Pod(self.source), Value::Pod(self.destination)]
    }
}

pub(super) fn series(record: &EventRecord, family: Family, values: &[Value]) -> Series {
    Series { node: record.node, family, values: padded(values) }
}

fn verdict(record: &EventRecord) -> Verdict {
    match &record.event {
        Event::Trace { .. } | Event::L7 { denied: false, .. } => Verdict::Forwarded,
        Event::PolicyVerdict { action, .. } => match action {
            PolicyAction::Allowed => Verdict::Forwarded,
            PolicyAction::Redirected => Verdict::Redirected,
            PolicyAction::Denied(_) => Verdict::Dropped,
        },
        Event::Drop { .. } | Event::L7 { denied: true, .. } => Verdict::Dropped,
        Event::Socket { translated: true } => Verdict::Translated,
        Event::Socket { translated: false } => Verdict::Traced,
    }
}

/// The drop reason; a proxy's refusal has none.
pub(super) fn drop_reason(record: &EventRecord) -> DropReason {
    match &record.event {
        Event::Drop { reason }
        | Event::PolicyVerdict { action: PolicyAction::Denied(reason), .. } => *reason,
        _ => DropReason::UNKNOWN,
    }
}
