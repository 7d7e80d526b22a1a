use backstay_kube::operations::{Direction, Listed, Order, SortBy};

use super::{Paging, order, size};
use crate::filter::Filter;
use crate::options::Options;

#[test]
fn a_page_has_as_many_as_asked_for_within_the_limits() {
    let options = Options { page_size: 10, max_page_size: 100, ..Options::default() };
    assert_eq!(size(0, &options).unwrap(), 10);
    assert_eq!(size(50, &options).unwrap(), 50);
    assert_eq!(size(5000, &options).unwrap(), 100);
    assert!(size(-1, &options).is_err());
}

#[test]
fn orders_are_read() {
    let created = Order { by: SortBy::Created, direction: Direction::Descending };
    assert_eq!(order("create_time desc").unwrap(), created);
    assert_eq!(order("").unwrap(), Order::default());
    for text in ["size", "name up", "name desc desc", "name, create_time"] {
        assert_eq!(order(text).unwrap_err().causes()[0].field, "order_by", "{text}");
    }
}

#[test]
fn a_token_is_of_one_list() {
    let filter = |labels: &str| Filter { labels: labels.to_owned(), ..Filter::default() };
    let listed = Listed { entries: Vec::new(), revision: 7, next: Some("there".to_owned()) };
    let first = Paging { size: 2, token: "", order_by: "name" };
    let token = first.next(&listed, &filter("a"), "backends");
    let options = Options::default();
    let next = Paging { token: &token, ..first };
    assert_eq!(next.listing(&options, filter("a"), "backends").unwrap().after.as_deref(), Some("there"));
    assert!(next.listing(&options, filter("b"), "backends").is_err());
    assert!(next.listing(&options, filter("a"), "proxies").is_err());
    assert!(Paging { order_by: "create_time", ..next }.listing(&options, filter("a"), "backends").is_err());
    assert!(Paging { token: "nonsense", ..first }.listing(&options, filter("a"), "backends").is_err());
}
