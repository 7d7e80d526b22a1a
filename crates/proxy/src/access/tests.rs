use std::fs;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel as unbounded};
use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderValue, Request};

use super::*;

fn record() -> Box<Record> {
    let request =
        Request::builder().uri("/a?b=c").header("user-agent", HeaderValue::from_bytes(b"x\"\xff").unwrap()).body(());
    Box::new(Record::start("192.0.2.1:1234".parse().unwrap(), &request.unwrap()))
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
    let line = serde_json::to_value(&*record).unwrap();
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
    let room = serde_json::to_string(&*record()).unwrap().len() * 3 / 2;
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
