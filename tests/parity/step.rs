//! What happens in a row, and what is seen of it.

use std::time::Duration;

use hickory_proto::rr::RecordType;

use crate::dns::Reply;
use crate::places::Places;
use crate::upstream::Behaviour;

/// One thing that happens. Each yields one line of what was seen, which may be empty.
#[derive(Debug, Clone)]
pub enum Step {
    /// GET with this authority. Seen: status, flag, details without what is in braces after a bar, body.
    Get(&'static str),
    /// A request as written, but for `{id}`, which becomes a `user-agent` line. Seen: as for `Get`, and trailers.
    Raw(&'static str),
    /// The same, but seen without what the access log says: there may be no line of it.
    Unlogged(&'static str),
    /// The same, but seen with the header lines of the answer.
    Head(&'static str),
    /// The same, but seen with flag, details and the header lines of the answer, without those that Envoy adds to all.
    Whole(&'static str),
    /// The same, but seen are the names of the answer's headers, as they were written.
    Names(&'static str),
    /// A request as for `Raw`, whose client leaves when an upstream has received it. Seen: what the access log says.
    Leave(&'static str),
    /// A request as for `Raw`, over HTTP/2. Seen: as for `Raw`.
    Http2(&'static str),
    /// The same, but seen with the header lines of the answer as well.
    Http2Head(&'static str),
    /// POST of so many bytes to this authority.
    Post(usize, &'static str),
    /// As many GETs at once. Seen: how often each answer came.
    Burst(usize, &'static str),
    /// As many GETs one after the other. Seen: how often each status with its body came.
    Count(usize, &'static str),
    /// The same, in tens of percent.
    Shares(usize, &'static str),
    /// As many of these requests, as for `Raw`, one after the other. Seen: how many different answers came.
    Kinds(usize, &'static str),
    /// As many requests, each with another value of the header `x-key`. Seen: how many of them went to another upstream than the one
    /// where this way places them by a hash of its address and port.
    Misplaced(usize, Places),
    /// Seen: how many requests upstreams have received so far.
    Received,
    /// Seen: addresses of the upstreams that connections were made to since the last step of this kind, in order.
    Connected,
    /// Waits for a request to the upstream on this address that was not seen before. Seen: this request.
    Got(&'static str),
    /// The upstream on this address does this from now on.
    Behave(&'static str, Behaviour),
    /// GETs, one after the other, until the answer is this.
    Until(&'static str, &'static str),
    /// The same, until twenty in a row were answered with something else.
    UntilGone(&'static str, &'static str),
    /// GET, without waiting for the answer.
    Begin(&'static str),
    /// Waits for the answer to the first `Begin` that has not been waited for.
    End,
    /// DNS answers differently from now on.
    Change(&'static str, RecordType, Reply),
    /// Waits until so many questions of this type have come since the last step that saw questions.
    Await(RecordType, usize),
    /// Seen: the types that were asked since the last step that saw questions. Those that were only sent again count once.
    Asked,
    /// The same, in alphabetical order: what is asked at once has no other.
    AskedAtOnce,
    /// The types in the order they were asked, each packet counted.
    Packets,
    /// Waits for so many further questions of this type. Seen: the whole seconds from each to the next.
    Every(RecordType, usize),
    /// Looks away from questions that came so far.
    Forget,
    /// Lets time pass.
    Pass(Duration),
    /// Upstreams end all connections that are open.
    HangUp,
    /// Waits until what is counted for the row under this name is this: some things are only counted after the answer that
    /// they are about. Names are without `envoy_cluster_` and `envoy_dns_cache_NAME_`.
    Counted(&'static str, u64),
    /// Seen: what is counted for the row under names that both have, but for zeros and what is left of limits.
    Counts,
    /// Seen: all that is exported for Prometheus under Envoy's names, as it is.
    Exported,
}
