//! Facts about the plugin's program.

/// Facts about the plugin's program.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The plugin's id in Grafana, which its traces name.
    pub id: &'static str,
    /// The program's version, which its traces name.
    pub version: &'static str,
    /// The program's name, used for its sockets and for its last message on stderr.
    pub name: &'static str,
    /// Crates that log at Grafana's level; all other crates log from `warn` on.
    pub crates: &'static [&'static str],
}
