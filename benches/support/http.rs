//! A blocking HTTP/1.1 client that keeps its connection: enough to drive an API, and cheap.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// What bytes go over.
pub trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// One connection.
pub struct Client {
    stream: BufReader<Box<dyn Stream>>,
    host: String,
    /// Sent with each request.
    token: Option<String>,
}

/// An answer.
pub struct Response {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"));
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self::over(Box::new(stream), &address.to_string(), None)
    }

    /// Over a connection that there is, to a host that is called so, with a token.
    pub fn over(stream: Box<dyn Stream>, host: &str, token: Option<&str>) -> Self {
        let stream = BufReader::with_capacity(64 * 1024, stream);
        Self { stream, host: host.to_owned(), token: token.map(str::to_owned) }
    }

    pub fn get(&mut self, path: &str) -> Response {
        self.send("GET", path, "application/json", "")
    }

    pub fn post(&mut self, path: &str, body: &str) -> Response {
        self.send("POST", path, "application/json", body)
    }

    pub fn put(&mut self, path: &str, body: &str) -> Response {
        self.send("PUT", path, "application/json", body)
    }

    pub fn send(&mut self, method: &str, path: &str, content_type: &str, body: &str) -> Response {
        let (host, token) = (self.host.clone(), self.token.as_ref().map(|token| format!("Bearer {token}")));
        let mut headers = vec![("Host", host.as_str()), ("Content-Type", content_type)];
        headers.extend(token.as_deref().map(|token| ("Authorization", token)));
        self.send_with(method, path, &headers, body)
    }

    /// With these headers, `Host` among them.
    pub fn send_with(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("{method} {path} HTTP/1.1\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all(request.as_bytes()).expect("a request sent");
        self.receive()
    }

    /// Begins a watch; what follows is for [`Client::events`].
    pub fn watch(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.stream.get_mut().write_all(request.as_bytes()).expect("a request sent");
        let status_line = self.line();
        assert!(status_line.contains(" 200 "), "{status_line}");
        while !self.line().is_empty() {}
    }

    /// Reads events of a watch until `count` of them have come, each a line of its own.
    pub fn events(&mut self, count: usize) {
        let (mut seen, mut chunk) = (0, Vec::new());
        while seen < count {
            let size = usize::from_str_radix(&self.line(), 16).expect("a chunk size");
            assert!(size > 0, "the watch ended after {seen} of {count} events");
            chunk.clear();
            self.read_into(&mut chunk, size);
            self.line();
            seen += chunk.iter().filter(|byte| **byte == b'\n').count();
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line of the response");
        line.trim_end().to_owned()
    }

    fn receive(&mut self) -> Response {
        let status_line = self.line();
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("a status line, not {status_line:?}"));
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
        }
        let mut body = Vec::new();
        if chunked {
            loop {
                let size = usize::from_str_radix(&self.line(), 16).expect("a chunk size");
                self.read_into(&mut body, size);
                self.line();
                if size == 0 {
                    break;
                }
            }
        } else {
            self.read_into(&mut body, length);
        }
        Response { status, body }
    }

    fn read_into(&mut self, body: &mut Vec<u8>, length: usize) {
        let start = body.len();
        body.resize(start + length, 0);
        self.stream.read_exact(&mut body[start..]).expect("the body");
    }
}
