use super::certificate::CertificateFacts;
use super::error::ConnectStage;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest start of an answer kept for recognition, in bytes.
const MAX_HEAD_BYTES: usize = 256;

/// Record of one connection.
///
/// HTTP/2 reports that a connection broke, but not the cause (an answer in HTTP/1.1, a TLS alert).
/// The user needs the cause, so it is recorded while the bytes pass.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Step of the connection that is under way.
    stage: Mutex<Option<ConnectStage>>,
    /// First bytes received from the socket.
    wire: Mutex<Vec<u8>>,
    /// First bytes received through TLS; without TLS, the same as `wire`.
    plain: Mutex<Vec<u8>>,
    /// First error of TLS.
    tls_error: Mutex<Option<rustls::Error>>,
    /// Certificates that the server presented: its own, followed by the intermediate ones.
    server_chain: Mutex<Vec<CertificateFacts>>,
    /// Whether the server requested a client certificate.
    client_certificate_asked: AtomicBool,
    /// Whether the server closed the connection.
    closed: AtomicBool,
}

/// Layer of a [`Watched`] stream: below or above TLS.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layer {
    Wire,
    Plain,
}

/// Stream whose start and end are recorded in a [`Trace`].
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    trace: Arc<Trace>,
    layer: Layer,
    /// Whether the start is complete, so that nothing more of it is recorded.
    head_full: bool,
}

impl Trace {
    /// Step of the connection that is under way. `None`: it is made, or was given up.
    pub(super) fn stage(&self) -> Option<ConnectStage> {
        *lock(&self.stage)
    }

    pub(super) fn note_stage(&self, stage: Option<ConnectStage>) {
        *lock(&self.stage) = stage;
    }

    pub(super) fn wire_head(&self) -> Vec<u8> {
        lock(&self.wire).clone()
    }

    pub(super) fn plain_head(&self) -> Vec<u8> {
        lock(&self.plain).clone()
    }

    pub(super) fn tls_error(&self) -> Option<rustls::Error> {
        lock(&self.tls_error).clone()
    }

    pub(super) fn server_certificate(&self) -> Option<CertificateFacts> {
        lock(&self.server_chain).first().cloned()
    }

    pub(super) fn server_chain(&self) -> Vec<CertificateFacts> {
        lock(&self.server_chain).clone()
    }

    pub(super) fn note_server_chain(&self, chain: Vec<CertificateFacts>) {
        *lock(&self.server_chain) = chain;
    }

    pub(super) fn client_certificate_asked(&self) -> bool {
        self.client_certificate_asked.load(Ordering::Acquire)
    }

    pub(super) fn note_client_certificate_asked(&self) {
        self.client_certificate_asked.store(true, Ordering::Release);
    }

    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn note_error(&self, error: &io::Error) {
        self.closed.store(true, Ordering::Release);
        if let Some(error) = tls_error_in(error) {
            lock(&self.tls_error).get_or_insert_with(|| error.clone());
        }
    }
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, trace: Arc<Trace>, layer: Layer) -> Self {
        Self { stream, trace, layer, head_full: false }
    }

    fn note_head(&mut self, bytes: &[u8]) {
        let mut head = lock(match self.layer {
            Layer::Wire => &self.trace.wire,
            Layer::Plain => &self.trace.plain,
        });
        let room = MAX_HEAD_BYTES - head.len().min(MAX_HEAD_BYTES);
        head.extend(bytes.iter().take(room));
        self.head_full = head.len() >= MAX_HEAD_BYTES;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let had_room = buffer.remaining() > 0;
        match ready!(Pin::new(&mut self.stream).poll_read(cx, buffer)) {
            Ok(()) => {
                let read = buffer.filled().get(before..).unwrap_or_default();
                if read.is_empty() && had_room {
                    self.trace.closed.store(true, Ordering::Release);
                } else if !self.head_full {
                    self.note_head(read);
                }
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                self.trace.note_error(&error);
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        if let Err(error) = &written {
            self.trace.note_error(error);
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        if let Err(error) = &flushed {
            self.trace.note_error(error);
        }
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        if let Err(error) = &written {
            self.trace.note_error(error);
        }
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// TLS error within `error`, if there is one.
pub(super) fn tls_error_in(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Locks a mutex. A panic elsewhere leaves records incomplete but never wrong, so poisoning is
/// ignored.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
