//! PromQL on a real Prometheus over the samples.

use serde_json::Value;

use crate::series::Labels;

#[derive(Debug)]
pub(crate) struct Prometheus {
    server: test_kit::prometheus::Prometheus,
    client: reqwest::Client,
}

/// One series of an answer; an instant answer has one value.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) labels: Labels,
    pub(crate) values: Vec<f64>,
}

/// Time of a query, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
}

impl Prometheus {
    /// Starts over samples in `OpenMetrics`.
    pub(crate) async fn start(samples: &str) -> Self {
        // The workspace's reqwest speaks TLS and brings no provider for it; another test may have
        // named one already.
        let _: Result<_, _> = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { server: test_kit::prometheus::Prometheus::start(samples).await, client }
    }

    /// Answers to PromQL.
    ///
    /// Errors: Prometheus' own message.
    pub(crate) async fn ask(&self, expr: &str, at: At) -> Result<Vec<Answer>, String> {
        let (path, times) = match at {
            At::Instant(time) => ("query", vec![("time", time.to_string())]),
            At::Range { start, end, step } => (
                "query_range",
                vec![
                    ("start", start.to_string()),
                    ("end", end.to_string()),
                    ("step", step.to_string()),
                ],
            ),
        };
        let mut form = vec![("query", expr.to_owned())];
        form.extend(times);
        let url = format!("{}/api/v1/{path}", self.server.url);
        let text = self.client.post(url).form(&form).send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        if answer["status"] != "success" {
            return Err(answer["error"].as_str().unwrap_or(&text).to_owned());
        }
        let number = |pair: &Value| pair[1].as_str().unwrap().parse::<f64>().unwrap();
        let result = answer["data"]["result"].as_array().unwrap();
        let series = result.iter().map(|one| Answer {
            labels: serde_json::from_value(one["metric"].clone()).unwrap(),
            values: match one["values"].as_array() {
                Some(pairs) => pairs.iter().map(number).collect(),
                None => vec![number(&one["value"])],
            },
        });
        Ok(series.collect())
    }

    /// Values of a label among series that a selector finds.
    pub(crate) async fn label_values(
        &self,
        selector: &str,
        label: &str,
        (start, end): (i64, i64),
    ) -> Vec<String> {
        let url = format!("{}/api/v1/label/{label}/values", self.server.url);
        let query = [
            ("match[]", selector.to_owned()),
            ("start", start.to_string()),
            ("end", end.to_string()),
        ];
        let text = self.client.get(url).query(&query).send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["status"], "success", "{selector}: {text}");
        serde_json::from_value(answer["data"].clone()).unwrap()
    }
}
