//! What goes on of a request.

use backstay_proto::config;
use backstay_proto::config::admission::{Kind, Names};

/// All of it.
pub(super) fn all() -> config::Admission {
    config::Admission { kind: Some(Kind::All(true)) }
}

/// What has these names.
pub(super) fn listed(names: Vec<String>) -> config::Admission {
    config::Admission { kind: Some(Kind::Listed(Names { names })) }
}

/// Headers of these names. What is no name of a header never matches, and is told where the file is checked.
pub(super) fn headers(names: &[String]) -> config::Admission {
    let is_name = |name: &&String| !name.is_empty() && name.bytes().all(backstay_model::is_token);
    let mut listed_names: Vec<String> = names.iter().filter(is_name).map(|name| name.to_ascii_lowercase()).collect();
    listed_names.sort();
    listed_names.dedup();
    listed(listed_names)
}
