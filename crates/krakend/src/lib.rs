//! The KrakenD dialect: a `krakend.json`, read, checked and resolved to what it asks for.
//!
//! KrakenD takes much that has no effect: four of ten configurations in public have keys that it ignores. Here everything has a
//! place and a word: what KrakenD refuses is an error in KrakenD's own words, what it drops in silence is a warning, and what this
//! version of Backstay does not serve is said to be so.
//!
//! # Layout
//!
//! - [`document`]: JSON, YAML and TOML as one tree of values with their places; `template` is what must be rendered first.
//! - `weak`, `object`, `duration`: how fields are read, whatever their case and nearly whatever their type.
//! - [`namespace`]: the components of `extra_config`, one table with what becomes of each.
//! - `config`: the configuration as it is written.
//! - `resolve`: from there to the [`plan`], by KrakenD's defaults and checks.
//! - `check`: what its owner may not mean.
//! - `compile`: what proxies are given for it.
//! - [`kind`]: the object of the API that has a configuration. [`KrakendFrontEnd`]: these objects, as they change.
//! - [`migrate`]: from version 2 to version 3.
//!
//! No I/O: files that a configuration names are not opened.

mod check;
mod compile;
mod config;
pub mod document;
mod duration;
mod front_end;
mod hint;
pub mod kind;
pub mod migrate;
pub mod namespace;
mod object;
mod place;
pub mod plan;
mod problem;
mod quote;
mod recognise;
mod resolve;
mod template;
mod weak;
mod write;

pub use self::check::{Checked, Options, UnknownExtraConfig, check};
pub use self::compile::{ConfigName, File, Files, Input, Product, backend_of};
pub use self::front_end::KrakendFrontEnd;
pub use self::place::{At, Place};
pub use self::problem::{Cause, MAX_PROBLEMS, Problem, Severity};
pub use self::recognise::is_configuration;

/// The version that is read.
pub const VERSION: i64 = 3;
