//! Who has followed the link.
//!
//! The link has a token that is good for one browser: whoever follows it gets a cookie that the page cannot read, and another link takes
//! its place. Nobody else on the machine gets in, whatever else they can connect to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::RngExt as _;

/// Browsers that may be in at once; another puts the first of them out.
const MOST: usize = 16;
/// Bytes of a token.
const BYTES: usize = 24;

/// Who is in.
#[derive(Debug)]
pub(crate) struct Sessions {
    address: SocketAddr,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    token: String,
    cookies: VecDeque<String>,
}

impl Sessions {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, inner: Mutex::new(Inner { token: secret(), cookies: VecDeque::new() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The link that lets the next browser in.
    pub(crate) fn link(&self) -> String {
        format!("http://{}/?token={}", self.address, self.lock().token)
    }

    /// Lets in whoever has the token, which is good for nobody after that. Returns the cookie, as it is set.
    pub(crate) fn enter(&self, token: &str) -> Option<String> {
        let mut inner = self.lock();
        if !is_same(token, &inner.token) {
            return None;
        }
        inner.token = secret();
        let cookie = secret();
        let set = format!("{}={cookie}; Path=/; HttpOnly; SameSite=Strict", self.name());
        inner.cookies.push_back(cookie);
        while inner.cookies.len() > MOST {
            inner.cookies.pop_front();
        }
        Some(set)
    }

    /// Whether one of these cookies is that of somebody who is in.
    pub(crate) fn is_in<'c>(&self, headers: impl Iterator<Item = &'c str>) -> bool {
        let name = self.name();
        let inner = self.lock();
        let values = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        values.filter(|(found, _)| *found == name).any(|(_, value)| {
            // All are compared, so that the time tells nothing.
            inner.cookies.iter().fold(false, |is_one, cookie| is_one | is_same(value, cookie))
        })
    }

    /// Browsers do not tell ports apart: each console has a cookie of its own name.
    fn name(&self) -> String {
        format!("backstay_console_{}", self.address.port())
    }
}

fn secret() -> String {
    let bytes: [u8; BYTES] = rand::rng().random();
    bytes.iter().fold(String::with_capacity(2 * BYTES), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    })
}

fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |sum, (one, other)| sum | (one ^ other)) == 0
}

#[cfg(test)]
mod tests;
