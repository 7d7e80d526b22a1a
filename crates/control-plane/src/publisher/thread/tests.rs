use super::*;

#[tokio::test]
async fn a_publisher_that_fails_is_not_waited_for_and_makes_nothing_ready() {
    let shared = Arc::new(Shared::default());
    let failing = shared.clone();
    let thread = std::thread::spawn(move || {
        let _ended = Ended(failing);
        panic!("this is only a test");
    });
    assert!(!shared.ready().await);
    assert!(thread.join().is_err());
    assert_eq!(shared.compiling(), Compiling::Ended);
}
