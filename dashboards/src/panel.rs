//! Panels: queries, visualisation, and links.

use crate::condition::FlowCondition;
use crate::links::{Behind, DetailBoard};
use crate::query::PanelQuery;

/// Visualisation of a panel.
#[derive(Debug, Clone)]
pub(crate) enum View {
    Lines,
    /// Stacked lines, whose height is the sum.
    Stacked,
    Stat,
    Bars,
    /// Columns in their order: name in the answer, title.
    Table(&'static [(&'static str, &'static str)]),
    /// A row of cells for each series; a stronger colour means more.
    Cells,
    /// The buckets of a histogram over time.
    Heatmap,
    Flows,
    NodeGraph,
}

/// A panel. Its position follows from its size and from the other panels.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) description: String,
    /// Width in units of the grid, which has 24; one unit of height is 30 pixels.
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) view: View,
    pub(crate) unit: &'static str,
    /// Whether any number above zero is bad news.
    pub(crate) is_bad_news: bool,
    pub(crate) queries: Vec<PanelQuery>,
    /// Whether to show the largest and the smallest value of the one query instead of the latest.
    pub(crate) extremes: bool,
    /// Text of the empty panel.
    pub(crate) no_value: &'static str,
    /// The flows behind a point, bar, cell or row.
    pub(crate) behind: Option<Behind>,
    /// The same for the series of one of several queries, if it differs.
    pub(crate) behind_query: Option<(char, Behind)>,
    /// The column with a table's links.
    pub(crate) linked_column: &'static str,
    /// Labels of a table that only its links read.
    pub(crate) hidden: &'static [&'static str],
    /// More detailed dashboards.
    pub(crate) next: Vec<DetailBoard>,
}

impl Panel {
    fn new(view: View, title: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            description: description.into(),
            width: 12,
            // Height of a chart and three rows of its legend.
            height: 9,
            view,
            unit: "short",
            is_bad_news: false,
            queries: vec![],
            extremes: false,
            no_value: "",
            behind: None,
            behind_query: None,
            linked_column: "",
            hidden: &[],
            next: vec![],
        }
    }

    /// A line over time for each series.
    pub(crate) fn lines(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
        legend: &'static str,
    ) -> Self {
        Self::new(View::Lines, title, description).and(expr, legend)
    }

    /// Stacked series.
    pub(crate) fn stacked(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
        legend: &'static str,
    ) -> Self {
        Self::new(View::Stacked, title, description).and(expr, legend)
    }

    /// A row of cells for each series, as Grafana's status history: its heat map has no text for an
    /// empty panel.
    pub(crate) fn cells(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
        legend: &'static str,
    ) -> Self {
        Self::new(View::Cells, title, description).and(expr, legend)
    }

    /// A classic histogram over time.
    pub(crate) fn histogram(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
    ) -> Self {
        Self::new(View::Heatmap, title, description).asking(PanelQuery::Histogram { expr })
    }

    /// One number at the end of the range.
    pub(crate) fn stat(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
    ) -> Self {
        Self::new(View::Stat, title, description)
            .asking(PanelQuery::Instant { expr, legend: "" })
            .sized(4, 4)
    }

    /// The largest and the smallest value in the range, from one query.
    pub(crate) fn extremes(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
    ) -> Self {
        let mut panel = Self::new(View::Stat, title, description).and(expr, "").sized(4, 4);
        panel.extremes = true;
        panel
    }

    /// The largest series, one bar each.
    pub(crate) fn bars(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
        legend: &'static str,
    ) -> Self {
        Self::new(View::Bars, title, description)
            .asking(PanelQuery::Instant { expr, legend })
            .sized(6, 9)
    }

    /// Rows of series; `columns` are label and title, `Value` last.
    pub(crate) fn table(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
        columns: &'static [(&'static str, &'static str)],
    ) -> Self {
        let mut panel =
            Self::new(View::Table(columns), title, description).asking(PanelQuery::Rows { expr });
        panel.linked_column = columns.last().map_or("", |(_, title)| title);
        panel
    }

    /// The flows that match `filter`, newest first.
    pub(crate) fn flows(
        title: impl Into<String>,
        description: impl Into<String>,
        filter: Vec<FlowCondition>,
    ) -> Self {
        Self::new(View::Flows, title, description)
            .asking(PanelQuery::Flows { filter, limit: 5_000 })
    }

    /// Counts of flows, drawn as `view`.
    pub(crate) fn counted(
        view: View,
        title: impl Into<String>,
        description: impl Into<String>,
        query: PanelQuery,
    ) -> Self {
        Self::new(view, title, description).asking(query)
    }

    /// Adds a PromQL query over the range.
    pub(crate) fn and(self, expr: String, legend: &'static str) -> Self {
        self.asking(PanelQuery::Range { expr, legend })
    }

    fn asking(mut self, query: PanelQuery) -> Self {
        self.queries.push(query);
        self
    }

    pub(crate) fn sized(mut self, width: u32, height: u32) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    pub(crate) fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Sets labels of a table that only links read.
    pub(crate) fn hiding(mut self, labels: &'static [&'static str]) -> Self {
        self.hidden = labels;
        self
    }

    /// Colours: green at zero, red above.
    pub(crate) fn bad_news(mut self) -> Self {
        self.is_bad_news = true;
        self
    }

    /// Sets the text of the empty panel.
    pub(crate) fn when_empty(mut self, text: &'static str) -> Self {
        self.no_value = text;
        self
    }

    /// Sets the flows behind a point.
    pub(crate) fn behind(mut self, flows: impl Into<Behind>) -> Self {
        self.behind = Some(flows.into());
        self
    }

    /// Sets the flows behind a point of the query `ref_id`, if they differ.
    pub(crate) fn behind_query(mut self, ref_id: char, flows: impl Into<Behind>) -> Self {
        self.behind_query = Some((ref_id, flows.into()));
        self
    }

    /// Whether the panel counts flows.
    pub(crate) fn is_of_flows(&self) -> bool {
        self.queries.iter().any(PanelQuery::needs_flows)
    }

    /// Whether a click selects a point in time, rather than a number over the range.
    pub(crate) fn has_points(&self) -> bool {
        matches!(self.view, View::Lines | View::Stacked | View::Cells | View::Heatmap)
    }

    /// Adds a more detailed dashboard.
    pub(crate) fn next(mut self, next: DetailBoard) -> Self {
        self.next.push(next);
        self
    }
}
