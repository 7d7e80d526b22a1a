//! A client that writes exactly what it is told and reads one answer. Over HTTP/2 it sends the same request in frames.

use std::collections::BTreeSet;
use std::io::{Error, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use h2::RecvStream;
use http::{HeaderMap, Request, Uri};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

/// Where requests come from: in place of 127.0.0.1, Envoy would tell upstreams this machine's address in its network.
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77)), 0);

/// A message, as it came.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// The request line or the status line.
    pub first: String,
    /// Header lines, names in lower case, in alphabetical order.
    pub headers: BTreeSet<String>,
    /// Names of headers as they were written.
    pub names: BTreeSet<String>,
    pub body: String,
    pub trailers: Vec<String>,
    /// Statuses of interim answers that came before.
    pub interim: Vec<u16>,
    /// Why it ended before its end.
    pub broken: Option<String>,
}

/// Sends `request` on a connection of its own. `None` is a connection that ended without a whole answer.
pub async fn exchange(address: SocketAddr, request: &str) -> Option<Message> {
    let (reader, mut writer) = connect(address).await.into_split();
    let bytes = request.to_owned();
    // The answer may come, and the connection end, before the request is through.
    let sending = tokio::spawn(async move {
        let _ = writer.write_all(bytes.as_bytes()).await;
        writer
    });
    let mut reader = BufReader::new(reader);
    let mut interim = Vec::new();
    let answer = loop {
        match read(&mut reader, Side::Answer { to_head: request.starts_with("HEAD ") }).await {
            // The last of its connection: what follows is no HTTP.
            Ok(answer) if answer.status() < 200 && answer.status() != 101 => interim.push(answer.status()),
            answer => break answer.ok().map(|answer| Message { interim, ..answer }),
        }
    };
    sending.abort();
    answer
}

/// Sends `request` on a connection of its own, and ends that once `gone` is over.
pub async fn abandon(address: SocketAddr, request: &str, gone: impl Future<Output = ()>) {
    let mut stream = connect(address).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    gone.await;
}

async fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(CLIENT).unwrap();
    let stream = socket.connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends `request`, written as in HTTP/1.1, over HTTP/2 on a connection of its own. `None` is a stream or a connection that
/// ended without an answer's head.
pub async fn exchange_http2(address: SocketAddr, request: &str) -> Option<Message> {
    let mut reader = BufReader::new(request.as_bytes());
    let message = read(&mut reader, Side::Request).await.unwrap();
    let (head, body, trailers) = in_frames(message);
    let (client, connection) = h2::client::handshake(connect(address).await).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.ok()?;
    let ends = body.is_empty() && trailers.is_empty();
    let (response, mut stream) = client.send_request(head, ends).ok()?;
    // An answer may come before the request is through.
    if !body.is_empty() {
        let _ = stream.send_data(body, trailers.is_empty());
    }
    if !trailers.is_empty() {
        let _ = stream.send_trailers(trailers);
    }
    let (head, body) = response.await.ok()?.into_parts();
    let mut answer = Message { first: format!("HTTP/2 {}", head.status), ..Message::default() };
    answer.headers = fields(&head.headers).collect();
    receive(body, &mut answer).await;
    connection.abort();
    Some(answer)
}

fn in_frames(message: Message) -> (Request<()>, Bytes, HeaderMap) {
    let mut words = message.first.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let authority = message.header("host").unwrap_or_default();
    let uri = Uri::builder().scheme("http").authority(authority).path_and_query(path).build().unwrap();
    let mut head = Request::builder().method(method).uri(uri);
    for line in &message.headers {
        let (name, value) = line.split_once(": ").unwrap();
        if !["host", "transfer-encoding"].contains(&name) {
            head = head.header(name, value);
        }
    }
    let trailers = message.trailers.iter().map(|line| line.split_once(": ").unwrap());
    let trailers = trailers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    (head.body(()).unwrap(), message.body.into(), trailers)
}

/// Headers of HTTP/2 in lines.
pub fn fields(headers: &HeaderMap) -> impl Iterator<Item = String> {
    headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
}

/// Reads what follows a head in HTTP/2.
pub async fn receive(mut body: RecvStream, message: &mut Message) {
    let mut all = Vec::new();
    while let Some(part) = body.data().await {
        match part {
            Ok(part) => {
                let _ = body.flow_control().release_capacity(part.len());
                all.extend(part);
            }
            Err(error) => {
                message.broken = Some(error.to_string());
                break;
            }
        }
    }
    message.body = String::from_utf8(all).unwrap();
    if message.broken.is_none() {
        match body.trailers().await {
            Ok(trailers) => message.trailers = trailers.iter().flat_map(fields).collect(),
            Err(error) => message.broken = Some(error.to_string()),
        }
    }
}

/// Which message is read: they end differently.
#[derive(Debug, Clone, Copy)]
pub enum Side {
    Request,
    Answer { to_head: bool },
}

impl Message {
    /// Status of an answer.
    pub fn status(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Reads one message of HTTP/1.
pub async fn read(reader: &mut (impl AsyncBufRead + Unpin), side: Side) -> Result<Message> {
    let mut message = Message { first: line(reader).await?, ..Message::default() };
    for (name, value) in read_fields(reader).await? {
        message.headers.insert(format!("{}: {value}", name.to_ascii_lowercase()));
        message.names.insert(name);
    }
    let status = message.status();
    let bodiless = match side {
        Side::Request => false,
        Side::Answer { to_head } => to_head || status < 200 || status == 204 || status == 304,
    };
    let mut body = Vec::new();
    if !bodiless {
        let until_end = matches!(side, Side::Answer { .. });
        message.broken =
            read_body(reader, &mut message, &mut body, until_end).await.err().map(|error| error.to_string());
    }
    message.body = String::from_utf8(body).map_err(Error::other)?;
    Ok(message)
}

async fn read_body(
    reader: &mut (impl AsyncBufRead + Unpin),
    message: &mut Message,
    body: &mut Vec<u8>,
    until_end: bool,
) -> Result<()> {
    if message.header("transfer-encoding").is_some() {
        loop {
            let size = u64::from_str_radix(&line(reader).await?, 16).map_err(Error::other)?;
            if size == 0 {
                let trailers = read_fields(reader).await?.into_iter();
                message.trailers =
                    trailers.map(|(name, value)| format!("{}: {value}", name.to_ascii_lowercase())).collect();
                return Ok(());
            }
            exactly(reader, size, body).await?;
            line(reader).await?;
        }
    }
    match message.header("content-length") {
        Some(length) => exactly(reader, length.parse().map_err(Error::other)?, body).await,
        None if until_end => reader.read_to_end(body).await.map(drop),
        None => Ok(()),
    }
}

async fn exactly(reader: &mut (impl AsyncBufRead + Unpin), size: u64, body: &mut Vec<u8>) -> Result<()> {
    let read = reader.take(size).read_to_end(body).await?;
    if read as u64 == size { Ok(()) } else { Err(Error::other("the connection ended within the body")) }
}

async fn line(reader: &mut (impl AsyncBufRead + Unpin)) -> Result<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).await?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None => Err(Error::other("the connection ended within a line")),
    }
}

async fn read_fields(reader: &mut (impl AsyncBufRead + Unpin)) -> Result<Vec<(String, String)>> {
    let mut fields = Vec::new();
    loop {
        let line = line(reader).await?;
        if line.is_empty() {
            return Ok(fields);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| Error::other("a header without a colon"))?;
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
}
