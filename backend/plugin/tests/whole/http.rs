//! HTTP servers with prepared answers, whatever they are asked. Each answer ends its connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

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
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                tokio::spawn(async move {
                    let Some((head, body)) = read_request(&mut stream).await else {
                        // A TLS greeting: what Go's HTTP server answers it with.
                        return finish(stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                    };
                    requests.lock().unwrap().push(format!("{head}\n{body}"));
                    let answer = answer(&head, &body);
                    let headers = [("Content-Type", answer.content_type)];
                    finish(stream, &response(answer.status, &headers, answer.body.as_bytes()))
                        .await;
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

/// An HTTP answer in bytes. It says that the connection ends with it, so that no client keeps the
/// connection and sends another request into its end.
pub(crate) fn response(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    write!(head, "Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()).unwrap();
    [head.as_bytes(), body].concat()
}

/// The URL of a server that answers every connection's first request with these bytes, which need
/// not be HTTP.
pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> String {
    let answer = Arc::new(answer.into());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                read_request(&mut stream).await;
                finish(stream, &answer).await;
            });
        }
    });
    url
}

/// Sends these last bytes and waits until the other side ends the connection too: what it still
/// sends would otherwise meet a reset, which takes away what it has not read yet.
pub(crate) async fn finish(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) {
    drop(stream.write_all(bytes).await);
    drop(stream.shutdown().await);
    drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
}

/// Head and body of a whole request; nothing where the connection ends before, or where TLS is
/// spoken.
pub(crate) async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        if bytes.first() == Some(&0x16) {
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
                return Some((head.to_owned(), body.to_owned()));
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
