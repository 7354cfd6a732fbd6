//! Headers of layer 4.

use super::ProjectionError;
use super::wire::{Reader, WireError};
use flow::TcpFlags;
use flow::columns::{Column, ColumnSet, FlowRow, l4_protocol};

/// A `Layer4` message, while its fields arrive.
#[derive(Clone, Copy, Default)]
pub(super) struct Layer4Header {
    protocol: u8,
    source_port: u32,
    destination_port: u32,
    tcp_flags: u16,
    icmp_type: u32,
    icmp_code: u32,
}

impl Layer4Header {
    pub(super) fn layer4(&mut self, mut layer4: Reader<'_>) -> Result<(), WireError> {
        while let Some(field) = layer4.field()? {
            let protocol = match field.number {
                1 => l4_protocol::TCP,
                2 => l4_protocol::UDP,
                3 => l4_protocol::ICMPV4,
                4 => l4_protocol::ICMPV6,
                5 => l4_protocol::SCTP,
                6 => l4_protocol::VRRP,
                7 => l4_protocol::IGMP,
                _ => continue,
            };
            // Of a `oneof`, only the last kind counts.
            if protocol != self.protocol {
                *self = Self { protocol, ..Self::default() };
            }
            self.header(field.message()?)?;
        }
        Ok(())
    }

    fn header(&mut self, mut header: Reader<'_>) -> Result<(), WireError> {
        while let Some(field) = header.field()? {
            match (self.protocol, field.number) {
                (l4_protocol::TCP | l4_protocol::UDP | l4_protocol::SCTP, 1) => {
                    self.source_port = field.uint32()?;
                }
                (l4_protocol::TCP | l4_protocol::UDP | l4_protocol::SCTP, 2) => {
                    self.destination_port = field.uint32()?;
                }
                (l4_protocol::TCP, 3) => self.tcp_flags(field.message()?)?,
                (l4_protocol::ICMPV4 | l4_protocol::ICMPV6, 1) => {
                    self.icmp_type = field.uint32()?;
                }
                (l4_protocol::ICMPV4 | l4_protocol::ICMPV6, 2) => {
                    self.icmp_code = field.uint32()?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads `TCPFlags`, whose fields count from 1 in the order of the bits of [`TcpFlags`].
    fn tcp_flags(&mut self, mut flags: Reader<'_>) -> Result<(), WireError> {
        while let Some(field) = flags.field()? {
            if let 1..=9 = field.number {
                let bit = 1u16 << (field.number - 1);
                if field.bool()? {
                    self.tcp_flags |= bit;
                } else {
                    self.tcp_flags &= !bit;
                }
            }
        }
        Ok(())
    }

    /// Fills in the requested columns. Errors: a number of the header is out of range. All numbers
    /// are checked, requested or not.
    pub(super) fn finish(
        self,
        wanted: ColumnSet,
        row: &mut FlowRow<'_>,
    ) -> Result<(), ProjectionError> {
        fn fit<T: TryFrom<u32>>(
            field: &'static str,
            value: u32,
            max: u32,
        ) -> Result<T, ProjectionError> {
            T::try_from(value).map_err(|_| ProjectionError::OutOfRange { field, value, max })
        }

        if self.protocol == l4_protocol::NONE {
            return Ok(());
        }
        let source_port = fit("l4.source_port", self.source_port, u16::MAX.into())?;
        let destination_port = fit("l4.destination_port", self.destination_port, u16::MAX.into())?;
        let icmp_type = fit("l4.icmp.type", self.icmp_type, u8::MAX.into())?;
        let icmp_code = fit("l4.icmp.code", self.icmp_code, u8::MAX.into())?;
        let wants = |column| wanted.contains(column);
        if wants(Column::L4Protocol) {
            row.l4_protocol = self.protocol;
        }
        if wants(Column::SourcePort) {
            row.source_port = source_port;
        }
        if wants(Column::DestinationPort) {
            row.destination_port = destination_port;
        }
        if wants(Column::TcpFlags) {
            row.tcp_flags = TcpFlags::from_bits_truncate(self.tcp_flags).bits();
        }
        if wants(Column::IcmpType) {
            row.icmp_type = icmp_type;
        }
        if wants(Column::IcmpCode) {
            row.icmp_code = icmp_code;
        }
        Ok(())
    }
}
