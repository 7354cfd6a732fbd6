//! Panels: what is asked, how it is drawn, and where a click leads.

use crate::links::{Behind, Condition, Next};
use crate::query::Query;

/// How a panel draws.
#[derive(Debug, Clone)]
pub(crate) enum View {
    Lines,
    /// Lines on top of each other: their height is the sum.
    Stacked,
    Stat,
    Bars,
    /// Columns in their order: name in the answer, title.
    Table(&'static [(&'static str, &'static str)]),
    /// A row of cells for each series, stronger in colour where there is more.
    Cells,
    /// The buckets of a histogram over time.
    Heatmap,
    Flows,
    NodeGraph,
}

/// A panel. Its place follows from its size and its place among the others.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) description: String,
    /// In the grid's units: 24 are a row, one is 30 pixels high.
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) view: View,
    pub(crate) unit: &'static str,
    /// Whether any number above zero is bad news.
    pub(crate) is_bad_news: bool,
    pub(crate) queries: Vec<Query>,
    /// The largest and the smallest value of the one query, in place of the latest.
    pub(crate) extremes: bool,
    /// What the panel says when there is nothing to draw.
    pub(crate) no_value: &'static str,
    /// The flows that a point, bar, cell or row stands for.
    pub(crate) behind: Option<Behind>,
    /// The same for the series of one of several queries, where it differs.
    pub(crate) behind_query: Option<(char, Behind)>,
    /// The column that carries the links of a table.
    pub(crate) linked_column: &'static str,
    /// Labels of a table that only its links read.
    pub(crate) hidden: &'static [&'static str],
    /// Dashboards that look closer.
    pub(crate) next: Vec<Next>,
}

impl Panel {
    fn new(view: View, title: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            description: description.into(),
            width: 12,
            // A chart and three rows of its legend.
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

    /// Lines over time, a line for each series.
    pub(crate) fn lines(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
        legend: &'static str,
    ) -> Self {
        Self::new(View::Lines, title, description).and(expr, legend)
    }

    /// Series on top of each other.
    pub(crate) fn stacked(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
        legend: &'static str,
    ) -> Self {
        Self::new(View::Stacked, title, description).and(expr, legend)
    }

    /// A row of cells for each series. Grafana's status history draws it: its heat map has no words
    /// for an empty panel.
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
        Self::new(View::Heatmap, title, description).asking(Query::Histogram { expr })
    }

    /// One number at the end of the range.
    pub(crate) fn stat(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
    ) -> Self {
        Self::new(View::Stat, title, description)
            .asking(Query::Instant { expr, legend: "" })
            .sized(4, 4)
    }

    /// The largest and the smallest value in the range, of one query.
    pub(crate) fn extremes(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
    ) -> Self {
        let mut panel = Self::new(View::Stat, title, description).and(expr, "").sized(4, 4);
        panel.extremes = true;
        panel
    }

    /// The largest, one bar for each.
    pub(crate) fn bars(
        title: impl Into<String>,
        description: impl Into<String>,
        expr: String,
        legend: &'static str,
    ) -> Self {
        Self::new(View::Bars, title, description)
            .asking(Query::Instant { expr, legend })
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
            Self::new(View::Table(columns), title, description).asking(Query::Rows { expr });
        panel.linked_column = columns.last().map_or("", |(_, title)| title);
        panel
    }

    /// The flows that meet `filter`, newest first.
    pub(crate) fn flows(
        title: impl Into<String>,
        description: impl Into<String>,
        filter: Vec<Condition>,
    ) -> Self {
        Self::new(View::Flows, title, description).asking(Query::Flows { filter, limit: 5_000 })
    }

    /// Flows, counted and drawn as `view`.
    pub(crate) fn counted(
        view: View,
        title: impl Into<String>,
        description: impl Into<String>,
        query: Query,
    ) -> Self {
        Self::new(view, title, description).asking(query)
    }

    /// One more PromQL query over the range.
    pub(crate) fn and(self, expr: String, legend: &'static str) -> Self {
        self.asking(Query::Range { expr, legend })
    }

    fn asking(mut self, query: Query) -> Self {
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

    /// Labels of a table that are read by links and not shown.
    pub(crate) fn hiding(mut self, labels: &'static [&'static str]) -> Self {
        self.hidden = labels;
        self
    }

    /// Green at zero, red above.
    pub(crate) fn bad_news(mut self) -> Self {
        self.is_bad_news = true;
        self
    }

    /// The sentence in the place of an empty panel.
    pub(crate) fn when_empty(mut self, sentence: &'static str) -> Self {
        self.no_value = sentence;
        self
    }

    /// The conditions of the flows that a point stands for.
    pub(crate) fn behind(mut self, flows: impl Into<Behind>) -> Self {
        self.behind = Some(flows.into());
        self
    }

    /// The flows that a point of the query `ref_id` stands for, where they are others.
    pub(crate) fn behind_query(mut self, ref_id: char, flows: impl Into<Behind>) -> Self {
        self.behind_query = Some((ref_id, flows.into()));
        self
    }

    /// Whether it counts flows themselves.
    pub(crate) fn is_of_flows(&self) -> bool {
        self.queries.iter().any(Query::needs_flows)
    }

    /// Whether a click hits a point in time, and not a number of the whole range.
    pub(crate) fn has_points(&self) -> bool {
        matches!(self.view, View::Lines | View::Stacked | View::Cells | View::Heatmap)
    }

    /// A dashboard that looks closer.
    pub(crate) fn next(mut self, next: Next) -> Self {
        self.next.push(next);
        self
    }
}
