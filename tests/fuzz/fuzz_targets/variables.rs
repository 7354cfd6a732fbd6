//! Arbitrary queries of dashboard variables are read and match values in bounded time. The input is a
//! query, and values to match, one a line.
//!
//! `cargo xtask fuzz variables`

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use query::{VariableQuery, unresolved_variable, variable_meant_or_list};

/// Longest time for one query, in a build without optimisation on a busy machine.
const MAX_TIME: Duration = Duration::from_secs(3);

fuzz_target!(|text: &str| {
    let started = Instant::now();
    let mut lines = text.split('\n');
    let query = lines.next().unwrap_or_default();
    match VariableQuery::read(query) {
        Ok(None) => drop(variable_meant_or_list(query)),
        Ok(Some(VariableQuery::Flows(variable))) => {
            let patterns = [&variable.namespace, &variable.workload, &variable.pattern];
            let texts: Vec<&str> = patterns.iter().flat_map(|pattern| pattern.texts()).collect();
            let stars: usize = texts.iter().map(|text| text.matches('*').count()).sum();
            assert!(texts.len() <= 1_000 && stars <= 100, "{} texts, {stars} `*`", texts.len());
            for text in &texts {
                let _variable = unresolved_variable(text);
            }
            for value in lines {
                for pattern in patterns {
                    let is_named = pattern.texts().any(|text| text == value);
                    assert!(pattern.matches(value) || !is_named);
                }
            }
        }
        Ok(Some(_)) | Err(_) => {}
    }
    assert!(started.elapsed() < MAX_TIME, "took {:?}", started.elapsed());
});
