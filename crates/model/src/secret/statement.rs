//! What a certificate says of itself.

use std::fmt::Write as _;
use std::time::Duration;

use backstay_destination::HostPattern;
use rustls_pki_types::UnixTime;
use webpki::{EndEntityCert, Error, KeyUsage};

/// What a certificate says of itself, for operators. Nothing of it decides anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its subject, most general part first, such as `O=Example, CN=www.example.com`; of the parts, those that have a usual
    /// abbreviation (RFC 4514, 3). May be empty.
    pub subject: Box<str>,
    /// The DNS names in it.
    pub names: Vec<HostPattern>,
    /// From when on it is valid, since 1970. `None` where it cannot be told.
    pub valid_from: Option<Duration>,
    /// Until when it is valid, since 1970. `None` where it cannot be told.
    pub valid_until: Option<Duration>,
}

impl Statement {
    pub(super) fn of(certificate: &EndEntityCert<'_>) -> Self {
        // The library tells the times of no certificate, save one that is not valid yet, which at the beginning of time none is, or
        // not any more, which at its end none is.
        let at = |moment: u64| {
            let moment = UnixTime::since_unix_epoch(Duration::from_secs(moment));
            certificate.verify_for_usage(&[], &[], &[], moment, KeyUsage::server_auth(), None, None).err()
        };
        let since = |time: UnixTime| Duration::from_secs(time.as_secs());
        Self {
            subject: subject(certificate.subject()).into(),
            names: certificate.valid_dns_names().filter_map(|name| HostPattern::parse(name).ok()).collect(),
            valid_from: match at(0) {
                Some(Error::CertNotValidYet { not_before, .. }) => Some(since(not_before)),
                _ => None,
            },
            valid_until: match at(u64::MAX) {
                Some(Error::CertExpired { not_after, .. }) => Some(since(not_after)),
                _ => None,
            },
        }
    }
}

/// Ends of object identifiers below 2.5.4, with their abbreviations.
const KINDS: [(u8, &str); 6] = [(3, "CN"), (6, "C"), (7, "L"), (8, "ST"), (10, "O"), (11, "OU")];

/// The parts of a name (X.501, RDNSequence) as text. What cannot be read ends it.
fn subject(mut sequence: &[u8]) -> String {
    // Newer versions of the library give the sequence whole, others what is in it.
    if let Some((0x30, inner, [])) = element(sequence) {
        sequence = inner;
    }
    let mut text = String::new();
    while let Some((0x31, mut set, rest)) = element(sequence) {
        sequence = rest;
        while let Some((0x30, pair, more)) = element(set) {
            set = more;
            let Some((0x06, [0x55, 0x04, kind], value)) = element(pair) else { continue };
            let Some((_, name)) = KINDS.iter().find(|(known, _)| known == kind) else { continue };
            let Some((_, value, _)) = element(value) else { continue };
            let gap = if text.is_empty() { "" } else { ", " };
            let value = String::from_utf8_lossy(value);
            let shown = value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
            // To write to a text does not fail.
            let _ = write!(text, "{gap}{name}=");
            text.extend(shown);
        }
    }
    text
}

/// The first element of DER: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, first, rest @ ..] = der else { return None };
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests;
