mod allocations;
mod properties;
mod request;
mod rules;

use request::Example;
