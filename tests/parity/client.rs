//! A client that writes exactly what it is told and reads one answer.

use std::collections::BTreeSet;
use std::io::{Error, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpSocket;

use crate::harness::PATIENCE;

/// Where requests come from: in place of 127.0.0.1, Envoy would tell upstreams this machine's address in its network.
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77)), 0);

/// A message, as it came.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// The request line or the status line.
    pub first: String,
    /// Header lines, names in lower case, in alphabetical order.
    pub headers: BTreeSet<String>,
    pub body: String,
    pub trailers: Vec<String>,
    /// Why it ended before its end.
    pub broken: Option<String>,
}

/// Sends `request` on a connection of its own. `None` is a connection that ended without a whole answer.
pub async fn exchange(address: SocketAddr, request: &str) -> Option<Message> {
    let exchange = async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(CLIENT).unwrap();
        let stream = socket.connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (reader, mut writer) = stream.into_split();
        let bytes = request.to_owned();
        // The answer may come, and the connection end, before the request is through.
        let sending = tokio::spawn(async move {
            let _ = writer.write_all(bytes.as_bytes()).await;
            writer
        });
        let mut reader = BufReader::new(reader);
        let answer = loop {
            match read(&mut reader, Side::Answer { to_head: request.starts_with("HEAD ") }).await {
                Ok(interim) if interim.status() < 200 => {}
                answer => break answer.ok(),
            }
        };
        sending.abort();
        answer
    };
    tokio::time::timeout(PATIENCE, exchange).await.expect("an answer, or the end of the connection")
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
    message.headers.extend(fields(reader).await?);
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
                message.trailers = fields(reader).await?;
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
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err(Error::other("the connection ended within a line")),
    }
}

async fn fields(reader: &mut (impl AsyncBufRead + Unpin)) -> Result<Vec<String>> {
    let mut fields = Vec::new();
    loop {
        let line = line(reader).await?;
        if line.is_empty() {
            return Ok(fields);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| Error::other("a header without a colon"))?;
        fields.push(format!("{}: {}", name.to_ascii_lowercase(), value.trim()));
    }
}
