//! What a cache may remember from one run to the next.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backstay_destination::Target;
use tokio::time::Instant;

use super::Cache;
use crate::host::Resolution;
use crate::resolve::MAX_RECORDS;

/// Longer than any TTL is believed.
const MAX_TTL: u64 = 7 * 24 * 3600;

/// A resolved host, in times that mean something after a restart.
///
/// As text it is one line: `name:port|end of the TTL in seconds since 1970|TTL in seconds|address,address`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remembered {
    /// `name:port`, in normal form.
    pub host: Arc<str>,
    /// Its addresses, at least one.
    pub addresses: Vec<IpAddr>,
    /// How long they were good for when they were learned.
    pub ttl: Duration,
    /// When their TTL is over.
    pub expires: SystemTime,
}

/// A line is not a remembered host.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RememberedError {
    /// The line does not have the four parts.
    #[error("not of the form NAME:PORT|EXPIRES|TTL|ADDRESSES")]
    Form,
    /// Its host is no name and port in normal form.
    #[error("the host is not a name and port")]
    Host,
    /// A time is no number.
    #[error("a time is not a number of seconds")]
    Time,
    /// An address is none, or there are none or too many.
    #[error("the addresses are not 1 to 1024 IP addresses")]
    Addresses,
}

impl Cache {
    /// The hosts that have addresses, in order of their names.
    #[must_use]
    pub fn remember(&self) -> Vec<Remembered> {
        let (now, clock) = (Instant::now().into_std(), SystemTime::now());
        let views: Vec<_> = self.shared.table().views().collect();
        let mut hosts: Vec<_> = views
            .into_iter()
            .filter_map(|entry| {
                let Resolution::Addresses(addresses) = &*entry.host.resolution() else {
                    return None;
                };
                let (end, ttl) = entry.expires?;
                let expires = match end.checked_duration_since(now) {
                    Some(left) => clock.checked_add(left)?,
                    None => clock.checked_sub(now.saturating_duration_since(end))?,
                };
                let addresses = addresses.iter().map(|address| address.ip()).collect();
                Some(Remembered { host: Arc::clone(&entry.host.key), addresses, ttl, expires })
            })
            .collect();
        hosts.sort_by(|a, b| a.host.cmp(&b.host));
        hosts
    }

    /// Enters hosts that an earlier run remembered, as resolved; each is asked for again within the least refresh rate. Those for
    /// which there is no room, which the address rules deny, or which have been stale for too long are left out.
    ///
    /// Returns how many were entered. The wall clock may have been set meanwhile: what is left of a TTL is taken to be
    /// between none and all of it.
    pub fn recall(&self, hosts: impl IntoIterator<Item = Remembered>) -> usize {
        let (now, clock) = (Instant::now().into_std(), SystemTime::now());
        let mut table = self.shared.table();
        let mut entered = 0;
        for host in hosts {
            // The default port is not used: a host that is remembered has one.
            let Ok(Target::Name(target)) = Target::parse(&host.host, 1) else {
                continue;
            };
            let left = host.expires.duration_since(clock).unwrap_or_default().min(host.ttl);
            let stale = clock.duration_since(host.expires).unwrap_or_default();
            entered += usize::from(table.recall(now, &target, &host.addresses, left, stale));
        }
        drop(table);
        self.shared.changed.notify_one();
        entered
    }
}

impl fmt::Display for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expires = self.expires.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        write!(f, "{}|{expires}|{}|", self.host, self.ttl.as_secs())?;
        for (index, address) in self.addresses.iter().enumerate() {
            write!(f, "{}{address}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Remembered {
    type Err = RememberedError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let mut parts = line.split('|');
        let (Some(host), Some(expires), Some(ttl), Some(addresses), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(RememberedError::Form);
        };
        match Target::parse(host, 1) {
            Ok(Target::Name(target)) if target.key() == host => {}
            _ => return Err(RememberedError::Host),
        }
        let seconds = |text: &str| text.parse::<u64>().map_err(|_| RememberedError::Time);
        let ttl = Duration::from_secs(seconds(ttl)?.min(MAX_TTL));
        let expires = UNIX_EPOCH.checked_add(Duration::from_secs(seconds(expires)?)).ok_or(RememberedError::Time)?;
        let addresses: Vec<IpAddr> = addresses
            .split(',')
            .take(MAX_RECORDS + 1)
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| RememberedError::Addresses)?;
        if addresses.len() > MAX_RECORDS {
            return Err(RememberedError::Addresses);
        }
        Ok(Self { host: host.into(), addresses, ttl, expires })
    }
}
