//! A hit does not allocate.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use backstay_dns_cache::{Answer, Cache, Family, Found, RecordKind, Resolve, ServiceAnswer, Settings, Target};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

struct Always;

impl Resolve for Always {
    fn query(&self, _: Arc<str>, _: RecordKind) -> BoxFuture<'_, Answer> {
        let answer = Answer::Addresses(vec!["10.0.0.1".parse().unwrap()], Duration::from_secs(3600));
        async { answer }.boxed()
    }

    fn services(&self, _: Arc<str>) -> BoxFuture<'_, ServiceAnswer> {
        async { ServiceAnswer::Empty("nxdomain".into()) }.boxed()
    }
}

#[tokio::test]
async fn a_hit_does_not_allocate_however_the_name_is_spelled() {
    let settings = Settings { family: Family::V4Only, max_hosts: 2000, ..Settings::default() };
    let cache = Cache::new(settings, Arc::new(Always), &Handle::current()).unwrap();
    for n in 0..1000 {
        cache.lookup(&format!("host{n}.example.com"), 443).await.unwrap();
    }
    let mut found = 0;
    let counted = allocation_counter::measure(|| {
        for authority in ["host7.example.com", "HOST999.Example.com.:443", "host0.example.com:00443"] {
            let Ok(target) = Target::parse(authority, 443) else { continue };
            if let Found::Known(Ok(addresses)) = cache.find(&target) {
                found += addresses.len();
            }
        }
    });
    assert_eq!((found, counted.count_total), (3, 0));
    // The counter counts: a literal is answered with a list of its own.
    let literal = Target::parse("10.0.0.1", 443).unwrap();
    assert_eq!(allocation_counter::measure(|| drop(cache.find(&literal))).count_total, 1);
}
