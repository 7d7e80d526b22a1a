//! What several processes on one cluster may rely on, and what happens when members die.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backstay_store::etcd::options::Login;
use backstay_store::{CommitError, Etcd, EtcdOptions, Expect, Operation, Prefix, ReadError, Store, WatchError, Write};
use futures::future::{join, join_all};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::etcd_process::{Cluster, blocking, program};
use crate::fixture::{backends, busy, done, key, put, until};

/// Shorter than what people would set, since the tests wait for it.
fn options(cluster: &Cluster) -> EtcdOptions {
    EtcdOptions {
        try_timeout: Duration::from_millis(700),
        commit_timeout: Duration::from_millis(700),
        deadline: Duration::from_secs(6),
        rest: Duration::from_secs(1),
        compaction: Duration::ZERO,
        ..EtcdOptions::new(cluster.endpoints())
    }
}

async fn open(cluster: &Cluster) -> Arc<Etcd> {
    Arc::new(Etcd::open(options(cluster)).await.unwrap())
}

macro_rules! with_etcd {
    ($($name:ident($cluster:ident: $size:expr) $body:block)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            if program().is_some() {
                #[allow(unused_mut, reason = "some kill members")]
                let mut $cluster = blocking(|| Cluster::of($size));
                $body
            }
        }
    )*};
}

mod replicas;

with_etcd! {
    what_one_process_writes_another_reads(cluster: 1) {
        let (one, other) = join(open(&cluster), open(&cluster)).await;
        let mut watch = other.watch(backends(), other.snapshot().revision()).unwrap();
        for round in 0..20 {
            let revision = done(&*one, put("a", Expect::Any, &round.to_string())).await;
            assert!(one.snapshot().revision() >= revision, "who writes reads it");
            let view = other.read().await.unwrap();
            assert_eq!(view.get(&key("a")).unwrap().modified, revision);
        }
        let last = one.snapshot().revision();
        assert_eq!(until(&mut *watch, last).await.len(), 20);
    }

    of_two_processes_that_swap_one_wins(cluster: 1) {
        let stores = join_all((0..2).map(|_| open(&cluster))).await;
        let mut revision = done(&*stores[0], put("a", Expect::Absent, "")).await;
        for round in 0..20 {
            let write = |index: usize| put("a", Expect::Modified(revision), &format!("{round} {index}"));
            let results = join(stores[0].commit(vec![write(0)]), stores[1].commit(vec![write(1)])).await;
            revision = match results {
                (Ok(done), Err(CommitError::Conflict { current, .. })) | (Err(CommitError::Conflict { current, .. }), Ok(done)) => {
                    assert_eq!(current.unwrap().modified, done.revision);
                    done.revision
                }
                other => panic!("{other:?}"),
            };
        }
    }

    another_prefix_is_another_store(cluster: 1) {
        let store = open(&cluster).await;
        let elsewhere = EtcdOptions { prefix: "/backstay0".to_owned(), ..options(&cluster) };
        let elsewhere = Etcd::open(elsewhere).await.unwrap();
        done(&*store, put("a", Expect::Absent, "1")).await;
        done(&elsewhere, put("a", Expect::Absent, "2")).await;
        assert_eq!(store.read().await.unwrap().get(&key("a")).unwrap().value, "1");
        let mut watch = store.watch(Prefix::all(), store.snapshot().revision()).unwrap();
        done(&elsewhere, put("b", Expect::Absent, "2")).await;
        let revision = done(&*store, put("c", Expect::Absent, "3")).await;
        assert_eq!(until(&mut *watch, revision).await.len(), 1);
    }

    a_restart_finds_everything(cluster: 1) {
        let store = open(&cluster).await;
        for index in 0..1_203 {
            done(&*store, put(&format!("b{index:04}"), Expect::Absent, &"x".repeat(100))).await;
        }
        let before: Vec<_> = store.snapshot().list(&Prefix::all()).cloned().collect();
        drop(store);
        let after = open(&cluster).await.snapshot();
        assert_eq!(after.list(&Prefix::all()).cloned().collect::<Vec<_>>(), before);
    }

    while_etcd_is_away_reads_go_on_and_writes_say_so(cluster: 1) {
        let store = open(&cluster).await;
        done(&*store, put("a", Expect::Absent, "1")).await;
        let mut watch = store.watch(backends(), store.snapshot().revision()).unwrap();
        cluster.kill(0);
        let error = store.commit(vec![put("a", Expect::Any, "2")]).await.unwrap_err();
        assert!(matches!(error, CommitError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains("etcd at 127.0.0.1:"), "{error}");
        assert!(!store.stats().writable);
        assert!(matches!(store.read().await, Err(ReadError::Unavailable(_))));
        assert_eq!(store.snapshot().get(&key("a")).unwrap().value, "1");
        blocking(|| cluster.start(0));
        let revision = done(&*store, put("a", Expect::Present, "3")).await;
        assert!(store.stats().writable);
        let last = until(&mut *watch, revision).await;
        assert_eq!(last.last().unwrap().change.entry().value, "3", "the watch went on");
    }

    a_store_that_was_set_back_is_read_anew(cluster: 1) {
        let store = open(&cluster).await;
        busy(&*store, 30).await;
        let mut watch = store.watch(backends(), store.snapshot().revision()).unwrap();
        blocking(|| cluster.set_back(0));
        let error = watch.next().await.unwrap_err();
        assert!(matches!(error, WatchError::Compacted { requested: 30, .. }), "{error}");
        assert!(store.snapshot().is_empty());
        let revision = done(&*store, put("a", Expect::Absent, "1")).await;
        assert!(revision < 30);
        assert_eq!(store.read().await.unwrap().len(), 1);
    }

    what_is_superseded_is_forgotten(cluster: 1) {
        let often = |_| EtcdOptions { compaction: Duration::from_millis(50), ..options(&cluster) };
        let stores = join_all((0..3).map(|index| Etcd::open(often(index)))).await;
        let store = stores.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
        busy(&store[0], 20).await;
        while !cluster.metrics(0).lines().any(|line| {
            line.strip_prefix("etcd_debugging_mvcc_compact_revision ").is_some_and(|revision| revision != "0")
        }) {
            busy(&store[1], 1).await;
        }
        assert_eq!(store[2].read().await.unwrap().len(), 1);
    }
}

/// Every write is one step of its writer's count, on condition that the step before was the last: whether one was lost or done twice
/// is seen in the end.
async fn count(store: &Etcd, name: &str, stop: &AtomicBool) -> (u64, u64) {
    let (mut acknowledged, mut unknown) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let Ok(view) = store.read().await else { continue };
        let current = view.get(&key(name));
        let now: u64 = current.map_or(0, |entry| std::str::from_utf8(&entry.value.bytes()).unwrap().parse().unwrap());
        assert!(
            now >= acknowledged && now <= acknowledged + unknown,
            "{name}: {now} of {acknowledged} and {unknown} at most"
        );
        let expect = current.map_or(Expect::Absent, |entry| Expect::Modified(entry.modified));
        match store.commit(vec![put(name, expect, &(now + 1).to_string())]).await {
            Ok(_) => (acknowledged, unknown) = (now + 1, 0),
            Err(CommitError::Unavailable(_)) => (acknowledged, unknown) = (now, 1),
            // Only an attempt of before that was not known of.
            Err(CommitError::Conflict { .. }) => assert!(unknown > 0, "{name}: a commit conflicts with itself"),
            Err(other) => panic!("{other}"),
        }
    }
    (acknowledged, unknown)
}

/// Runs four writers through two processes while `trouble` is made, and checks what they were told.
async fn under_load(cluster: &mut Cluster, mut trouble: impl FnMut(&mut Cluster) + Send) {
    let stores = join_all((0..2).map(|_| open(cluster))).await;
    let watched = stores[1].clone();
    let mut watch = watched.watch(backends(), watched.snapshot().revision()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|index| {
            let (store, stop) = (stores[index % 2].clone(), stop.clone());
            tokio::spawn(async move { count(&store, &format!("writer{index}"), &stop).await })
        })
        .collect();
    blocking(|| trouble(cluster));
    stop.store(true, Ordering::Relaxed);
    let told = join_all(writers).await;
    let last = done(&*stores[0], put("end", Expect::Any, "")).await;
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for event in until(&mut *watch, last).await {
        let entry = event.change.entry();
        if let Ok(count) = std::str::from_utf8(&entry.value.bytes()).unwrap().parse::<u64>() {
            let before = seen.insert(entry.key.name().to_owned(), count).unwrap_or(0);
            assert_eq!(count, before + 1, "{}: each step once, in order", entry.key);
        }
    }
    for (index, told) in told.into_iter().enumerate() {
        let (acknowledged, unknown) = told.unwrap();
        let seen = seen.get(&format!("writer{index}")).copied().unwrap_or(0);
        assert!(
            acknowledged > 0 && seen >= acknowledged && seen <= acknowledged + unknown,
            "{index}: {seen}, {acknowledged}"
        );
    }
}

/// Waits until the cluster has taken in that many more commits.
fn pass(cluster: &Cluster, commits: u64) {
    let now = || (0..cluster.endpoints().len()).filter_map(|index| cluster.revision(index)).max().unwrap_or(0);
    let target = now() + commits;
    while now() < target {
        std::thread::yield_now();
    }
}

with_etcd! {
    a_leader_that_is_killed_loses_no_commit(cluster: 3) {
        under_load(&mut cluster, |cluster| {
            for _ in 0..2 {
                pass(cluster, 100);
                let leader = cluster.leader();
                cluster.kill(leader);
                pass(cluster, 100);
                cluster.start(leader);
            }
        })
        .await;
    }

    a_leader_that_hangs_loses_no_commit(cluster: 3) {
        under_load(&mut cluster, |cluster| {
            pass(cluster, 100);
            let leader = cluster.leader();
            cluster.signal(leader, "STOP");
            pass(cluster, 100);
            cluster.signal(leader, "CONT");
            pass(cluster, 100);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_too_large_for_etcd_is_refused_with_a_sentence() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::with(1, &[]));
    let store = Etcd::open(options(&cluster)).await.unwrap();
    let writes =
        |count: usize| -> Vec<Write> { (0..count).map(|index| put(&format!("b{index}"), Expect::Any, "")).collect() };
    let most = store.limits().operations;
    store.commit(writes(most)).await.unwrap();
    assert!(matches!(store.commit(writes(most + 1)).await, Err(CommitError::Refused(_))));
    let large = |bytes: usize| {
        vec![Write { key: key("large"), expect: Expect::Any, operation: Operation::Put(vec![b'x'; bytes].into()) }]
    };
    store.commit(large(store.limits().value_bytes - 100)).await.unwrap();
    // Told that etcd takes more than it does, it is etcd that refuses.
    let mut trusting = options(&cluster);
    trusting.limits.operations = 1_000;
    trusting.limits.commit_bytes = 8 << 20;
    trusting.limits.value_bytes = 8 << 20;
    let store = Etcd::open(trusting).await.unwrap();
    for writes in [writes(200), large(2 << 20)] {
        let error = store.commit(writes).await.unwrap_err();
        assert!(
            matches!(&error, CommitError::Refused(_)) && error.to_string().contains("etcd takes no commit as large"),
            "{error}"
        );
    }
    store.commit(writes(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_etcd_without_room_is_unavailable_and_still_read() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::with(1, &["--quota-backend-bytes=4194304"]));
    let store = Etcd::open(EtcdOptions { deadline: Duration::from_secs(2), ..options(&cluster) }).await.unwrap();
    let large = "x".repeat(1 << 20);
    let error = loop {
        match store.commit(vec![put("large", Expect::Any, &large)]).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, CommitError::Unavailable(_)) && error.to_string().contains("space exceeded"), "{error}");
    assert_eq!(store.snapshot().get(&key("large")).unwrap().value.len(), 1 << 20);
    assert!(store.read().await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_member_it_does_not_open() {
    let nobody =
        EtcdOptions { deadline: Duration::from_millis(300), ..EtcdOptions::new(vec!["127.0.0.1:1".to_owned()]) };
    let error = Etcd::open(nobody).await.unwrap_err().to_string();
    assert!(error.contains("etcd at 127.0.0.1:1"), "{error}");
}

with_etcd! {
    a_user_writes_below_its_prefix_alone(cluster: 1) {
        blocking(|| cluster.require_login("gateway", "/backstay/"));
        let error = Etcd::open(options(&cluster)).await.unwrap_err().to_string();
        assert!(error.contains("user name is empty"), "{error}");
        let login = |password: &str| Some(Login { user: "gateway".to_owned(), password: password.to_owned() });
        let wrong = EtcdOptions { login: login("wrong"), ..options(&cluster) };
        let error = Etcd::open(wrong).await.unwrap_err().to_string();
        assert!(error.contains("user \"gateway\" cannot log in") && !error.contains("wrong"), "{error}");
        let store = Etcd::open(EtcdOptions { login: login("secret"), ..options(&cluster) }).await.unwrap();
        let mut watch = store.watch(backends(), store.snapshot().revision()).unwrap();
        let revision = done(&store, put("a", Expect::Absent, "1")).await;
        assert_eq!(until(&mut *watch, revision).await.len(), 1);
        let elsewhere = EtcdOptions { login: login("secret"), prefix: "/other".to_owned(), ..options(&cluster) };
        let error = Etcd::open(elsewhere).await.unwrap_err().to_string();
        assert!(error.contains("permission denied"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn members_and_who_asks_them_prove_themselves() {
    if program().is_none() {
        return;
    }
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str| files.path().join(name);
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(file("ca"), authority.pem()).unwrap();
    let issue = |name: &str, host: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        std::fs::write(file(&format!("{name}.crt")), certificate.pem()).unwrap();
        std::fs::write(file(&format!("{name}.key")), key.serialize_pem()).unwrap();
    };
    issue("etcd", "etcd.example");
    issue("client", "client.example");
    let argument = |name: &str, of: &str| format!("--{name}={}", file(of).display());
    let arguments = [
        argument("cert-file", "etcd.crt"),
        argument("key-file", "etcd.key"),
        argument("trusted-ca-file", "ca"),
        "--client-cert-auth".to_owned(),
    ];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let cluster = blocking(|| Cluster::speaking("https", 1, &arguments));
    let open = |query: &str| {
        let address = format!("etcds://{}/?ca={}{query}", cluster.endpoints()[0], file("ca").display());
        let options = EtcdOptions { deadline: Duration::from_secs(1), ..EtcdOptions::parse(&address).unwrap() };
        Etcd::open(options)
    };
    let own = format!("&cert={}&key={}", file("client.crt").display(), file("client.key").display());
    let store = open(&format!("&server-name=etcd.example{own}")).await.unwrap();
    done(&store, put("a", Expect::Absent, "1")).await;
    assert!(open("&server-name=etcd.example").await.is_err(), "who shows no certificate is not let in");
    assert!(open(&own).await.is_err(), "the certificate of the member has another name");
}
