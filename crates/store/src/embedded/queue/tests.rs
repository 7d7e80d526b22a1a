use super::*;

fn request(bytes: usize) -> Request {
    Request { writes: Vec::new(), bytes, answer: oneshot::channel().0 }
}

fn sizes(queue: &Queue) -> Option<Vec<usize>> {
    queue.take().map(|taken| taken.iter().map(|request| request.bytes).collect())
}

#[test]
fn too_many_commits_are_refused_until_some_are_taken() {
    let queue = Queue::new(&Options { queue_commits: 2, ..Options::default() });
    queue.push(request(1)).unwrap();
    queue.push(request(2)).unwrap();
    assert!(matches!(queue.push(request(3)), Err(CommitError::Unavailable(_))));
    assert_eq!(sizes(&queue), Some(vec![1, 2]));
    queue.push(request(3)).unwrap();
    assert_eq!(queue.size(), (1, 3));
}

#[test]
fn too_many_bytes_are_refused_but_one_commit_always_fits() {
    let queue = Queue::new(&Options { queue_bytes: 10, ..Options::default() });
    queue.push(request(11)).unwrap();
    assert!(queue.push(request(1)).is_err());
    assert_eq!(sizes(&queue), Some(vec![11]));
    queue.push(request(4)).unwrap();
    queue.push(request(6)).unwrap();
    assert!(queue.push(request(1)).is_err());
}

#[test]
fn a_group_is_bounded_in_commits_and_bytes() {
    let queue = Queue::new(&Options { group_commits: 3, group_bytes: 10, ..Options::default() });
    for bytes in [1, 1, 1, 1, 9, 1, 20] {
        queue.push(request(bytes)).unwrap();
    }
    assert_eq!(sizes(&queue), Some(vec![1, 1, 1]));
    assert_eq!(sizes(&queue), Some(vec![1, 9]));
    assert_eq!(sizes(&queue), Some(vec![1]));
    assert_eq!(sizes(&queue), Some(vec![20]));
}

#[test]
fn a_closed_queue_is_emptied_and_then_ends() {
    let queue = Queue::new(&Options::default());
    queue.push(request(1)).unwrap();
    queue.close();
    assert!(queue.push(request(2)).is_err());
    assert_eq!(sizes(&queue), Some(vec![1]));
    assert_eq!(sizes(&queue), None);
}

#[test]
fn abandoning_tells_those_that_wait() {
    let queue = Queue::new(&Options::default());
    let (answer, mut answered) = oneshot::channel();
    queue.push(Request { writes: Vec::new(), bytes: 1, answer }).unwrap();
    queue.abandon();
    assert_eq!(answered.try_recv().unwrap_err(), oneshot::error::TryRecvError::Closed);
    assert!(queue.push(request(2)).is_err());
    assert_eq!(sizes(&queue), None);
}
