use std::fs;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel as unbounded};
use std::time::{Duration, UNIX_EPOCH};

use backstay_proto::config::{self, access_log};
use http::{HeaderValue, Request};

use super::*;
use crate::local_reply::Flag;

fn record() -> Box<Record> {
    let request =
        Request::builder().uri("/a?b=c").header("user-agent", HeaderValue::from_bytes(b"x\"\xff").unwrap()).body(());
    Box::new(Record::start(Arc::default(), came(), &request.unwrap()))
}

fn came() -> Came<'static> {
    let (client, local) = ("192.0.2.1:1234".parse().unwrap(), "192.0.2.2:443".parse().unwrap());
    let tls = Some(ClientTls { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256" });
    Came { client, local, secure: true, tls, server_name: Some("a.example") }
}

fn line(record: &Record) -> String {
    let mut out = Vec::new();
    record.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_full_queue_loses_lines_and_says_so() {
    let (log, _records) = channel(1);
    assert!(log.write(record()));
    assert!(!log.write(record()));
}

#[test]
fn lines_are_json_whatever_the_client_sent() {
    let (log, records) = channel(2);
    assert!(log.write(record()) && log.write(record()));
    drop(log);
    let mut out = Vec::new();
    records.write_to(&mut out, &ServerMetrics::default());
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["path"], "/a?b=c");
    assert_eq!(lines[0]["user_agent"], "x\"\u{fffd}");
    assert_eq!(lines[0]["client"], "192.0.2.1:1234");
    assert_eq!(lines[0]["flags"], "DC");
}

#[test]
fn the_start_of_a_request_is_a_date() {
    let mut record = record();
    record.start = UNIX_EPOCH + Duration::new(951_782_399, 250_000_000);
    let line: serde_json::Value = serde_json::from_str(&line(&record)).unwrap();
    assert_eq!(line["start_time"], "2000-02-28T23:59:59.250000Z");
}

/// A disk with so much room left, which tells of each attempt to write. Once it was full as often as `until`, there is room again.
struct Disk {
    content: Arc<Mutex<Vec<u8>>>,
    room: usize,
    full: usize,
    until: usize,
    attempts: Sender<()>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.attempts.send(());
        if self.full >= self.until {
            self.room = usize::MAX;
        }
        if self.room == 0 {
            self.full += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        self.content.lock().unwrap().extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_costs_lines_and_never_the_log() {
    const LINES: usize = 2000;
    let (log, records) = channel(LINES);
    let metrics = Arc::<ServerMetrics>::default();
    let content = Arc::<Mutex<Vec<u8>>>::default();
    let (attempts, attempted) = unbounded();
    // Room for a line and a half.
    let room = line(&record()).len() * 3 / 2;
    let disk = Disk { content: Arc::clone(&content), room, full: 0, until: 2, attempts };
    for _ in 0..LINES {
        assert!(log.write(record()));
    }
    let counts = Arc::clone(&metrics);
    let writer = std::thread::spawn(move || records.write_to(disk, &counts));
    // Two that find it full, each after what there was room for, and the one that finds room.
    for _ in 0..4 {
        attempted.recv().unwrap();
    }
    drop(log);
    writer.join().unwrap();
    let text = String::from_utf8(content.lock().unwrap().clone()).unwrap();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["path"], "/a?b=c", "each line is whole");
    }
    let (written, lost) = (text.lines().count(), metrics.log_lines_unwritten.get());
    assert_eq!(written as u64 + lost, LINES as u64, "each line is written or counted");
    assert!(lost > 0 && written > 2, "{written} written, {lost} lost");
    assert_eq!(metrics.log_failures.get(), 2);
}

#[test]
fn a_file_that_was_moved_is_left_for_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let (path, moved) = (directory.path().join("access.log"), directory.path().join("access.log.1"));
    let mut file = LogFile::open(&path).unwrap();
    assert_eq!(file.follow(Look::Now), Followed::Same);
    file.write_all(b"1").unwrap();
    fs::rename(&path, &moved).unwrap();
    assert_eq!(file.follow(Look::WhenDue), Followed::Same, "it was looked at only now");
    file.write_all(b"2").unwrap();
    assert_eq!(file.follow(Look::Now), Followed::Another);
    file.write_all(b"3").unwrap();
    fs::remove_file(&path).unwrap();
    // Nothing can be made where it was: better the old file than none.
    fs::create_dir(&path).unwrap();
    assert_eq!(file.follow(Look::Now), Followed::Same);
    fs::remove_dir(&path).unwrap();
    assert_eq!(file.follow(Look::Now), Followed::Another);
    file.write_all(b"4").unwrap();
    assert_eq!((fs::read(moved).unwrap(), fs::read(path).unwrap()), (b"12".to_vec(), b"4".to_vec()));
}

/// A record of a request whose line is as `message` says, with a bit of everything.
fn planned(message: &config::AccessLog) -> Box<Record> {
    let plan = Arc::new(Plan::new(message.try_into().unwrap()));
    let request = Request::builder()
        .method("POST")
        .uri("/a?token=secret&b=c")
        .header("authorization", "Bearer secret")
        .header("x-a", "one\ntwo\"".replace('\n', "\t"))
        .header("referer", "http://x.example/?token=secret")
        .header("x-envoy-original-path", "/forged")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
    let mut record = Box::new(Record::start(Arc::clone(&plan), came(), &request.body(()).unwrap()));
    let answer = [(http::header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))].into_iter().collect();
    record.response_headers = plan.of_response(&answer);
    record.start = UNIX_EPOCH + Duration::new(951_782_399, 250_000_000);
    (record.status, record.flag, record.bytes_out) = (503, Flag::UpstreamConnectionFailure, 5);
    record.details = "upstream_reset_before_response_started{remote_connection_failure|Connection_refused}".into();
    (record.duration, record.response_after) = (Duration::from_millis(12), Some(Duration::from_millis(5)));
    (record.upstream, record.backend) = (Some("192.0.2.3:80".parse().unwrap()), Some("backend/b".into()));
    record.upstream_local = Some("[::1]:5000".parse().unwrap());
    record
}

fn hiding(layout: access_log::Layout) -> config::AccessLog {
    let redaction = config::Redaction { query_parameters: vec!["token".to_owned()], ..Default::default() };
    config::AccessLog { layout: Some(layout), redaction: Some(redaction), ..Default::default() }
}

#[test]
fn lines_of_text_are_as_their_format_says_and_hide_what_they_must() {
    for (format, expected) in [
        ("%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%", "POST /a?token=(redacted)&b=c HTTP/1.1"),
        ("%REQ(AUTHORIZATION)% %REQ(REFERER)%", "(redacted) http://x.example/?token=(redacted)"),
        ("[%REQ(X-A)%] [%REQ(X-B)%] [%REQ(X-B?X-A):3%]", "[one\\ttwo\\\"] [-] [one]"),
        ("%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_SENT% %RESP(CONTENT-TYPE)%", "503 UF 5 text/plain"),
        ("%DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION%", "12 5 7"),
        ("%UPSTREAM_TRANSPORT_FAILURE_REASON% %CONNECTION_TERMINATION_DETAILS%", "Connection_refused -"),
        ("%UPSTREAM_HOST% %UPSTREAM_CLUSTER% %UPSTREAM_REMOTE_PORT%", "192.0.2.3:80 backend/b 80"),
        ("%UPSTREAM_LOCAL_ADDRESS% %UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %UPSTREAM_LOCAL_PORT%", "[::1]:5000 ::1 5000"),
        ("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_ADDRESS%", "192.0.2.1 192.0.2.2:443"),
        ("%DOWNSTREAM_TLS_VERSION% %REQUESTED_SERVER_NAME% %REQ(:SCHEME)%", "TLSv1.3 a.example https"),
        ("%TRACE_ID% %SPAN_ID% %ROUTE_NAME%", "4bf92f3577b34da6a3ce929d0e0e4736 - -"),
        ("100%% %START_TIME%", "100% 2000-02-28T23:59:59.250Z"),
    ] {
        assert_eq!(line(&planned(&hiding(access_log::Layout::Text(format.to_owned())))), expected, "{format}");
    }
}

#[test]
fn a_collector_is_told_the_same_as_a_map_or_as_a_text() {
    let fields = config::LogFields { names: vec!["status".to_owned(), "upstream".to_owned()], ..Default::default() };
    let told = planned(&hiding(access_log::Layout::Fields(fields))).told();
    assert_eq!((told.trace_id.len(), told.span_id.len(), told.time_unix_nano), (16, 0, 951_782_399_250_000_000));
    let map = format!("{:?}", told.body);
    assert!(map.contains("KvlistValue") && map.contains("IntValue(503)") && map.contains("192.0.2.3:80"), "{map}");
    let told = planned(&hiding(access_log::Layout::Text("%RESPONSE_CODE% %REQ(:PATH)%".to_owned()))).told();
    let text = format!("{:?}", told.body);
    assert!(text.contains("StringValue(\"503 /a?token=(redacted)&b=c\")"), "{text}");
}

#[test]
fn lines_of_json_have_the_fields_of_choice() {
    let fields = config::LogFields {
        names: ["status", "start_time", "tls_cipher", "trace_id"].map(String::from).into(),
        request_headers: ["x-a", "authorization", "x-b"].map(String::from).into(),
        response_headers: vec!["content-type".to_owned()],
        unix_times: true,
    };
    let expected = r#"{"status":503,"start_time":951782399.25,"tls_cipher":"TLS_AES_128_GCM_SHA256","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","request_headers":{"authorization":"(redacted)","x-a":"one\ttwo\""},"response_headers":{"content-type":"text/plain"}}"#;
    assert_eq!(line(&planned(&hiding(access_log::Layout::Fields(fields)))), expected);
    let formats = [("code", "%RESPONSE_CODE%"), ("none", "%REQ(X-B)%"), ("what", "%REQ(:METHOD)% %REQ(X-B)%")];
    let formats = formats.map(|(key, format)| (key.to_owned(), format.to_owned())).into();
    let formats = access_log::Layout::Formats(config::LogFormats { formats });
    assert_eq!(line(&planned(&hiding(formats))), r#"{"code":503,"none":null,"what":"POST -"}"#);
}
