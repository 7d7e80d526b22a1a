use std::sync::Arc;

use backstay_proto::live::attend_response::Command;
use backstay_proto::live::{AttendRequest, Tap, TappedRequest};

use super::{Attendance, Beyond, LiveLimits, Shown, WAITING};

fn tap() -> Command {
    Command::Tap(Tap::default())
}

fn shown(id: u64) -> AttendRequest {
    AttendRequest { id, requests: vec![TappedRequest::default()], ..AttendRequest::default() }
}

#[tokio::test]
async fn those_who_look_are_told_to_the_proxies_that_they_ask_for_and_to_no_other() {
    let attendance = Arc::<Attendance>::default();
    let (here, mut commands) = attendance.attend("a", "edge").unwrap();
    let (other, mut others) = attendance.attend("b", "inner").unwrap();
    let (mut looker, proxies) = attendance.look(Some("edge".into()), None, tap()).unwrap();
    assert_eq!(proxies, 1);
    let id = commands.recv().await.unwrap().id;
    assert!(others.try_recv().is_err());
    // What nobody asked for is not passed on.
    other.shows(shown(id));
    here.shows(shown(id));
    let Some(Shown::Message(node, message)) = looker.next().await else { panic!() };
    assert_eq!((&*node, message.requests.len()), ("a", 1));
    // One that comes later is asked as well.
    let (late, mut commands_of_late) = attendance.attend("c", "edge").unwrap();
    assert_eq!(commands_of_late.recv().await.unwrap().command, Some(tap()));
    assert!(matches!(looker.next().await, Some(Shown::Came(node)) if *node == *"c"));
    drop(late);
    assert!(matches!(looker.next().await, Some(Shown::Went(node)) if *node == *"c"));
    drop(looker);
    assert_eq!(commands.recv().await.unwrap().command, Some(Command::Stop(true)));
    here.shows(shown(id));
}

#[tokio::test]
async fn one_who_does_not_keep_up_loses_requests_which_are_counted() {
    let attendance = Arc::new(Attendance::new(LiveLimits { sessions: 1, streams: 1 }));
    let (here, mut commands) = attendance.attend("a", "edge").unwrap();
    assert!(matches!(attendance.attend("b", "edge"), Err(Beyond::Streams(1))));
    let (looker, _) = attendance.look(None, None, tap()).unwrap();
    assert!(matches!(attendance.look(None, None, tap()), Err(Beyond::Sessions(1))));
    let id = commands.recv().await.unwrap().id;
    for _ in 0..WAITING + 3 {
        here.shows(shown(id));
    }
    assert_eq!(looker.missed(), 3);
    let figures = attendance.figures();
    assert_eq!((figures.sessions, figures.refused, figures.missed, figures.proxies), (1, 2, 3, 1));
}
