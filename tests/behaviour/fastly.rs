//! The Fastly API, as its own clients use it.

mod activation;
mod command;
mod import;
mod lists;
mod parts;
mod python;
mod tokens;
mod traffic;
mod under_load;
mod versions;
mod writers;
