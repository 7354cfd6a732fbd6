//! A dashboard before it is JSON.

use crate::panel::Panel;
use crate::variable::Variable;

/// What all the titles begin with.
pub(crate) const TITLE_PREFIX: &str = "Kubernetes / Networking / ";

/// A dashboard.
#[derive(Debug)]
pub(crate) struct Board {
    /// Of the file and, behind the build's prefix, of the address.
    pub(crate) name: &'static str,
    /// Behind [`TITLE_PREFIX`].
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// Shows flows, so that there is none in the build without a source of flows.
    pub(crate) needs_flows: bool,
    pub(crate) variables: Vec<Variable>,
    pub(crate) rows: Vec<Row>,
}

/// Panels under a line with a title; without a title the line is not drawn.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) title: &'static str,
    pub(crate) panels: Vec<Panel>,
}

impl Row {
    pub(crate) fn new(title: &'static str, panels: Vec<Panel>) -> Self {
        Self { title, panels }
    }
}
