use std::time::Duration;

use backstay_limiter::Rate;
use backstay_proto::config::{self, request_rate_limit};
use http::StatusCode;

use super::{RequestLimit, Sharing};
use crate::fault::{Checked, Faults, Together, Within, refuse, unknown};
use crate::scalar::{header_name, positive};

/// How fast tokens gather, and what the bucket is kept by.
pub(in crate::route) fn rate(message: &config::RateLimit) -> Checked<Rate> {
    let tokens = if message.rate > 0.0 && message.rate.is_finite() {
        Ok(message.rate)
    } else {
        refuse("rate", "must be a number above 0")
    };
    let capacity = match message.capacity {
        0 => refuse("capacity", "must be at least 1"),
        capacity => Ok(capacity),
    };
    let key = if message.key.is_empty() { refuse("key", "must be set") } else { Ok(()) };
    let ((), tokens, every, capacity) = (key, tokens, positive("every", message.every), capacity).together()?;
    Ok(Rate::new(tokens, every.unwrap_or(Duration::from_secs(1)), capacity))
}

impl TryFrom<&config::RequestRateLimit> for RequestLimit {
    type Error = Faults;

    fn try_from(message: &config::RequestRateLimit) -> Checked<Self> {
        let limit = match &message.limit {
            None => refuse("limit", "must be set"),
            Some(limit) => rate(limit).map(|rate| (limit.key.as_str().into(), rate)).within("limit"),
        };
        let status = match message.status {
            0 => Ok(StatusCode::TOO_MANY_REQUESTS),
            status => match u16::try_from(status).ok().filter(|status| (400..=599).contains(status)) {
                Some(status) => StatusCode::from_u16(status).or_else(|_| unknown("status")),
                None => refuse("status", "must be from 400 to 599, or 0 for 429"),
            },
        };
        let ((key, rate), sharing, status) = (limit, sharing(message), status).together()?;
        Ok(Self { key, rate, sharing, status })
    }
}

fn sharing(message: &config::RequestRateLimit) -> Checked<Sharing> {
    use request_rate_limit::Client;
    let address_header = match message.address_header.as_str() {
        "" => None,
        name if matches!(message.client, Some(Client::Address(true))) => Some(header_name("address_header", name)?),
        _ => return refuse("address_header", "needs address"),
    };
    match &message.client {
        None => unknown("client"),
        Some(Client::Everyone(true)) => Ok(Sharing::Everyone),
        Some(Client::Address(true)) => Ok(Sharing::Address(address_header)),
        Some(Client::Everyone(false)) => refuse("everyone", "must be true"),
        Some(Client::Address(false)) => refuse("address", "must be true"),
        Some(Client::Header(name)) => header_name("header", name).map(Sharing::Header),
        Some(Client::Parameter(name)) if name.is_empty() => refuse("parameter", "must be the name of a variable"),
        Some(Client::Parameter(name)) => Ok(Sharing::Parameter(name.as_str().into())),
    }
}
