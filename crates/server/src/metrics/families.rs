//! Metrics as Prometheus names them: families of one name, each with samples that labels tell apart.

use std::cell::RefCell;

use api::HistogramReport;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};
use prometheus::{Encoder as _, TextEncoder};

/// What the name of each begins with.
const PREFIX: &str = "clerk_sync_";

/// All that is told.
pub(super) struct Families(RefCell<Vec<MetricFamily>>);

/// One that is being told. It is put to the others when it is dropped, unless there was nothing to tell.
pub(super) struct Family<'a> {
    all: &'a RefCell<Vec<MetricFamily>>,
    family: MetricFamily,
    metrics: Vec<Metric>,
}

impl Families {
    pub(super) fn new() -> Self {
        Self(RefCell::default())
    }

    /// What only grows, until the process ends.
    pub(super) fn counter(&self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, MetricType::COUNTER)
    }

    /// What goes up and down.
    pub(super) fn gauge(&self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, MetricType::GAUGE)
    }

    /// Durations by class, in seconds.
    pub(super) fn histogram(&self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, MetricType::HISTOGRAM)
    }

    /// A gauge that is 1 while something is so, else 0.
    pub(super) fn flag(&self, name: &str, help: &str, is_so: bool) {
        self.gauge(name, help).is(f64::from(u8::from(is_so)));
    }

    fn family(&self, name: &str, help: &str, kind: MetricType) -> Family<'_> {
        let mut family = MetricFamily::default();
        family.set_name(format!("{PREFIX}{name}"));
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        Family {
            all: &self.0,
            family,
            metrics: Vec::new(),
        }
    }

    /// As Prometheus reads it.
    ///
    /// # Errors
    /// When a value cannot be written.
    pub(super) fn text(&self) -> prometheus::Result<String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0.borrow(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

impl Family<'_> {
    /// The only sample.
    pub(super) fn is(&mut self, value: f64) {
        self.with(&[], value);
    }

    /// One of several, told apart by labels.
    pub(super) fn with(&mut self, labels: &[(&str, &str)], value: f64) {
        let mut metric = labelled(labels);
        if self.family.get_field_type() == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.metrics.push(metric);
    }

    /// Durations.
    pub(super) fn of(&mut self, labels: &[(&str, &str)], report: &HistogramReport) {
        let buckets = report.up_to.iter().map(|(bound, count)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(*count);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(report.count);
        histogram.set_sample_sum(report.sum);
        let mut metric = labelled(labels);
        metric.set_histogram(histogram);
        self.metrics.push(metric);
    }
}

impl Drop for Family<'_> {
    fn drop(&mut self) {
        if self.metrics.is_empty() {
            return;
        }
        let mut family = std::mem::take(&mut self.family);
        family.set_metric(std::mem::take(&mut self.metrics));
        self.all.borrow_mut().push(family);
    }
}

fn labelled(labels: &[(&str, &str)]) -> Metric {
    let pairs = labels.iter().map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    });
    let mut metric = Metric::default();
    metric.set_label(pairs.collect());
    metric
}

/// A number of things; beyond 2^53 the last digits are lost, as everywhere in Prometheus.
#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus knows no other numbers"
)]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// The same of what is counted in memory.
pub(super) fn size(count: usize) -> f64 {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}
