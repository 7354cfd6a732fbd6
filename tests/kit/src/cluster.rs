//! A Kubernetes API server with prepared objects: discovery, lists in pages, watches with bookmarks, and faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::http::{Answer, Http, ReceivedRequest};

/// Longest time that a watch waits for an event before it ends with a bookmark.
const WATCH: Duration = Duration::from_millis(100);

/// The paths that are served at first: a cluster with Cilium.
const SERVED: [&str; 7] = [
    "/apis/cilium.io/v2/ciliumnetworkpolicies",
    "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies",
    "/apis/cilium.io/v2/ciliumcidrgroups",
    "/apis/networking.k8s.io/v1/networkpolicies",
    "/apis/discovery.k8s.io/v1/endpointslices",
    "/api/v1/namespaces",
    "/api/v1/services",
];

/// A running API server.
#[derive(Debug)]
pub struct Cluster {
    http: Http,
    state: Arc<State>,
}

/// A fault of one verb on one path.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// A `Status` with this code.
    Status(u16),
    /// A page of something else, with this status.
    Html(&'static str),
    /// An answer that never begins.
    Hang,
    /// The end of the connection.
    HangUp,
    /// JSON that is not Kubernetes'.
    OtherJson,
}

#[derive(Debug, Default)]
struct State {
    content: Mutex<Content>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Content {
    version: u64,
    /// Watches from an earlier revision are refused.
    compacted: u64,
    served: Vec<String>,
    /// Objects by path, namespace and name.
    objects: BTreeMap<(String, String, String), Value>,
    /// Revision, path, kind of event, object.
    events: Vec<(u64, String, &'static str, Value)>,
    faults: Vec<(&'static str, String, Fault)>,
}

impl Cluster {
    /// Starts a server over plain HTTP.
    pub async fn start() -> Self {
        let state = Arc::new(State::default());
        lock(&state).served = SERVED.map(str::to_owned).to_vec();
        let own = Arc::clone(&state);
        let answer = move |request| answer(Arc::clone(&own), request);
        let http = Http::start_with(answer).await;
        Self { http, state }
    }

    /// The base URL.
    pub fn url(&self) -> String {
        self.http.url()
    }

    /// The requests since the last call, each as head, blank line, body.
    pub fn take_asked(&self) -> Vec<String> {
        self.http.take_asked()
    }

    /// Serves a further path of objects.
    pub fn serve(&self, path: &str) {
        lock(&self.state).served.push(path.to_owned());
    }

    /// No longer serves a path.
    pub fn unserve(&self, path: &str) {
        lock(&self.state).served.retain(|own| own != path);
    }

    /// Stores an object; `rest` has the fields beside `metadata`.
    pub fn put(&self, path: &str, namespace: &str, name: &str, rest: &Value) {
        let mut content = lock(&self.state);
        content.version += 1;
        let key = (path.to_owned(), namespace.to_owned(), name.to_owned());
        let kind = if content.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
        let version = content.version;
        let mut object = rest.clone();
        let metadata = object["metadata"].take();
        object["metadata"] = json!({
            "name": name,
            "resourceVersion": version.to_string(),
            "uid": "5e2c4a57",
            "creationTimestamp": "2026-11-30T10:00:00Z",
            "managedFields": [{
                "manager": "kubectl",
                "time": "2026-11-30T12:00:00Z",
                "fieldsV1": { "f:spec": {} },
            }],
        });
        if !namespace.is_empty() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        for (field, value) in metadata.as_object().into_iter().flatten() {
            object["metadata"][field] = value.clone();
        }
        content.objects.insert(key, object.clone());
        content.events.push((version, path.to_owned(), kind, object));
        drop(content);
        self.state.changed.notify_waiters();
    }

    /// Deletes an object.
    pub fn delete(&self, path: &str, namespace: &str, name: &str) {
        let mut content = lock(&self.state);
        let key = (path.to_owned(), namespace.to_owned(), name.to_owned());
        let Some(mut object) = content.objects.remove(&key) else { return };
        content.version += 1;
        let version = content.version;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        content.events.push((version, path.to_owned(), "DELETED", object));
        drop(content);
        self.state.changed.notify_waiters();
    }

    /// Forgets the events so far: watches from before are answered with 410.
    pub fn compact(&self) {
        let mut content = lock(&self.state);
        content.version += 1;
        content.compacted = content.version;
        content.events.clear();
        drop(content);
        self.state.changed.notify_waiters();
    }

    /// Answers `list` or `watch` of paths that end so with a fault, from now on.
    pub fn fail(&self, verb: &'static str, path: &str, fault: Fault) {
        lock(&self.state).faults.push((verb, path.to_owned(), fault));
        self.state.changed.notify_waiters();
    }

    /// Ends all faults.
    pub fn mend(&self) {
        lock(&self.state).faults.clear();
    }
}

fn lock(state: &State) -> MutexGuard<'_, Content> {
    state.content.lock().unwrap()
}

async fn answer(state: Arc<State>, request: ReceivedRequest) -> Option<Answer> {
    let target = request.line().split(' ').nth(1).unwrap_or_default().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query: BTreeMap<&str, &str> =
        query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let is_watch = query.contains_key("watch");
    let verb = if is_watch { "watch" } else { "list" };
    let fault = {
        let content = lock(&state);
        let is_meant = |(own, of, _): &&(&str, String, Fault)| *own == verb && path.ends_with(of);
        content.faults.iter().find(is_meant).map(|(.., fault)| *fault)
    };
    match fault {
        Some(Fault::Status(code)) => return Some(status(code)),
        Some(Fault::Html(code)) => {
            let page = "<!doctype html><title>Sign in</title><script>alert(1)</script>";
            return Some(Answer::of(code, "text/html", page));
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::HangUp) => return None,
        Some(Fault::OtherJson) => return Some(Answer::json("200", r#"{"login":"please"}"#)),
        None => {}
    }
    if !lock(&state).served.iter().any(|own| own == path) {
        return Some(discovery(&state, path));
    }
    if is_watch {
        let from = query.get("resourceVersion").and_then(|own| own.parse().ok()).unwrap_or(0);
        return Some(watch(&state, path, from).await);
    }
    Some(list(&state, path, &query))
}

fn status(code: u16) -> Answer {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "message": "in the server's words", "reason": "Reason",
    });
    let code = match code {
        401 => "401",
        403 => "403",
        404 => "404",
        410 => "410",
        429 => "429",
        _ => "500",
    };
    Answer::json(code, &body.to_string())
}

fn discovery(state: &State, path: &str) -> Answer {
    let content = lock(state);
    let below = format!("{path}/");
    let names: Vec<&str> =
        content.served.iter().filter_map(|own| own.strip_prefix(&below)).collect();
    if names.is_empty() {
        return Answer::of("404", "text/plain", "404 page not found\n");
    }
    let body = if path.matches('/').count() == 2 {
        let versions: Vec<Value> = names
            .iter()
            .filter_map(|own| own.split('/').next())
            .map(|version| json!({ "version": version }))
            .collect();
        json!({ "kind": "APIGroup", "versions": versions })
    } else {
        let resources: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        json!({ "kind": "APIResourceList", "resources": resources })
    };
    Answer::json("200", &body.to_string())
}

fn list(state: &State, path: &str, query: &BTreeMap<&str, &str>) -> Answer {
    let content = lock(state);
    let number = |name: &str| query.get(name).and_then(|own| own.parse::<usize>().ok());
    let (from, limit) = (number("continue").unwrap_or(0), number("limit").unwrap_or(usize::MAX));
    let of_path = content.objects.iter().filter(|((own, ..), _)| own == path);
    let items: Vec<&Value> = of_path.map(|(_, object)| object).collect();
    let page: Vec<&Value> = items.iter().skip(from).take(limit).copied().collect();
    let next = from + page.len();
    let token = if next < items.len() { next.to_string() } else { String::new() };
    let metadata = json!({ "resourceVersion": content.version.to_string(), "continue": token });
    Answer::json("200", &json!({ "kind": "List", "metadata": metadata, "items": page }).to_string())
}

async fn watch(state: &State, path: &str, from: u64) -> Answer {
    let deadline = tokio::time::Instant::now() + WATCH;
    loop {
        let changed = state.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        {
            let content = lock(state);
            let event = |kind: &str, object: &Value| {
                let event = json!({ "type": kind, "object": object });
                format!("{event}\n")
            };
            if from < content.compacted {
                let gone = json!({ "kind": "Status", "code": 410, "message": "too old" });
                return Answer::json("200", &event("ERROR", &gone));
            }
            let new =
                content.events.iter().filter(|(version, own, ..)| *version > from && own == path);
            let lines: String = new.map(|(_, _, kind, object)| event(kind, object)).collect();
            if !lines.is_empty() {
                return Answer::json("200", &lines);
            }
            if tokio::time::Instant::now() >= deadline {
                let version = content.version.to_string();
                let bookmark = json!({
                    "kind": "Any", "apiVersion": "v1",
                    "metadata": { "resourceVersion": version },
                });
                return Answer::json("200", &event("BOOKMARK", &bookmark));
            }
        }
        let _is_changed = tokio::time::timeout_at(deadline, changed).await.is_ok();
    }
}
