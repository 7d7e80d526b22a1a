//! A client of the Fastly API.

use std::net::SocketAddr;

use crate::support::http::Client;

/// Sends JSON, and wants it done.
pub struct Api {
    client: Client,
    host: String,
}

impl Api {
    pub fn connect(address: SocketAddr) -> Self {
        Self { client: Client::connect(address), host: address.to_string() }
    }

    /// Returns the answer's body.
    pub fn send(&mut self, method: &str, path: &str, body: &str) -> String {
        let headers = [("Host", self.host.as_str()), ("Fastly-Key", "any"), ("Content-Type", "application/json")];
        let answer = self.client.send_with(method, path, &headers, body);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{method} {path}: {text}");
        text
    }

    /// Makes a service, and returns its path.
    pub fn service(&mut self, name: &str) -> String {
        let made = self.send("POST", "/service", &format!(r#"{{"name":"{name}"}}"#));
        let id = made.split(r#""id":""#).nth(1).and_then(|rest| rest.split('"').next()).expect("an identifier");
        format!("/service/{id}")
    }
}
