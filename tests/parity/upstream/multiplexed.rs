//! HTTP/2.

use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::task::JoinSet;

use super::{Behaviour, Server};
use crate::client::{Message, Side, fields, read, receive};

/// Serves a connection to its end.
pub(super) async fn talk(server: &Server, stream: impl AsyncRead + AsyncWrite + Unpin, name: String) {
    if let Behaviour::Frames(frames) = server.behaviour_next() {
        // A proxy that has read enough hangs up.
        let _ = write(server, stream, frames).await;
        return;
    }
    let mut builder = Builder::new();
    if let Some(streams) = server.speech.streams {
        builder.max_concurrent_streams(streams);
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
    let mut streams = JoinSet::new();
    loop {
        let request = tokio::select! {
            request = connection.accept() => request,
            Some(ended) = streams.join_next() => match ended {
                Ok(Next::Serve) | Err(_) => continue,
                Ok(Next::GoAway) => {
                    connection.graceful_shutdown();
                    continue;
                }
                // The stream is held until then: without it, it would be reset.
                Ok(Next::Close(stream)) => return drop((connection, stream)),
            },
        };
        let Some(Ok((request, respond))) = request else { return };
        streams.spawn(serve(server.clone(), request, respond, name.clone()));
    }
}

/// What becomes of a connection after a request.
enum Next {
    Serve,
    GoAway,
    Close(SendResponse<Bytes>),
}

async fn serve(server: Server, request: Request<RecvStream>, mut respond: SendResponse<Bytes>, name: String) -> Next {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("*", |path| path.as_str());
    let mut request = Message { first: format!("{} {path} HTTP/2", head.method), ..Message::default() };
    request.headers = fields(&head.headers).collect();
    request.headers.extend(head.uri.authority().map(|authority| format!(":authority: {authority}")));
    request.headers.extend(head.uri.scheme().map(|scheme| format!(":scheme: {scheme}")));
    receive(body, &mut request).await;
    let behaviour = server.receive(&request);
    match behaviour {
        Behaviour::Close | Behaviour::Abort => return Next::Close(respond),
        Behaviour::Reset(code) => respond.send_reset(Reason::from(code)),
        Behaviour::Write(raw) => send(raw, respond).await,
        other => {
            if let Some((status, body)) = server.answer(other, &name, &request).await {
                let head = Response::builder().status(status).body(()).unwrap();
                let _ = respond.send_response(head, false).and_then(|mut stream| stream.send_data(body.into(), true));
            }
        }
    }
    if let Behaviour::GoAway = behaviour { Next::GoAway } else { Next::Serve }
}

/// Sends an answer that is written as in HTTP/1.1, with its interim ones and trailers.
async fn send(raw: &str, mut respond: SendResponse<Bytes>) {
    let mut reader = BufReader::new(raw.as_bytes());
    loop {
        let message = read(&mut reader, Side::Answer { to_head: false }).await.unwrap();
        let headers = message.headers.iter().filter(|line| !line.starts_with("transfer-encoding: "));
        let mut head = Response::builder().status(message.status());
        for line in headers {
            let (name, value) = line.split_once(": ").unwrap();
            head = head.header(name, value);
        }
        let head = head.body(()).unwrap();
        if message.status() < 200 {
            let _ = respond.send_informational(head);
            continue;
        }
        let ends = message.body.is_empty() && message.trailers.is_empty();
        let Ok(mut stream) = respond.send_response(head, ends) else { return };
        if !message.body.is_empty() {
            let _ = stream.send_data(message.body.into(), message.trailers.is_empty());
        }
        if !message.trailers.is_empty() {
            let trailers = message.trailers.iter().map(|line| line.split_once(": ").unwrap());
            let trailers = trailers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            let _ = stream.send_trailers(trailers);
        }
        return;
    }
}

/// Length of what a client sends first.
const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;

/// Agrees to all settings, and answers a head with `frames`.
async fn write(server: &Server, mut stream: impl AsyncRead + AsyncWrite + Unpin, frames: &[u8]) -> std::io::Result<()> {
    stream.read_exact(&mut [0; PREFACE]).await?;
    stream.write_all(&[0, 0, 0, SETTINGS, 0, 0, 0, 0, 0]).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).await?;
        match (head[3], head[4]) {
            (SETTINGS, 0) => stream.write_all(&[0, 0, 0, SETTINGS, 1, 0, 0, 0, 0]).await?,
            (HEADERS, _) => {
                server.receive(&Message::default());
                stream.write_all(frames).await?;
            }
            _ => {}
        }
        stream.flush().await?;
    }
}
