use super::*;

#[tokio::test(start_paused = true)]
async fn a_second_s_worth_may_come_at_once_and_then_they_come_at_the_pace() {
    let pace = Pace::new(10);
    for _ in 0..10 {
        assert_eq!(pace.take(), Ok(()));
    }
    let retry = pace.take().unwrap_err();
    assert!(retry > Duration::ZERO && retry <= Duration::from_millis(100), "{retry:?}");
    tokio::time::advance(retry + Duration::from_millis(1)).await;
    assert_eq!(pace.take(), Ok(()));
    assert!(pace.take().is_err());
    tokio::time::advance(Duration::from_secs(3600)).await;
    for _ in 0..10 {
        assert_eq!(pace.take(), Ok(()));
    }
    assert!(pace.take().is_err(), "what was not used for an hour is not kept");
}

#[test]
fn who_is_refused_is_told_when_to_come_back() {
    let status = refusal(7, Duration::from_micros(2500));
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "3");
}
