use super::*;

#[tokio::test(start_paused = true)]
async fn an_answer_holds_ten_seconds_and_there_are_no_more_than_so_many() {
    let cache = Cache::default();
    cache.put("asked".to_owned(), 1);
    assert_eq!((cache.get("asked"), cache.get("other")), (Some(1), None));
    tokio::time::advance(HOLDS).await;
    assert_eq!(cache.get("asked"), None);
    for number in 0..2 * MOST {
        cache.put(number.to_string(), 1);
    }
    assert!(cache.0.lock().unwrap().len() <= MOST);
}
