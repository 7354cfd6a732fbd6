//! Answers of Prometheus.

use std::fmt::Write as _;

/// A dashboard's answer: seven labels, values of seven digits or so, every 15 s.
///
/// Errors: text cannot be written to a `String`, which never happens.
pub fn matrix(series: usize, points: usize) -> Result<Vec<u8>, std::fmt::Error> {
    let mut json = String::from(r#"{"status":"success","data":{"resultType":"matrix","result":["#);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..series {
        let comma = if number == 0 { "" } else { "," };
        write!(
            json,
            r#"{comma}{{"metric":{{"__name__":"hubble_drop_total","cluster":"aks-1","instance":"10.0.0.{number}:9965","job":"hubble","namespace":"ns-{number}","pod":"cilium-{number}","reason":"Policy denied"}},"values":["#
        )?;
        for point in 0..points {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let comma = if point == 0 { "" } else { "," };
            let secs = 1_700_000_000 + 15 * point;
            write!(
                json,
                r#"{comma}[{secs},"{}.{:06}"]"#,
                random >> 60,
                (random >> 32) % 1_000_000
            )?;
        }
        json.push_str("]}");
    }
    json.push_str("]}}");
    Ok(json.into_bytes())
}
