//! Every kind of part that there is.

use super::shape::Shape;
use super::{
    acl, backend, cache_settings, condition, dictionary, director, domain, gzip, header, healthcheck, request_settings,
    response_object, snippet, vcl,
};

/// Every kind of part that a version has a list of, save log endpoints, which have a path for each kind of them.
pub static SHAPES: &[&Shape] = &[
    &backend::SHAPE,
    &domain::SHAPE,
    &healthcheck::SHAPE,
    &condition::SHAPE,
    &director::SHAPE,
    &header::SHAPE,
    &request_settings::SHAPE,
    &response_object::SHAPE,
    &gzip::SHAPE,
    &cache_settings::SHAPE,
    &acl::SHAPE,
    &dictionary::SHAPE,
    &vcl::SHAPE,
    &snippet::SHAPE,
];

/// The kind that paths call so.
#[must_use]
pub fn shape_of(segment: &str) -> Option<&'static Shape> {
    SHAPES.iter().copied().find(|shape| shape.segment == segment)
}
