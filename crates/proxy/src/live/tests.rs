use std::sync::Arc;
use std::time::Duration;

use backstay_live::Filter;
use backstay_proto::live;
use http::{HeaderMap, HeaderName, HeaderValue, Request};

use super::{Live, Look};
use crate::access::{Came, Record};
use crate::counts::ServerMetrics;
use crate::local_reply::Flag;

fn record(path: &str, status: u16) -> Record {
    let request = Request::builder().uri(path).body(()).unwrap();
    let (client, local) = ("192.0.2.1:5000".parse().unwrap(), "192.0.2.2:80".parse().unwrap());
    let came = Came { client, local, secure: false, tls: None, server_name: None };
    let mut record = Record::start(Arc::default(), came, &request);
    record.status = status;
    record.duration = Duration::from_millis(20);
    record.backend = Some("backend/demo".into());
    record.route = Some("route/default/demo".into());
    record.flag = if status == 0 { Flag::DownstreamConnectionTermination } else { Flag::None };
    record
}

fn filter(change: impl FnOnce(&mut live::Filter)) -> Filter {
    let mut asked = live::Filter::default();
    change(&mut asked);
    Filter::read(&asked).unwrap()
}

#[tokio::test]
async fn requests_are_told_to_whoever_asks_for_them_without_credentials() {
    let live = Arc::new(Live::default());
    assert!(!live.is_watched());
    let mut looking = live
        .look(
            filter(|asked| {
                asked.status = "5xx".into();
                asked.headers = vec!["cookie".into(), "x-a".into()];
            }),
            Look::Requests(10),
        )
        .unwrap();
    assert!(live.is_watched());
    let mut headers = HeaderMap::new();
    headers.insert(http::header::COOKIE, HeaderValue::from_static("secret"));
    headers.insert(HeaderName::from_static("x-a"), HeaderValue::from_static("1"));
    headers.insert(HeaderName::from_static("x-b"), HeaderValue::from_static("2"));
    live.ended(&record("/a", 200));
    let mut failed = record("/b?token=x", 503);
    failed.headers = live.headers(&headers);
    live.ended(&failed);
    let told = looking.requests().await;
    let [request] = told.requests.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        (request.path.as_str(), request.status, request.backend.as_str()),
        ("/b?token=[hidden]", 503, "backend/demo")
    );
    let headers: Vec<_> = request.headers.iter().map(|header| (header.name.as_str(), header.value.as_str())).collect();
    assert_eq!(headers, [("cookie", "[hidden]"), ("x-a", "1")]);
    drop(looking);
    assert!(!live.is_watched());
}

#[tokio::test]
async fn what_goes_beyond_the_limit_is_counted_and_not_told() {
    let metrics = Arc::<ServerMetrics>::default();
    let live = Arc::new(Live::new(1, Arc::clone(&metrics)));
    let mut looking = live.look(Filter::default(), Look::Requests(2)).unwrap();
    // At most two in each second, and this takes less than one: it may begin in one and end in the next.
    (0..10).for_each(|_| live.ended(&record("/", 200)));
    let told = looking.requests().await;
    assert!((2..=4).contains(&told.requests.len()), "{}", told.requests.len());
    assert_eq!(told.missed + told.requests.len() as u64, 10);
    assert_eq!(metrics.live_requests_missed.get(), told.missed);
    assert!(live.look(Filter::default(), Look::Figures).is_err());
    assert_eq!((metrics.live_sessions.get(), metrics.live_sessions_refused.get()), (1, 1));
    drop(looking);
    assert!(live.look(Filter::default(), Look::Figures).is_ok());
}

#[test]
fn figures_of_threads_add_up_and_clients_that_left_stand_apart() {
    let live = Arc::new(Live::default());
    let mut looking = live.look(Filter::default(), Look::Figures).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                live.ended(&record("/", 200));
                live.ended(&record("/", 0));
            });
        }
    });
    let table = looking.table(&[]);
    let [row] = table.rows.as_slice() else { panic!("{table:?}") };
    assert_eq!((row.requests, row.status_2xx, row.left), (8, 4, 4));
    assert!(row.left_after_ms > 15.0, "{row:?}");
    assert!(looking.table(&[]).rows.is_empty());
}
