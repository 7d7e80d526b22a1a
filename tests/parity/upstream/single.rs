//! HTTP/1.1.

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

use super::{Behaviour, Server};
use crate::client::{Side, read};

/// Serves a connection to its end.
pub(super) async fn talk(server: &Server, stream: impl AsyncRead + AsyncWrite + Unpin, name: String) {
    let mut stream = BufReader::new(stream);
    while let Ok(request) = read(&mut stream, Side::Request).await {
        let behaviour = server.receive(&request);
        if let Behaviour::Write(raw) = behaviour {
            let _ = stream.write_all(raw.as_bytes()).await;
            let _ = stream.shutdown().await;
            return;
        }
        let Some((status, body)) = server.answer(behaviour, &name, &request).await else { return };
        let answer = match status {
            204 | 304 => format!("HTTP/1.1 {status} Status\r\n\r\n"),
            _ => format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
        };
        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}
