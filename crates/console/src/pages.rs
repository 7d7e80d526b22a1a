//! The pages, one by one.

pub(crate) mod about;
pub(crate) mod create;
pub(crate) mod delete;
mod draft;
pub(crate) mod edit;
pub(crate) mod explain;
pub(crate) mod fastly;
pub(crate) mod krakend;
pub(crate) mod object;
pub(crate) mod objects;
pub(crate) mod overview;
mod rows;
pub(crate) mod traffic;
mod uses;
