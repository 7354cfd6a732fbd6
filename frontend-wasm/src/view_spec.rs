//! The view that a page asks for: filter, order, packets and groups.

use serde::Deserialize;

use crate::captions::TextColumn;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Column {
    /// Time of the flow.
    Time,
    /// Port of the source.
    SourcePort,
    /// Port of the destination.
    DestinationPort,
    /// A text column.
    Text(TextColumn),
}

/// Error: a name that no column has.
#[derive(Debug, thiserror::Error)]
#[error("there is no column `{0}`")]
pub(crate) struct NoColumn(String);

/// Filter and order of a view.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ViewSpec {
    /// Words that must all occur in a row, in any case; each in any of `columns`.
    pub(crate) text: String,
    /// The columns to search.
    pub(crate) columns: Vec<Column>,
    /// Verdicts to show; empty for all.
    pub(crate) verdicts: Vec<String>,
    /// Agreements of record and policies to show; empty for all.
    pub(crate) agreements: Vec<String>,
    /// Conditions on cells. Values of one column are alternatives, excluded ones apart.
    pub(crate) conditions: Vec<CellCondition>,
    /// Whether the records of one packet are one row.
    pub(crate) fold: bool,
    /// Columns to group by, in their order; empty for no groups.
    pub(crate) group_by: Vec<Column>,
    /// Order of the groups.
    pub(crate) group_sort: GroupSort,
    /// The column to sort by. Equal rows are newest first, rows without a value last.
    pub(crate) sort: Column,
    /// Whether the greatest value comes first.
    pub(crate) descending: bool,
}

/// A condition on a cell: the whole text, as the table shows it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CellCondition {
    /// Column of the cell.
    pub(crate) column: Column,
    /// Text of the cell; empty for a cell without one.
    pub(crate) value: String,
    /// Whether rows with the value are hidden rather than shown.
    pub(crate) excluded: bool,
}

/// Order of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum GroupSort {
    /// The largest number of flows first.
    Flows,
    /// The largest share of dropped flows first.
    DropRatio,
    /// The newest flow first.
    LastSeen,
    /// The group that began last first.
    FirstSeen,
    /// By the values of the keys.
    Keys,
}

impl Column {
    /// The column with a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "time" => Self::Time,
            "sourcePort" => Self::SourcePort,
            "destinationPort" => Self::DestinationPort,
            name => Self::Text(TextColumn::from_name(name)?),
        })
    }
}

impl TryFrom<String> for Column {
    type Error = NoColumn;

    fn try_from(name: String) -> Result<Self, NoColumn> {
        Self::from_name(&name).ok_or(NoColumn(name))
    }
}
