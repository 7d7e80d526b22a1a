//! What processes on one cluster tell each other, and which of them leads.

use std::time::Duration;

use backstay_store::{Etcd, EtcdOptions, Expect, Replicas, Store};
use bytes::Bytes;

use super::options;
use crate::etcd_process::{Cluster, blocking, program};
use crate::fixture::{done, put};

/// What is told, and who leads, changes until this holds.
async fn heard(replica: &dyn Replicas, holds: impl Fn(&dyn Replicas) -> bool) {
    let mut heard = replica.heard();
    while !holds(replica) {
        heard.changed().await.unwrap();
    }
}

fn word(replica: &dyn Replicas, of: &dyn Replicas) -> Option<Bytes> {
    replica.words().get(of.name())?.get("at").cloned()
}

with_etcd! {
    each_process_hears_what_the_others_tell_and_forgets_it_when_they_go(cluster: 1) {
        let named = |name: &str| EtcdOptions {
            replica: Some(name.to_owned()),
            replica_ttl: Duration::from_secs(2),
            ..options(&cluster)
        };
        let (first, second) = (Etcd::open(named("cp")).await.unwrap(), Etcd::open(named("cp")).await.unwrap());
        let (one, other) = (first.replicas().unwrap(), second.replicas().unwrap());
        assert_ne!(one.name(), other.name());
        let tell = |text: &'static str| one.tell(vec![("at".to_owned(), Some(Bytes::from(text)))]);
        tell("1");
        heard(&*other, |other| word(other, &*one) == Some("1".into())).await;
        // Under the next lease all is told again.
        blocking(|| cluster.revoke_leases(0));
        heard(&*other, |other| word(other, &*one).is_none()).await;
        heard(&*other, |other| word(other, &*one) == Some("1".into())).await;
        tell("2");
        heard(&*other, |other| word(other, &*one) == Some("2".into())).await;
        one.tell(vec![("at".to_owned(), None)]);
        heard(&*other, |other| word(other, &*one).is_none()).await;
        tell("3");
        heard(&*other, |other| word(other, &*one) == Some("3".into())).await;
        first.release().await;
        heard(&*other, |other| other.words().is_empty()).await;
        assert!(one.words().is_empty(), "nobody hears itself");
    }

    one_process_leads_and_another_does_when_it_goes(cluster: 1) {
        let named = |name: &str| EtcdOptions {
            replica: Some(name.to_owned()),
            replica_ttl: Duration::from_secs(2),
            ..options(&cluster)
        };
        let first = Etcd::open(named("first")).await.unwrap();
        let term = first.replicas().unwrap().term().wait_for(Option::is_some).await.unwrap().unwrap();
        let second = Etcd::open(named("second")).await.unwrap();
        let other = second.replicas().unwrap();
        heard(&*other, |other| other.leader().is_some_and(|leader| leader.starts_with("first-"))).await;
        first.commit_in_term(term, vec![put("a", Expect::Any, "1")]).await.unwrap();
        first.release().await;
        let next = other.term().wait_for(Option::is_some).await.unwrap().unwrap();
        assert!(next > term);
        // It may not know yet.
        let error = first.commit_in_term(term, vec![put("a", Expect::Any, "2")]).await.unwrap_err();
        assert!(error.to_string().contains("another control plane leads now"), "{error}");
        second.commit_in_term(next, vec![put("a", Expect::Any, "3")]).await.unwrap();
        // What anybody may do, everybody does.
        done(&first, put("b", Expect::Absent, "1")).await;
    }

    who_is_taken_for_dead_does_not_lead_any_more(cluster: 1) {
        let options = EtcdOptions {
            replica: Some("only".to_owned()),
            replica_ttl: Duration::from_secs(2),
            ..options(&cluster)
        };
        let store = Etcd::open(options).await.unwrap();
        let mut terms = store.replicas().unwrap().term();
        let term = terms.wait_for(Option::is_some).await.unwrap().unwrap();
        // Its lease ends as one does whose process hangs.
        blocking(|| cluster.revoke_leases(0));
        terms.wait_for(Option::is_none).await.unwrap();
        let next = terms.wait_for(Option::is_some).await.unwrap().unwrap();
        assert!(next > term, "it leads anew");
        let error = store.commit_in_term(term, vec![put("a", Expect::Any, "1")]).await.unwrap_err();
        assert!(error.to_string().contains("another control plane leads now"), "{error}");
    }

    what_others_write_moves_no_revision_of_objects(cluster: 1) {
        let store = Etcd::open(options(&cluster)).await.unwrap();
        let revision = done(&store, put("a", Expect::Absent, "1")).await;
        blocking(|| cluster.put("/elsewhere", "1"));
        let anew = Etcd::open(options(&cluster)).await.unwrap();
        assert_eq!(anew.snapshot().revision(), revision);
        assert_eq!(anew.read().await.unwrap().revision(), revision);
    }
}
