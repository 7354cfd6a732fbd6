//! HTTP servers with prepared answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use crate::sockets;

/// A running server.
#[derive(Debug)]
pub struct Http {
    /// Where it listens.
    pub address: SocketAddr,
    scheme: &'static str,
    asked: Arc<Mutex<Vec<String>>>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request line and the headers, as HTTP/1.1 writes them; names in small letters.
    pub head: String,
    /// The body.
    pub body: String,
    /// How many requests came before on the same connection.
    pub earlier: usize,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status, such as `200 OK`; the number counts.
    pub status: &'static str,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The body as it goes over the wire.
    pub body: Bytes,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

/// A connection that ends without an answer.
#[derive(Debug)]
struct HangUp;

type Handler = dyn Fn(Asked) -> BoxFuture<'static, Option<Answer>> + Send + Sync;

impl Asked {
    /// The request line.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }
}

impl Answer {
    /// An answer in JSON.
    pub fn json(status: &'static str, body: &str) -> Self {
        Self::of(status, "application/json", body)
    }

    /// An answer of any type.
    pub fn of(status: &'static str, content_type: &'static str, body: &str) -> Self {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Self { status, content_type, body, headers: Vec::new() }
    }

    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Http {
    /// Answers every request by what `answer` makes of its first line and body.
    pub async fn start(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(move |asked| {
            let answer = answer(asked.line(), &asked.body);
            async move { Some(answer) }
        })
        .await
    }

    /// Answers every request by what `answer` makes of it; without an answer the connection ends.
    pub async fn start_with<F>(answer: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<Answer>> + Send + 'static,
    {
        Self::serve(None, Arc::new(move |asked| Box::pin(answer(asked)))).await
    }

    /// The same as [`Http::start`] behind TLS.
    pub async fn start_tls(
        config: rustls::ServerConfig,
        answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let answer = move |asked: Asked| -> BoxFuture<'static, Option<Answer>> {
            Box::pin(std::future::ready(Some(answer(asked.line(), &asked.body))))
        };
        Self::serve(Some(TlsAcceptor::from(Arc::new(config))), Arc::new(answer)).await
    }

    async fn serve(acceptor: Option<TlsAcceptor>, handler: Arc<Handler>) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&asked);
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let address = sockets::serve(move |stream| {
            let (handler, requests) = (Arc::clone(&handler), Arc::clone(&requests));
            let acceptor = acceptor.clone();
            async move {
                match acceptor {
                    None => connection(stream, handler, requests).await,
                    Some(acceptor) => {
                        // A client that refuses the certificate comes no further.
                        if let Ok(stream) = acceptor.accept(stream).await {
                            connection(stream, handler, requests).await;
                        }
                    }
                }
            }
        })
        .await;
        Self { address, scheme, asked }
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Requests so far: head, blank line, body.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Requests since the last look.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    handler: Arc<Handler>,
    requests: Arc<Mutex<Vec<String>>>,
) {
    let earlier = AtomicUsize::new(0);
    let service = service_fn(|request: http::Request<Incoming>| {
        let earlier = earlier.fetch_add(1, Ordering::SeqCst);
        let (handler, requests) = (Arc::clone(&handler), Arc::clone(&requests));
        async move {
            let asked = read(request, earlier).await.ok_or(HangUp)?;
            requests.lock().unwrap().push(format!("{}\r\n\r\n{}", asked.head, asked.body));
            handler(asked).await.map(Answer::into_response).ok_or(HangUp)
        }
    });
    // A client that goes away in the middle is its own affair.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn read(request: http::Request<Incoming>, earlier: usize) -> Option<Asked> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    let mut head = format!("{} {} {:?}", parts.method, parts.uri, parts.version);
    for (name, value) in &parts.headers {
        head.push_str("\r\n");
        head.push_str(name.as_str());
        head.push_str(": ");
        head.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    Some(Asked { head, body: String::from_utf8_lossy(&body).into_owned(), earlier })
}

impl Answer {
    fn into_response(self) -> http::Response<Full<Bytes>> {
        let status = self.status.split(' ').next().unwrap_or_default();
        let mut response = http::Response::builder().status(status);
        if !self.content_type.is_empty() {
            response = response.header("Content-Type", self.content_type);
        }
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(Full::new(self.body)).unwrap()
    }
}

impl std::fmt::Display for HangUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection ends without an answer")
    }
}

impl std::error::Error for HangUp {}
