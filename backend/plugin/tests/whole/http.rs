//! An HTTP server that answers what it is told, whatever it is asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A running server.
pub(crate) struct Http {
    pub(crate) address: SocketAddr,
    /// Requests so far: head and body as they came.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

/// An answer: status line without version, content type, body.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(status: &'static str, body: &str) -> Self {
        Self { status, content_type: "application/json", body: body.to_owned() }
    }
}

impl Http {
    /// Answers every request by what `answer` makes of its first line and body.
    pub(crate) async fn start(
        answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let first_line =
            move |head: &str, body: &str| answer(head.lines().next().unwrap_or_default(), body);
        Self::start_with_head(first_line).await
    }

    /// Answers every request by what `answer` makes of its head and body.
    pub(crate) async fn start_with_head(
        answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let requests = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                tokio::spawn(async move {
                    let Some(request) = read_request(stream).await else { return };
                    let (mut stream, head, body) = request;
                    requests.lock().unwrap().push(format!("{head}\n{body}"));
                    let answer = answer(&head, &body);
                    let response = format!(
                        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                        answer.status,
                        answer.content_type,
                        answer.body.len(),
                        answer.body
                    );
                    drop(stream.write_all(response.as_bytes()).await);
                });
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn source(&self) -> crate::host::Source {
        crate::host::Source::prometheus(&self.url())
    }
}

async fn read_request(mut stream: TcpStream) -> Option<(TcpStream, String, String)> {
    let mut bytes = Vec::new();
    loop {
        // A TLS greeting: what Go's HTTP server answers it with.
        if bytes.first() == Some(&0x16) {
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return Some((stream, head.to_owned(), body.to_owned()));
            }
        }
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
}
