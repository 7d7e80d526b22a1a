use super::*;

/// Threads of which one does `work` instead of serving.
fn with_one_that(work: impl FnOnce(UnboundedReceiver<Command>) + Send + 'static) -> Workers {
    let mut workers = Workers::start(Options { threads: 2, ..Options::default() }).unwrap();
    let broken = Worker::start(2, &workers.failed, move |commands, started| {
        started.send(Ok(())).unwrap();
        work(commands);
    });
    workers.threads.push(broken.unwrap());
    workers
}

fn nothing() -> Arc<Config> {
    Arc::new(Config::default())
}

/// What comes first: that a configuration is in force, or that a thread is found to have failed.
async fn fails(workers: &mut Workers) -> bool {
    let failed = workers.failed();
    tokio::select! {
        biased;
        _ = workers.apply(nothing()) => false,
        () = failed => true,
    }
}

#[tokio::test]
async fn a_configuration_that_a_thread_dies_of_is_not_in_force() {
    let mut workers = with_one_that(|mut commands| {
        let _command = commands.blocking_recv();
        panic!("this is only a test");
    });
    assert!(fails(&mut workers).await);
    assert!(fails(&mut workers).await, "nor is any after it");
}

#[tokio::test]
async fn a_thread_that_dies_between_two_configurations_is_noticed_at_once() {
    let workers = with_one_that(|_| panic!("this is only a test"));
    workers.failed().await;
}

#[tokio::test]
async fn a_thread_that_ends_without_a_word_applies_nothing() {
    assert!(fails(&mut with_one_that(drop)).await);
}

#[tokio::test]
async fn threads_that_live_apply_and_end_when_they_are_told() {
    let mut workers = Workers::start(Options { threads: 2, ..Options::default() }).unwrap();
    assert!(!fails(&mut workers).await);
    let failed = workers.failed();
    workers.drain(Duration::ZERO).await;
    assert!(futures::FutureExt::now_or_never(failed).is_none());
}
