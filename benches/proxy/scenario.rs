//! What is measured.

use crate::UPSTREAM;

/// How many routes, backends or names the larger scenarios have.
pub const MANY: usize = 1000;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// One route to one backend.
    Plain,
    /// A thousand routes by path, each to a backend of its own.
    Routes,
    /// One backend over TLS, verified.
    Tls,
    /// The request names the host, out of a thousand.
    Dynamic,
}

/// Requests of one kind.
pub struct Load {
    /// Size of the answers.
    pub body: &'static str,
    /// Script for wrk.
    pub script: String,
}

impl Scenario {
    pub const ALL: [Self; 4] = [Self::Plain, Self::Routes, Self::Tls, Self::Dynamic];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Routes => "routes",
            Self::Tls => "tls",
            Self::Dynamic => "dynamic",
        }
    }

    pub fn loads(self) -> Vec<Load> {
        let one = |path: &str| format!("wrk.path = '{path}'\nwrk.headers['Host'] = 'upstream.test'\n");
        let many = |request: &str| {
            format!(
                "local n = 0\nlocal all = {{}}\ninit = function()\n  for i = 0, {MANY} - 1 do all[i] = {request} end\nend\n\
                     request = function() n = (n + 1) % {MANY}; return all[n] end\n"
            )
        };
        match self {
            Self::Plain | Self::Tls => {
                vec![Load { body: "128 B", script: one("/small") }, Load { body: "64 KiB", script: one("/large.bin") }]
            }
            Self::Routes => {
                vec![Load {
                    body: "128 B",
                    script: many("wrk.format('GET', '/r' .. i .. '/x', {Host = 'upstream.test'})"),
                }]
            }
            Self::Dynamic => {
                let request = format!("wrk.format('GET', '/', {{Host = 'h' .. i .. '.test:{UPSTREAM}'}})");
                vec![Load { body: "128 B", script: many(&request) }]
            }
        }
    }
}
