//! Tests with the real backend; they need a built `gpx_hubble`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use plugin_protocol::{CheckHealthRequest, PluginContext, client};
use tokio::time::timeout;

use super::{Backend, Executable, StartError};
use wording::with_causes;

/// The real backend.
pub(crate) fn gpx_hubble() -> Executable {
    Executable {
        plugin_id: "k8snet-hubble-datasource".to_owned(),
        version: "0.0.0".to_owned(),
        path: test_kit::grafana::program(),
    }
}

/// Limits a test that hangs.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(Duration::from_mins(1), future).await.unwrap_or_else(|_| panic!("{what} within 60 s"))
}

#[tokio::test]
async fn it_answers_and_shuts_down_without_a_kill() {
    let backend = Backend::start(&gpx_hubble()).await.expect("started");
    let request = CheckHealthRequest {
        plugin_context: Some(PluginContext::default()),
        headers: BTreeMap::new(),
    };
    // Without settings the backend is unhealthy; the test only needs an answer.
    let answer = soon("health", client::check_health(backend.channel(), request)).await;
    assert!(!answer.expect("an answer").message.is_empty());
    assert!(soon("the end", backend.shutdown()).await, "it ends by itself");
}

#[tokio::test]
async fn a_failed_start_has_its_reason() {
    let check = async |program: &str, expected: &str| {
        let executable = Executable {
            plugin_id: "a-datasource".to_owned(),
            version: "0.0.0".to_owned(),
            path: PathBuf::from(program),
        };
        let error: StartError = Backend::start(&executable).await.expect_err(program);
        assert_eq!(with_causes(&error), expected);
    };
    check("/not/there", "`/not/there` cannot be started: No such file or directory (os error 2)")
        .await;
    check("/bin/true", "`/bin/true` ended before its handshake line; its log is above").await;
    check(
        "/bin/pwd",
        &format!(
            "cannot connect to `/bin/pwd`: the plugin's first line `{}` is not a handshake `core|app|network|address|protocol`; is something else printed to stdout before it?",
            std::env::current_dir().expect("a folder").display()
        ),
    )
    .await;
}
