//! The Fastly API, as its own clients use it.

mod activation;
mod beyond;
mod command;
mod import;
mod lists;
mod parts;
mod python;
mod terraform;
mod tokens;
mod traffic;
mod under_load;
mod versions;
mod world;
mod writers;
