//! Hosts of a dynamic backend whose names are in trouble: the others are served as if they were not asked for.

use std::future::pending;
use std::sync::Arc;

use backstay_proto::config::DnsCache;
use backstay_proxy::{Options, Proxy};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::names::{loopback, with_cache};
use crate::plane::{ControlPlane, free_port};
use crate::traffic::{Upstream, get};
use crate::wire::{Act, Asked, Wire};
use crate::{acknowledged, listener, options, route};

const HERE: [u8; 4] = [127, 0, 0, 1];
const ELSEWHERE: [u8; 4] = [127, 6, 6, 6];

/// A name server that does to each name what the name says, over TCP one question after the other.
async fn troubled(gate: Arc<Semaphore>) -> Wire {
    Wire::start(move |asked: Asked| {
        let gate = Arc::clone(&gate);
        async move {
            let kind = asked.name.split('-').next().unwrap_or_default().to_owned();
            match (kind.as_str(), asked.over_tcp) {
                ("mute", _) | ("tcmute", true) => pending().await,
                ("tcmute" | "tcbroken", false) => Act::Send(asked.truncated(Some(ELSEWHERE))),
                ("big", false) => Act::Send(asked.truncated(None)),
                ("tcbroken", true) => Act::Break(vec![1, 0, 7, 7, 7]),
                ("slow", _) => {
                    let _open = gate.acquire().await.unwrap();
                    Act::Send(asked.answer(HERE))
                }
                ("foreign", _) => {
                    let mut other = asked.clone();
                    other.message.metadata.id ^= 1;
                    Act::Send(other.answer(ELSEWHERE))
                }
                _ => Act::Send(asked.answer(HERE)),
            }
        }
    })
    .await
}

async fn proxy_asking(server: &Wire) -> (Proxy, ControlPlane, u16) {
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let options = Options { dns_servers: vec![server.address.into()], ..options(Some(plane.address)) };
    let proxy = Proxy::start(options).await.unwrap();
    plane.put(vec![
        ("listener/n/g/http", listener(listen)),
        ("backend/web", with_cache(loopback(), DnsCache::default())),
        ("route/n/web", route(0)),
    ]);
    acknowledged(&mut plane, 1).await;
    (proxy, plane, listen)
}

fn requests(listen: u16, hosts: impl IntoIterator<Item = String>) -> JoinSet<(u16, String)> {
    let mut open = JoinSet::new();
    for host in hosts {
        open.spawn(async move { get(listen, &host, "/").await });
    }
    open
}

#[tokio::test]
async fn a_truncated_and_a_mute_name_do_not_move_the_others_to_one_connection() {
    let gate = Arc::new(Semaphore::new(0));
    let server = troubled(Arc::clone(&gate)).await;
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let (proxy, _plane, listen) = proxy_asking(&server).await;
    let host = |name: &str| format!("{name}.example:{}", upstream.port());
    let mut mute = requests(listen, [host("tcmute-1"), host("mute-1")]);
    server.until(|asked| asked.iter().any(|asked| asked.over_tcp)).await;
    let mut slow = requests(listen, (0..6).map(|number| host(&format!("slow-{number}"))));
    server.until(|asked| asked.iter().filter(|asked| asked.name.starts_with("slow")).count() >= 6).await;
    assert_eq!(get(listen, &host("good"), "/").await, (200, "here".to_owned()));
    gate.add_permits(1);
    while let Some(answer) = slow.join_next().await {
        assert_eq!(answer.unwrap(), (200, "here".to_owned()));
    }
    while let Some(answer) = mute.join_next().await {
        assert_eq!(answer.unwrap(), (503, "DNS resolution failure".to_owned()));
    }
    let over_tcp: Vec<_> = server.asked().into_iter().filter(|asked| asked.over_tcp).map(|asked| asked.name).collect();
    assert!(over_tcp.iter().all(|name| name == "tcmute-1.example"), "{over_tcp:?}");
    proxy.shutdown().await;
}

#[tokio::test]
async fn however_many_names_are_in_trouble_and_however_the_next_host_is_served() {
    let server = troubled(Arc::new(Semaphore::new(0))).await;
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let (proxy, _plane, listen) = proxy_asking(&server).await;
    let host = |name: &str| format!("{name}.example:{}", upstream.port());
    let mut open = Vec::new();
    for kind in ["mute", "tcmute", "tcbroken", "foreign"] {
        open.push(requests(listen, (0..60).map(|number| host(&format!("{kind}-{number}")))));
        server
            .until(|asked| (0..60).all(|number| asked.iter().any(|one| one.name == format!("{kind}-{number}.example"))))
            .await;
        // In the midst of it, over UDP and over TCP.
        for name in ["good", "big"] {
            assert_eq!(get(listen, &host(&format!("{name}-beside-{kind}")), "/").await.1, "here", "{name} {kind}");
        }
    }
    for mut open in open {
        while let Some(answer) = open.join_next().await {
            assert_eq!(answer.unwrap().0, 503);
        }
    }
    proxy.shutdown().await;
}
