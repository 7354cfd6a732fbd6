//! Minimal HTTP client that asks a local program whether it is ready: HTTP/1.0, whose answers end with
//! their connection. Own code of ninety lines: a client library has more than the rest of this program.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::Failure;
use crate::progress::Step;
use crate::supervise::Supervisor;

/// Maximum size of an answer, in bytes; the rest is cut off.
const ANSWER_LIMIT_BYTES: u64 = 4 << 20;

/// A status line's number and the body, as text.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Failure of a started program to answer in time.
#[derive(Debug, thiserror::Error)]
#[error("{name} did not answer at `http://127.0.0.1:{port}{path}` within {waited_secs} s ({last})")]
pub(crate) struct NotReady {
    name: &'static str,
    port: u16,
    path: String,
    waited_secs: u64,
    last: String,
}

/// `GET path` at 127.0.0.1.
pub(crate) async fn get(port: u16, path: &str) -> io::Result<Answer> {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        // HTTP/1.0: the answer is not chunked and ends with the connection.
        let request =
            format!("GET {path} HTTP/1.0\r\nHost: localhost:{port}\r\nAccept: */*\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.take(ANSWER_LIMIT_BYTES).read_to_end(&mut bytes).await?;
        parse(&bytes).ok_or_else(|| io::Error::other("not an HTTP answer"))
    };
    timeout(Duration::from_secs(20), ask).await?
}

/// Asks until the answer is 200, and returns its body.
/// Errors: a supervised program has ended, or `limit` has passed.
pub(crate) async fn wait_until_ok(
    step: &mut Step,
    services: &Supervisor,
    name: &'static str,
    (port, path): (u16, &str),
    limit: Duration,
) -> Result<String, Failure> {
    let deadline = Instant::now() + limit;
    loop {
        let last = match get(port, path).await {
            Ok(answer) if answer.status == 200 => return Ok(answer.body),
            Ok(answer) => format!("last answer: {}", answer.status),
            Err(error) => format!("last attempt: {error}"),
        };
        services.check()?;
        if Instant::now() >= deadline {
            let waited_secs = limit.as_secs();
            return Err(NotReady { name, port, path: path.into(), waited_secs, last }.into());
        }
        step.at(&last);
        sleep(Duration::from_millis(200)).await;
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        fn check(bytes: &str, expected: Option<(u16, &str)>) {
            let answer = parse(bytes.as_bytes());
            assert_eq!(answer.as_ref().map(|a| (a.status, a.body.as_str())), expected, "{bytes:?}");
        }
        check("HTTP/1.0 200 OK\r\nA: b\r\n\r\nready", Some((200, "ready")));
        check("HTTP/1.1 503 Service Unavailable\r\n\r\n", Some((503, "")));
        check("HTTP/1.1 200 OK\r\nA: b\r\n\r\none\r\n\r\ntwo", Some((200, "one\r\n\r\ntwo")));
        check("", None);
        check("SSH-2.0-OpenSSH_9.2\r\n\r\n", None);
        check("HTTP/1.1 many OK\r\n\r\n", None);
    }
}
