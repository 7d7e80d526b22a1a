//! Who may do what at the API: with every kind of credential, at every route, by every client.

mod audit;
mod clients;
mod looking;
mod matrix;
mod setting;
