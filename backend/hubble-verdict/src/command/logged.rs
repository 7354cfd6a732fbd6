//! Flows that a `ContainerNetworkLog` would log.

use cilium_policy::LogFilters;
use flow::Flow;
use hubble_verdict::is_logged;

use crate::input::{InputError, InputFile};

/// Flows by the filter that logs them.
pub(crate) struct Logged {
    /// Filters by name, each with the flows that it logs before any other filter.
    pub(crate) filters: Vec<(String, Vec<usize>)>,
    /// Flows without a matching filter.
    pub(crate) not_logged: Vec<usize>,
}

impl Logged {
    /// Sorts flows by filter. Errors: the files have no such resource, or one that cannot be read.
    pub(crate) fn of(files: &[InputFile], flows: &[Flow]) -> Result<Self, InputError> {
        let mut all = LogFilters::default();
        for (index, file) in files.iter().enumerate() {
            let read = LogFilters::read(index, &file.text);
            if let Some(refused) = read.refused.first() {
                return Err(InputError::LogResource {
                    file: file.name.clone(),
                    line: refused.refusal.at.line,
                    cause: refused.refusal.clone(),
                });
            }
            all.filters.extend(read.filters);
        }
        if all.filters.is_empty() {
            return Err(InputError::NoLogResource);
        }
        let mut logged = Self {
            filters: all.filters.iter().map(|own| (own.name.clone(), Vec::new())).collect(),
            not_logged: Vec::new(),
        };
        for (index, flow) in flows.iter().enumerate() {
            let first = all.filters.iter().position(|filter| is_logged(filter, flow));
            match first.and_then(|at| logged.filters.get_mut(at)) {
                Some((_, flows)) => flows.push(index),
                None => logged.not_logged.push(index),
            }
        }
        Ok(logged)
    }
}
