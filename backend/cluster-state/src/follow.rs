//! One resource, listed and then watched, for as long as it is wanted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use http::Request as HttpRequest;
use kube::core::params::{ListParams, WatchParams};
use kube::core::watch::Bookmark;
use kube::core::{Request, Status};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use crate::error::ClusterError;
use crate::object::{self, ClusterObject, Key, ReadObject};
use crate::pace::Pace;
use crate::resource::Resource;
use crate::store::Store;
use crate::transport::{Asked, Transport};

/// Number of objects of a page.
const PAGE: u32 = 250;
/// Maximum size of a page, in bytes. A larger one is asked for again with fewer objects.
const MAX_PAGE_BYTES: usize = 16 << 20;
/// Maximum size of an event, in bytes; etcd refuses objects above 1.5 MiB.
const MAX_EVENT_BYTES: usize = 8 << 20;
/// Maximum number of pages of a list.
const MAX_PAGES: usize = 10_000;
/// Maximum number of objects that a list is read to; the limits of the store are lower.
const MAX_LISTED: usize = 100_000;
/// Number of times that a list begins anew because its pages are gone.
const MAX_RESTARTS: usize = 3;
/// Number of failed watches after which the objects are listed again.
const MAX_FAILED_WATCHES: u32 = 5;

/// The follower of one resource.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) transport: Arc<Transport>,
    pub(crate) store: Arc<Store>,
    pub(crate) pace: Pace,
    /// Bounds the pages that are in memory at once.
    pub(crate) pages: Arc<Semaphore>,
    pub(crate) resource: &'static Resource,
    /// Position of the resource.
    pub(crate) index: usize,
}

/// The objects of a moment.
#[derive(Debug)]
struct Listed {
    version: &'static str,
    resource_version: String,
    objects: HashMap<Key, ClusterObject>,
}

#[derive(Deserialize)]
struct Page<'p> {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(borrow, default)]
    items: Option<Vec<&'p RawValue>>,
}

/// An event, as kube's `WatchEvent`, which has to know the kind before it can take the object as text.
#[derive(Deserialize)]
struct Event<'e> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'e, str>,
    #[serde(borrow)]
    object: &'e RawValue,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PageMetadata {
    resource_version: String,
    r#continue: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Group {
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resources {
    resources: Vec<NamedResource>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NamedResource {
    name: String,
}

impl Follower {
    /// Lists and watches until the task is aborted.
    pub(crate) async fn run(self) {
        let mut failures = 0_u32;
        loop {
            let started = Instant::now();
            let error = match self.list().await {
                Ok(listed) => {
                    self.store.replace(self.index, listed.objects);
                    let error = self.watch(listed.version, listed.resource_version).await;
                    if started.elapsed() > self.pace.longest_wait {
                        failures = 0;
                    }
                    error
                }
                Err(error) => error,
            };
            tracing::debug!(resource = self.resource.plural, %error, "not watched");
            let is_gone = matches!(error, ClusterError::Gone { .. });
            let is_lasting = error.is_lasting();
            self.store.fail(self.index, error);
            failures = failures.saturating_add(1);
            if is_lasting {
                tokio::time::sleep(self.pace.lasting_wait).await;
            } else if !is_gone || failures > 1 {
                tokio::time::sleep(self.pace.wait(failures)).await;
            }
        }
    }

    /// Lists the first version that the cluster serves.
    async fn list(&self) -> Result<Listed, ClusterError> {
        for version in self.versions().await? {
            match self.list_version(version).await {
                Err(ClusterError::Absent { .. }) => {}
                listed => return listed,
            }
        }
        Err(self.absent())
    }

    fn absent(&self) -> ClusterError {
        ClusterError::Absent { resource: self.resource.qualified() }
    }

    /// The versions that both sides know, the preferred one first.
    async fn versions(&self) -> Result<Vec<&'static str>, ClusterError> {
        let known = self.resource.versions;
        let Some(path) = self.resource.group_path() else { return Ok(known.to_vec()) };
        let group: Group = match self.discovered(&path).await {
            // A cluster may keep its groups to itself.
            Err(ClusterError::Forbidden { .. }) => return Ok(known.to_vec()),
            group => group?,
        };
        let is_served = |own: &&str| group.versions.iter().any(|other| other.version == *own);
        let served: Vec<&'static str> = known.iter().copied().filter(is_served).collect();
        if !served.is_empty() {
            return Ok(served);
        }
        let mut others = Vec::new();
        for GroupVersion { version } in group.versions.iter().take(10) {
            let listed: Resources = self.discovered(&format!("{path}/{version}")).await?;
            if listed.resources.iter().any(|own| own.name == self.resource.plural) {
                others.push(wording::quote(version));
            }
        }
        if others.is_empty() {
            return Err(self.absent());
        }
        let versions = others.join(", ");
        Err(ClusterError::Versions { resource: self.resource.qualified(), versions })
    }

    async fn discovered<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
    ) -> Result<T, ClusterError> {
        let asked = Asked { verb: "get", resource: path };
        let response = self.transport.get(path, false, asked).await?;
        let body = self.transport.whole(response, MAX_PAGE_BYTES).await?;
        serde_json::from_slice(&body).map_err(|_| self.transport.not_kubernetes(&body))
    }

    async fn list_version(&self, version: &'static str) -> Result<Listed, ClusterError> {
        let api_version = self.resource.api_version(version);
        let mut objects = HashMap::new();
        let (mut limit, mut restarts) = (PAGE, 0);
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            // A page is in memory until its objects are reduced.
            let _permit = self.pages.acquire().await;
            let body = match self.page(version, limit, token.clone()).await {
                Err(ClusterError::TooLarge { .. }) if limit > 1 => {
                    limit = (limit / 8).max(1);
                    continue;
                }
                Err(ClusterError::Gone { .. }) if token.is_some() && restarts < MAX_RESTARTS => {
                    restarts += 1;
                    token = None;
                    objects.clear();
                    continue;
                }
                body => body?,
            };
            let page: Page<'_> =
                serde_json::from_slice(&body).map_err(|_| self.transport.not_kubernetes(&body))?;
            if page.metadata.resource_version.is_empty() {
                return Err(self.transport.not_kubernetes(&body));
            }
            for item in page.items.unwrap_or_default() {
                let read = object::read(self.resource, &api_version, item.get());
                let Some(ReadObject { key, object: Some(object), .. }) = read else { continue };
                if objects.len() < MAX_LISTED {
                    objects.insert(key, object);
                }
            }
            token = page.metadata.r#continue.filter(|token| !token.is_empty());
            if token.is_none() {
                let resource_version = page.metadata.resource_version;
                return Ok(Listed { version, resource_version, objects });
            }
        }
        Err(self.transport.too_large(MAX_PAGE_BYTES))
    }

    async fn page(
        &self,
        version: &str,
        limit: u32,
        token: Option<String>,
    ) -> Result<Vec<u8>, ClusterError> {
        let params =
            ListParams { limit: Some(limit), continue_token: token, ..ListParams::default() };
        let request = Request::new(self.resource.path(version)).list(&params);
        let name = self.resource.qualified();
        let asked = Asked { verb: "list", resource: &name };
        let response = self.transport.get(&target(request)?, false, asked).await?;
        self.transport.whole(response, MAX_PAGE_BYTES).await
    }

    /// Watches from a revision on, one watch after the other. Returns the reason why the objects have to be
    /// listed again.
    async fn watch(&self, version: &str, mut resource_version: String) -> ClusterError {
        let mut failures = 0_u32;
        loop {
            let started = Instant::now();
            let error = match self.watch_once(version, &mut resource_version).await {
                Ok(()) => {
                    failures = 0;
                    // A server that ends each watch at once is not asked in a circle.
                    let rest = self.pace.first_wait.saturating_sub(started.elapsed());
                    tokio::time::sleep(rest).await;
                    continue;
                }
                Err(error) => error,
            };
            let is_about_way = matches!(
                error,
                ClusterError::Unreachable { .. }
                    | ClusterError::Silent { .. }
                    | ClusterError::Unauthorized { .. }
                    | ClusterError::Token(_)
                    | ClusterError::Refused { .. }
            );
            failures = failures.saturating_add(1);
            if !is_about_way || failures > MAX_FAILED_WATCHES {
                return error;
            }
            self.store.fail(self.index, error);
            tokio::time::sleep(self.pace.wait(failures)).await;
        }
    }

    async fn watch_once(
        &self,
        version: &str,
        resource_version: &mut String,
    ) -> Result<(), ClusterError> {
        let timeout = u32::try_from(self.pace.watch_for.as_secs()).unwrap_or(60).max(1);
        let params = WatchParams { timeout: Some(timeout), ..WatchParams::default() };
        let request = Request::new(self.resource.path(version)).watch(&params, resource_version);
        let name = self.resource.qualified();
        let asked = Asked { verb: "watch", resource: &name };
        let mut response = self.transport.get(&target(request)?, true, asked).await?;
        self.store.confirm(self.index);
        let mut line: Vec<u8> = Vec::new();
        while let Some(chunk) = self.transport.chunk(&mut response).await? {
            for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
                if line.len().saturating_add(piece.len()) > MAX_EVENT_BYTES {
                    return Err(self.transport.too_large(MAX_EVENT_BYTES));
                }
                line.extend_from_slice(piece);
                if piece.ends_with(b"\n") {
                    self.event(&line, version, resource_version, asked)?;
                    line.clear();
                }
            }
        }
        // What ends without a line break may be no event at all.
        self.event(&line, version, resource_version, asked)
    }

    fn event(
        &self,
        line: &[u8],
        version: &str,
        resource_version: &mut String,
        asked: Asked<'_>,
    ) -> Result<(), ClusterError> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let unread = || self.transport.not_kubernetes(line);
        let event: Event<'_> = serde_json::from_slice(line).map_err(|_| unread())?;
        let api_version = self.resource.api_version(version);
        let is_gone = match event.kind.as_ref() {
            "ADDED" | "MODIFIED" => false,
            "DELETED" => true,
            "BOOKMARK" => {
                let bookmark: Bookmark =
                    serde_json::from_str(event.object.get()).map_err(|_| unread())?;
                *resource_version = bookmark.metadata.resource_version;
                self.store.confirm(self.index);
                return Ok(());
            }
            "ERROR" => {
                let status: Status =
                    serde_json::from_str(event.object.get()).map_err(|_| unread())?;
                return Err(self.transport.refused(status.code, &status, asked));
            }
            _ => return Err(unread()),
        };
        let object = event.object;
        let Some(read) = object::read(self.resource, &api_version, object.get()) else {
            return Err(unread());
        };
        if !read.version.is_empty() {
            *resource_version = read.version;
        }
        match read.object {
            Some(object) if !is_gone => self.store.put(self.index, read.key, object),
            _ => self.store.remove(self.index, &read.key),
        }
        Ok(())
    }
}

/// Path and query of a request.
fn target(
    request: Result<HttpRequest<Vec<u8>>, kube::core::request::Error>,
) -> Result<String, ClusterError> {
    let request =
        request.map_err(|error| ClusterError::Client { reason: wording::with_causes(&error) })?;
    Ok(request.uri().to_string())
}
