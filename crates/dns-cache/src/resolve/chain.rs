//! The records of a name in an answer, through its aliases (RFC 1034 3.6.2).

use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

#[cfg(test)]
mod tests;

/// A longer TTL is taken for this one: what was meant for ever is looked at again within a day.
const MAX_TTL: u32 = 24 * 60 * 60;
/// Aliases that one answer may lead through. Each is looked for among all records: an answer that is nothing but a long chain would
/// otherwise take seconds to follow.
const MAX_ALIASES: usize = 16;

/// What an answer says about a name.
#[derive(Debug, PartialEq)]
pub(super) enum Led<'a> {
    /// Its records, of the type asked for.
    To(Vec<&'a RData>),
    /// It is another name, of which the answer has no such records, or to which it leads through too many others.
    On(Name),
    /// The name, or that which it leads to, does not exist.
    NoName,
    /// It exists, and has no such record.
    NoData,
}

/// Follows `name` through `answer` to its records of type `kind`. With it the least TTL of the records on the way.
///
/// Records of other names do not count, wherever they are; nor does any beside the word that there is no such name.
pub(super) fn follow<'a>(answer: &'a Message, name: &Name, kind: RecordType) -> (Led<'a>, Duration) {
    if answer.metadata.response_code == ResponseCode::NXDomain {
        // It is about the last name of the chain (RFC 6604), which is the one that was to be found.
        return (Led::NoName, seconds(MAX_TTL));
    }
    let mut current = name;
    let mut least = MAX_TTL;
    // Those which lead around end as well.
    for aliases in 0.. {
        let of_name = || answer.answers.iter().filter(|record| record.name == *current);
        let found: Vec<_> = of_name().filter(|record| record.record_type() == kind).collect();
        if !found.is_empty() {
            least = found.iter().map(|record| ttl(record.ttl)).fold(least, u32::min);
            return (Led::To(found.into_iter().map(|record| &record.data).collect()), seconds(least));
        }
        let alias = of_name().find_map(|record| match &record.data {
            RData::CNAME(target) => Some((&target.0, record.ttl)),
            _ => None,
        });
        let Some((target, its_ttl)) = alias.filter(|_| aliases < MAX_ALIASES) else {
            break;
        };
        current = target;
        least = least.min(ttl(its_ttl));
    }
    let led = if current == name { Led::NoData } else { Led::On(current.clone()) };
    (led, seconds(least))
}

/// A TTL with the highest bit set is none (RFC 2181 8).
fn ttl(ttl: u32) -> u32 {
    if ttl > i32::MAX.cast_unsigned() { 0 } else { ttl }
}

fn seconds(ttl: u32) -> Duration {
    Duration::from_secs(ttl.into())
}
