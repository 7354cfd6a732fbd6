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

/// The address of a server that accepts connections and sends nothing until the client ends them.
pub async fn silent() -> SocketAddr {
    serve(|mut stream| async move {
        drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
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

/// The end of a connection through [`cut_after`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It stays open, and nothing passes any more.
    Silence,
    /// It is reset.
    Reset,
}

/// The address of a proxy to `target` that passes on this many bytes of the answers of each connection
/// before it cuts it.
pub async fn cut_after(target: SocketAddr, bytes: u64, cut: Cut) -> SocketAddr {
    serve(move |here| async move {
        let there = TcpStream::connect(target).await.unwrap();
        let (mut asked, mut answered) = here.into_split();
        let (answers, mut asks) = there.into_split();
        let mut answers = answers.take(bytes);
        let requests = tokio::io::copy(&mut asked, &mut asks);
        let answers = async {
            drop(tokio::io::copy(&mut answers, &mut answered).await);
            if cut == Cut::Silence {
                std::future::pending::<()>().await;
            }
        };
        // The client may close first.
        tokio::select! {
            _ = requests => {}
            () = answers => {
                let socket = asked.reunite(answered).unwrap();
                socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
            }
        }
    })
    .await
}

/// A host that swallows packets, like a firewall: connecting to it takes for ever.
#[derive(Debug)]
pub struct BlackHole {
    /// Its address.
    pub address: SocketAddr,
    _listener: socket2::Socket,
    _queue: Vec<TcpStream>,
}

impl BlackHole {
    /// A listener with a full queue, whose system drops further connections.
    pub async fn start() -> Self {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let mut queue = Vec::new();
        for _ in 0..4 {
            let connect = TcpStream::connect(address);
            let connected = tokio::time::timeout(Duration::from_millis(100), connect).await;
            queue.extend(connected.ok().and_then(Result::ok));
        }
        Self { address, _listener: socket, _queue: queue }
    }
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
