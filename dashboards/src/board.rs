//! A dashboard before it becomes JSON.

use crate::panel::Panel;
use crate::variable::Variable;

/// Common prefix of all titles.
pub(crate) const TITLE_PREFIX: &str = "Kubernetes / Networking / ";

/// A dashboard.
#[derive(Debug)]
pub(crate) struct Board {
    /// Name of the file; with the build's prefix, also the uid.
    pub(crate) name: &'static str,
    /// Title without [`TITLE_PREFIX`].
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// Whether the dashboard shows flows, so that the build without a source of flows leaves it
    /// out.
    pub(crate) needs_flows: bool,
    pub(crate) variables: Vec<Variable>,
    pub(crate) rows: Vec<PanelRow>,
}

/// Panels under a row with a title; without a title they stand alone.
#[derive(Debug)]
pub(crate) struct PanelRow {
    pub(crate) title: &'static str,
    pub(crate) panels: Vec<Panel>,
}

impl PanelRow {
    pub(crate) fn new(title: &'static str, panels: Vec<Panel>) -> Self {
        Self { title, panels }
    }
}
