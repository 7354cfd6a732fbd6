//! Ports of this machine: whether they are free, and the option that changes them.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// A port for one of our programs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Port {
    pub(crate) number: u16,
    /// Option that changes it.
    pub(crate) option: &'static str,
    /// Name of the listener.
    pub(crate) listener: &'static str,
}

/// Reason why a port cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortError {
    #[error("port {} is in use, so {} cannot listen there; choose another one with `{} <port>`", .0.number, .0.listener, .0.option)]
    InUse(Port),
    #[error("{} cannot listen at port {}; choose another one with `{} <port>`", .port.listener, .port.number, .port.option)]
    Refused {
        port: Port,
        #[source]
        cause: io::Error,
    },
    #[error("`{}` and `{}` both say {}", .0.option, .1.option, .0.number)]
    Twice(Port, Port),
}

/// Checks the ports.
///
/// Errors: a port is taken, or two are the same.
pub(crate) fn check(ports: &[Port]) -> Result<(), PortError> {
    for (index, port) in ports.iter().enumerate() {
        if let Some(twin) = ports.iter().skip(index + 1).find(|other| other.number == port.number) {
            return Err(PortError::Twice(*port, *twin));
        }
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port.number)) {
            Ok(_free) => {}
            Err(cause) if cause.kind() == io::ErrorKind::AddrInUse => {
                return Err(PortError::InUse(*port));
            }
            Err(cause) => return Err(PortError::Refused { port: *port, cause }),
        }
    }
    Ok(())
}

/// `N` different ports that are currently free.
pub(crate) fn free<const N: usize>() -> io::Result<[u16; N]> {
    let mut numbers = [0; N];
    let mut held = Vec::with_capacity(N);
    for number in &mut numbers {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *number = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(number: u16, option: &'static str) -> Port {
        Port { number, option, listener: "Grafana" }
    }

    #[test]
    fn a_taken_port_is_an_error_with_its_option() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let number = taken.local_addr().unwrap().port();
        assert_eq!(
            check(&[port(number, "--port")]).unwrap_err().to_string(),
            format!(
                "port {number} is in use, so Grafana cannot listen there; \
                 choose another one with `--port <port>`"
            )
        );
    }

    #[test]
    fn the_same_port_twice_is_an_error_before_the_start() {
        let [number] = free().unwrap();
        assert_eq!(
            check(&[port(number, "--port"), port(number, "--relay-port")]).unwrap_err().to_string(),
            format!("`--port` and `--relay-port` both say {number}")
        );
    }

    #[test]
    fn free_ports_differ_and_can_be_bound() {
        let numbers: [u16; 3] = free().unwrap();
        check(&numbers.map(|number| port(number, "--port"))).unwrap();
    }
}
