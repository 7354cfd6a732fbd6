//! Classic histograms of Prometheus as rows of a heat map.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::Float64Builder;
use prometheus::{LabelSet, Series};
use wording::Notice;

use crate::series::{head_only, one_each};
use crate::{Field, Frame, FrameType, Meta, SeriesQuery};

/// Classic histograms (`…_bucket` series with `le`) as rows of a heat map: one frame per group of
/// other labels, and one field per bucket, with the count of the bucket below subtracted.
pub fn heatmap(query: &SeriesQuery<'_>, series: Vec<Series>, notices: Vec<Notice>) -> Vec<Frame> {
    let mut groups: BTreeMap<LabelSet, Vec<Bucket>> = BTreeMap::new();
    let mut others = Vec::new();
    for mut series in series {
        match series.labels.remove("le").and_then(|le| Some((le.parse::<f64>().ok()?, le))) {
            Some((upper, le)) => {
                let bucket = Bucket { upper, le, at: by_time(&series) };
                groups.entry(series.labels).or_default().push(bucket);
            }
            None => others.push(series),
        }
    }
    let meta = query.meta(FrameType::HeatmapRows, "matrix", notices);
    let mut frames: Vec<Frame> = groups
        .into_iter()
        .map(|(labels, buckets)| bucket_rows(query, &labels, buckets, &meta))
        .collect();
    let plain = Meta {
        frame_type: Some(FrameType::TimeseriesMulti),
        type_version: Some([0, 1]),
        ..meta.clone()
    };
    if !others.is_empty() {
        frames.extend(one_each(query, others, plain));
    }
    head_only(frames, meta)
}

struct Bucket {
    upper: f64,
    le: String,
    at: HashMap<i64, f64>,
}

fn by_time(series: &Series) -> HashMap<i64, f64> {
    series.times_nanos.iter().copied().zip(series.values.iter().copied()).collect()
}

fn bucket_rows(
    query: &SeriesQuery<'_>,
    labels: &LabelSet,
    mut buckets: Vec<Bucket>,
    meta: &Meta,
) -> Frame {
    buckets.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    let mut times: BTreeSet<i64> = BTreeSet::new();
    for bucket in &buckets {
        #[expect(clippy::iter_over_hash_type, reason = "into a sorted set")]
        for &time in bucket.at.keys() {
            times.insert(time);
        }
    }
    let mut fields = vec![query.time_field(times.iter().copied().collect())];
    let mut names = BTreeSet::new();
    // Counts of the buckets below, by time. A bucket may lack samples at some times.
    let mut below: HashMap<i64, f64> = HashMap::new();
    for bucket in &buckets {
        // `1` and `1.0` may coexist while a target is upgraded.
        if !names.insert(bucket.le.as_str()) {
            continue;
        }
        let mut column = Float64Builder::with_capacity(times.len());
        for &time in &times {
            // An unknown count is not subtracted from the buckets above.
            let Some(&count) = bucket.at.get(&time).filter(|count| !count.is_nan()) else {
                column.append_null();
                continue;
            };
            let more = count - below.insert(time, count).unwrap_or(0.0);
            // Buckets are scraped one after the other, so a lower one may be slightly ahead.
            column.append_option((!more.is_nan()).then_some(more.max(0.0)));
        }
        let mut field = Field::new(&bucket.le, Arc::new(column.finish())).nullable();
        field.labels.clone_from(labels);
        field.labels.insert("le".to_owned(), bucket.le.clone());
        field.config.display_name_from_ds = Some(bucket.le.clone());
        fields.push(field);
    }
    Frame { name: String::new(), fields, meta: meta.clone() }
}
