use super::*;

#[tokio::test(start_paused = true)]
async fn what_a_server_does_not_take_is_remembered_for_a_while() {
    let memory = EdnsMemory::default();
    assert!(memory.ask_with());
    memory.refused_it();
    assert!(!memory.ask_with());
    tokio::time::advance(PLAIN_FOR).await;
    assert!(memory.ask_with());
    memory.ignored_it();
    assert!(!memory.ask_with());
}

#[tokio::test(start_paused = true)]
async fn silence_says_nothing_of_a_server_that_answered_with_it() {
    let memory = EdnsMemory::default();
    memory.took_it();
    memory.ignored_it();
    assert!(memory.ask_with());
    memory.refused_it();
    assert!(!memory.ask_with(), "what it says itself counts");
    memory.took_it();
    tokio::time::advance(PROVEN_FOR).await;
    memory.ignored_it();
    assert!(!memory.ask_with());
}
