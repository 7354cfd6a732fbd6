//! Servers that break the rules: closed or silent ports, cut connections, answers of any bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// The client's first bytes on an HTTP/2 connection.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The first byte of a TLS greeting.
const TLS_HANDSHAKE: u8 = 0x16;

/// A listener on a free port of this machine.
pub async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Starts a server that passes each connection to `each`, and returns its address.
pub async fn serve<F>(each: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(each(stream));
        }
    });
    address
}

/// An address that refuses connections: a port that was just free.
pub async fn closed_port() -> SocketAddr {
    listen().await.1
}

/// The address of a server that accepts connections and sends nothing.
pub async fn silent() -> SocketAddr {
    serve(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await
}

/// The address of a server that answers the first request of each connection with these bytes,
/// in any protocol, and then ends the connection.
pub async fn answering(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer: Arc<[u8]> = answer.into().into();
    serve(move |mut stream| {
        let answer = Arc::clone(&answer);
        async move {
            request(&mut stream).await;
            finish(stream, &answer).await;
        }
    })
    .await
}

/// The address of a proxy to `target` that resets its connections whenever `cut` is notified.
pub async fn cuttable(target: SocketAddr, cut: Arc<Notify>) -> SocketAddr {
    serve(move |mut here| {
        let cut = Arc::clone(&cut);
        async move {
            let mut there = TcpStream::connect(target).await.unwrap();
            tokio::select! {
                _ = copy_bidirectional(&mut here, &mut there) => {}
                () = cut.notified() => {
                    let socket = socket2::SockRef::from(&here);
                    socket.set_linger(Some(Duration::ZERO)).unwrap();
                }
            }
        }
    })
    .await
}

/// Reads a request's head: of HTTP/1 up to its blank line, of HTTP/2 up to its first HEADERS frame,
/// of anything else its first bytes.
pub async fn request(stream: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        bytes.extend_from_slice(&chunk[..read]);
        let is_whole = if bytes.starts_with(PREFACE) {
            has_headers_frame(&bytes)
        } else if PREFACE.starts_with(&bytes) {
            false
        } else {
            bytes.first() == Some(&TLS_HANDSHAKE)
                || bytes.windows(4).any(|window| window == b"\r\n\r\n")
        };
        if is_whole {
            return;
        }
    }
}

/// Sends these last bytes and waits until the other side ends the connection too: a connection
/// closed with unread bytes is reset, which takes away what the other side has not read yet.
pub async fn finish(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) {
    drop(stream.write_all(bytes).await);
    drop(stream.shutdown().await);
    drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
}

/// Whether a client of HTTP/2 has sent its request: before, no answer may come.
fn has_headers_frame(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(PREFACE.len()..).unwrap_or_default();
    while let Some(&[a, b, c, frame_type]) = rest.first_chunk() {
        if frame_type == 1 {
            return true;
        }
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        rest = rest.get(9 + len..).unwrap_or_default();
    }
    false
}
