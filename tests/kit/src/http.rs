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
    /// The address that it listens on.
    pub address: SocketAddr,
    scheme: &'static str,
    asked: Arc<Mutex<Vec<String>>>,
}

/// A received request.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    /// The request line and the headers in the notation of HTTP/1.1; names in small letters.
    pub head: String,
    /// The body.
    pub body: String,
    /// The number of earlier requests on the same connection.
    pub earlier: usize,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status, such as `200 OK`; only the number is sent.
    pub status: &'static str,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The body as sent.
    pub body: Bytes,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

/// The end of a connection without an answer.
#[derive(Debug)]
struct HangUp;

type Handler = dyn Fn(ReceivedRequest) -> BoxFuture<'static, Option<Answer>> + Send + Sync;

impl ReceivedRequest {
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

    /// The answer with a further header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Http {
    /// Starts a server; `answer` gets the request line and the body.
    pub async fn start(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(move |asked| {
            let answer = answer(asked.line(), &asked.body);
            async move { Some(answer) }
        })
        .await
    }

    /// Starts a server; the connection ends where `answer` returns `None`.
    pub async fn start_with<F>(
        answer: impl Fn(ReceivedRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Option<Answer>> + Send + 'static,
    {
        Self::serve(None, Arc::new(move |asked| Box::pin(answer(asked)))).await
    }

    /// Starts a server behind TLS; `answer` as for [`Http::start`].
    pub async fn start_tls(
        config: rustls::ServerConfig,
        answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let answer = move |request: ReceivedRequest| -> BoxFuture<'static, Option<Answer>> {
            Box::pin(std::future::ready(Some(answer(request.line(), &request.body))))
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
                        // A client may refuse the certificate.
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

    /// The server's URL, without a path.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The requests so far, each as head, blank line, body.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests since the last call.
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
    // A client may close the connection at any time.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn read(request: http::Request<Incoming>, earlier: usize) -> Option<ReceivedRequest> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    let mut head = format!("{} {} {:?}", parts.method, parts.uri, parts.version);
    for (name, value) in &parts.headers {
        head.push_str("\r\n");
        head.push_str(name.as_str());
        head.push_str(": ");
        head.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    Some(ReceivedRequest { head, body: String::from_utf8_lossy(&body).into_owned(), earlier })
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
