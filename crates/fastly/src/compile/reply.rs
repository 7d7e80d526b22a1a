//! How failures are worded, as clients of Fastly know them: always 503, with a page whose title is the reason.

use backstay_proto::config;
use backstay_proto::config::local_reply::Cause;

/// The reason that stands for each cause.
const REASONS: [(Cause, &str); 13] = [
    (Cause::NoDestination, "No default director found"),
    (Cause::BackendUnhealthy, "Backend is unhealthy"),
    (Cause::PoolUnhealthy, "All backends failed or unhealthy"),
    (Cause::QuorumNotReached, "Quorum weight not reached"),
    (Cause::ConnectionLimit, "Backend.max_conn reached"),
    (Cause::ConnectTimeout, "connection timed out"),
    (Cause::ConnectFailure, "Connection refused"),
    (Cause::NameResolution, "Backend host could not be resolved"),
    (Cause::TlsFailure, "SSL handshake error"),
    (Cause::CertificateName, "hostname doesn't match against certificate"),
    (Cause::FirstByteTimeout, "first byte timeout"),
    (Cause::ResponseBroken, "backend read error"),
    (Cause::TotalTimeout, "fetch timeout"),
];

/// The replies to all failures.
pub(super) fn replies() -> Vec<config::LocalReply> {
    REASONS.iter().map(|(cause, reason)| reply(*cause, reason)).collect()
}

fn reply(cause: Cause, reason: &str) -> config::LocalReply {
    config::LocalReply {
        causes: vec![cause.into()],
        status: 503,
        reason: reason.to_owned(),
        content_type: "text/html; charset=utf-8".to_owned(),
        body: page(reason),
    }
}

/// A page with the parts that scripts look for: the title, and the number that Fastly gives all failures of backends.
fn page(reason: &str) -> String {
    let shown = reason.replace('\'', "&#39;");
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\"\n \
         \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\n\
         <html>\n  <head>\n    <title>503 {shown}</title>\n  </head>\n  <body>\n    <h1>Error 503 {shown}</h1>\n    \
         <p>{shown}</p>\n    <h3>Error 54113</h3>\n    <hr>\n    <p>Backstay</p>\n  </body>\n</html>\n"
    )
}
