//! Manifests: files of objects, as YAML or JSON, with the line that each field is on.

mod document;
mod krakend;
mod problem;
mod source;

pub(crate) use self::document::Document;
pub(crate) use self::krakend::{KrakendArgs, Unknown};
pub(crate) use self::problem::Problem;
pub(crate) use self::source::{FileArgs, KrakendFile, Manifests};
