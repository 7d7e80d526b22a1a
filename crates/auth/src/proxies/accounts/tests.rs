use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use backstay_resources::Timestamp;

use super::{Account, Accounts};
use crate::authenticator::ReviewToken;
use crate::failures::FailureLimits;
use crate::{Denied, NotProved, Peer, Proxies, Tokens, TrustDomain, User};

/// Knows the tokens `a.NAME.c`, until they are taken back.
#[derive(Debug, Default)]
struct Cluster {
    asked: AtomicUsize,
    away: AtomicBool,
    gone: Mutex<Vec<String>>,
}

impl ReviewToken for Cluster {
    fn review<'a>(&'a self, token: &'a str) -> Pin<Box<dyn Future<Output = Result<Arc<User>, Denied>> + Send + 'a>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let outcome = if self.away.load(Ordering::Relaxed) {
            Err(Denied::Unavailable)
        } else if token == "x.y.z" || self.gone.lock().unwrap().contains(&token.to_owned()) {
            Err(Denied::Unknown)
        } else {
            let name = token.split('.').nth(1).unwrap();
            Ok(Arc::new(User::named(format!("system:serviceaccount:backstay:{name}"))))
        };
        Box::pin(async { outcome })
    }
}

fn proxies(cluster: &Arc<Cluster>) -> Proxies {
    let listed: Vec<Account> =
        ["backstay/edge=edge", "backstay/both=edge", "backstay/both=inner"].map(|text| text.parse().unwrap()).into();
    let accounts = Accounts::new(&listed, cluster.clone(), FailureLimits::default());
    Proxies::new(Tokens::any(), TrustDomain::default()).with_accounts(Some(accounts))
}

fn peer(last: u8) -> Peer {
    Peer { address: SocketAddr::from(([192, 0, 2, last], 1)), certificate: None }
}

#[tokio::test]
async fn an_account_joins_the_fleets_that_are_listed_for_it_and_no_other() {
    let proxies = proxies(&Arc::default());
    let admit = async |token| proxies.admit(&peer(1), Some(token), Timestamp::from_second(0)).await;
    let edge = admit("a.edge.c").await.unwrap();
    assert_eq!(edge.name(), "system:serviceaccount:backstay:edge");
    assert!(edge.may_join("edge") && !edge.may_join("inner"));
    assert_eq!(edge.fleet_of_certificate(), None);
    let both = admit("a.both.c").await.unwrap();
    assert!(both.may_join("edge") && both.may_join("inner"));
    let other = admit("a.other.c").await.unwrap_err();
    assert_eq!(other, NotProved::Account("system:serviceaccount:backstay:other".to_owned()));
    assert_eq!(admit("x.y.z").await.unwrap_err(), NotProved::Token(Denied::Unknown));
    assert!(matches!(proxies.admit(&peer(1), None, Timestamp::from_second(0)).await, Err(NotProved::Missing)));
}

#[tokio::test]
async fn what_was_taken_back_holds_no_more_but_a_cluster_that_is_away_ends_nothing() {
    let cluster = Arc::new(Cluster::default());
    let proxies = proxies(&cluster);
    let now = Timestamp::from_second(0);
    let edge = proxies.admit(&peer(1), Some("a.edge.c"), now).await.unwrap();
    cluster.away.store(true, Ordering::Relaxed);
    assert_eq!(proxies.holds(&edge, now).await, Ok(()));
    let late = proxies.admit(&peer(2), Some("a.edge.c"), now).await.unwrap_err();
    assert_eq!(late, NotProved::Token(Denied::Unavailable));
    cluster.away.store(false, Ordering::Relaxed);
    cluster.gone.lock().unwrap().push("a.edge.c".to_owned());
    assert_eq!(proxies.holds(&edge, now).await, Err(NotProved::Token(Denied::Unknown)));
}

#[tokio::test]
async fn the_cluster_is_not_asked_about_everything() {
    let cluster = Arc::new(Cluster::default());
    let proxies = proxies(&cluster);
    let now = Timestamp::from_second(0);
    for token in ["", "opaque", "a.b", "a.b.c.d", &format!("a.{}.c", "b".repeat(16 << 10))] {
        assert!(proxies.admit(&peer(1), Some(token), now).await.is_err());
    }
    assert_eq!(cluster.asked.load(Ordering::Relaxed), 0);
    let limits = FailureLimits::default();
    for _ in 0..limits.free {
        assert!(proxies.admit(&peer(2), Some("x.y.z"), now).await.is_err());
    }
    let asked = cluster.asked.load(Ordering::Relaxed);
    let refused = proxies.admit(&peer(2), Some("x.y.z"), now).await.unwrap_err();
    assert_eq!(refused, NotProved::Token(Denied::TooMany));
    assert_eq!(cluster.asked.load(Ordering::Relaxed), asked);
    assert!(proxies.admit(&peer(3), Some("a.edge.c"), now).await.is_ok(), "others are not kept out");
}

#[test]
fn what_names_no_account_is_refused() {
    for text in
        ["", "edge", "backstay/edge", "backstay=edge", "/edge=edge", "backstay/=edge", "backstay/edge=", "B/e=f"]
    {
        assert!(text.parse::<Account>().is_err(), "{text}");
    }
}
