//! Plays a [`Row`] against one of the two, and writes down what is seen.

use std::any::Any;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::client::{Message, abandon, exchange, exchange_http2};
use crate::counts::export;
use crate::dns::{DnsServer, Question};
use crate::harness::PATIENCE;
use crate::row::{HOST, Row, Step};
use crate::upstream::Upstreams;

/// Envoy and Backstay name failures of a lookup each in their own words; these are the same.
const WORDS: &[(&str, &str)] = &[
    ("{cares_norecords:Domain_name_not_found}", "{nxdomain}"),
    ("{cares_norecords:DNS_server_returned_answer_with_no_data}", "{nodata}"),
    ("{cares_failure:DNS_server_returned_general_failure}", "{servfail}"),
    ("{cares_failure:DNS_server_refused_query}", "{refused}"),
    ("{cares_failure:Misformatted_domain_name}", "{misformatted_domain_name}"),
];

/// How late a question may be and still count as asked in its second.
const TOLERANCE: Duration = Duration::from_millis(250);

/// One of the two, which runs until this is dropped.
#[derive(Debug)]
pub struct Running {
    pub _process: Box<dyn Any>,
    pub log: PathBuf,
    pub admin: SocketAddr,
}

/// One row in front of one proxy.
#[derive(Debug)]
pub struct Run {
    pub row: Row,
    pub listener: SocketAddr,
    /// Where counts are read.
    pub admin: SocketAddr,
    pub dns: Arc<DnsServer>,
    pub upstreams: Upstreams,
    pub log: PathBuf,
    /// How many questions have been seen.
    seen: usize,
    requests: usize,
    begun: VecDeque<JoinHandle<String>>,
}

impl Run {
    pub fn new(row: Row, port: u16, dns: Arc<DnsServer>, upstreams: Upstreams, proxy: &Running) -> Self {
        let listener = SocketAddr::from(([127, 0, 0, 1], port));
        let (admin, log) = (proxy.admin, proxy.log.clone());
        Self { row, listener, admin, dns, upstreams, log, seen: 0, requests: 0, begun: VecDeque::new() }
    }

    /// Plays all steps; yields a line for each.
    pub async fn play(mut self) -> Vec<String> {
        let mut seen = Vec::new();
        for (step, _) in self.row.steps.clone() {
            let Ok(line) = tokio::time::timeout(PATIENCE, self.step(step)).await else {
                // What would follow says nothing.
                seen.push("does not end".to_owned());
                break;
            };
            seen.push(line);
        }
        seen
    }

    async fn step(&mut self, step: Step) -> String {
        match step {
            Step::Get(authority) => self.ask(get(authority), Show::Logged).await,
            Step::Raw(request) => self.ask(request.to_owned(), Show::Logged).await,
            Step::Unlogged(request) => self.ask(request.to_owned(), Show::Plain).await,
            Step::Head(request) => self.ask(request.to_owned(), Show::Headers).await,
            Step::Whole(request) => self.ask(request.to_owned(), Show::All).await,
            Step::Names(request) => self.ask(request.to_owned(), Show::Names).await,
            Step::Leave(request) => {
                let (id, request) = self.prepare(request);
                let gone = self.upstreams.until_received(self.upstreams.received() + 1);
                abandon(self.listener, &request, gone).await;
                let (flags, details) = logged(&self.log, &id).await;
                format!("{flags} {details}")
            }
            Step::Http2(request) => self.ask_over(Over::Http2, request.to_owned(), Show::Logged).await,
            Step::Http2Head(request) => self.ask_over(Over::Http2, request.to_owned(), Show::All).await,
            Step::Post(size, authority) => {
                let body = "x".repeat(size);
                let head = format!("POST / HTTP/1.1\r\nhost: {authority}\r\ncontent-length: {size}\r\n{{id}}\r\n");
                self.ask(head + &body, Show::Logged).await
            }
            Step::Burst(count, authority) => {
                let all: Vec<_> = (0..count).map(|_| tokio::spawn(self.ask(get(authority), Show::Logged))).collect();
                let mut answers = BTreeMap::<String, usize>::new();
                for answer in all {
                    *answers.entry(answer.await.unwrap()).or_default() += 1;
                }
                listed(&answers, |count| format!("{count} x"))
            }
            Step::Count(count, authority) => {
                let answers = self.repeat(count, &get(authority)).await;
                listed(&answers, |count| format!("{count} x"))
            }
            Step::Shares(count, authority) => {
                let answers = self.repeat(count, &get(authority)).await;
                listed(&answers, |part| format!("{}0%", (part * 10 + count / 2) / count))
            }
            Step::Kinds(count, request) => self.repeat(count, request).await.len().to_string(),
            Step::Misplaced(count, places) => {
                let addresses: Vec<_> = self.row.upstreams.iter().map(|(address, _)| *address).collect();
                let mut misplaced = 0;
                for number in 0..count {
                    let value = format!("user{number}");
                    let request = format!("GET / HTTP/1.1\r\nhost: {HOST}\r\nx-key: {value}\r\n{{id}}\r\n");
                    let place = places.of(&addresses, self.upstreams.port, &value);
                    misplaced += usize::from(self.ask(request, Show::Plain).await != format!("200 {place}"));
                }
                misplaced.to_string()
            }
            Step::UntilGone(authority, answer) => {
                let mut without = 0;
                while without < 20 {
                    let came = self.ask(get(authority), Show::Plain).await == answer;
                    without = if came { 0 } else { without + 1 };
                }
                String::new()
            }
            Step::Received => self.upstreams.received().to_string(),
            Step::Connected => self.upstreams.connected(),
            Step::Got(ip) => {
                let got = self.upstreams.got(ip).await;
                self.neutral(&got)
            }
            Step::Behave(ip, behaviour) => {
                self.upstreams.behave(ip, behaviour);
                String::new()
            }
            Step::Until(authority, answer) => {
                while self.ask(get(authority), Show::Plain).await != answer {
                    tokio::task::yield_now().await;
                }
                String::new()
            }
            Step::Begin(authority) => {
                let answer = self.ask(get(authority), Show::Logged);
                self.begun.push_back(tokio::spawn(answer));
                String::new()
            }
            Step::End => self.begun.pop_front().unwrap().await.unwrap(),
            Step::Change(name, kind, reply) => {
                self.dns.set(&below(name, &self.row.domain()), kind, reply);
                String::new()
            }
            Step::Await(kind, count) => {
                let seen = self.seen;
                let is_enough =
                    |all: &[Question]| all.iter().skip(seen).filter(|one| one.kind == kind).count() >= count;
                self.dns.until(&self.row.domain(), is_enough).await;
                String::new()
            }
            Step::Asked => self.asked(false),
            Step::AskedAtOnce => {
                let asked = self.asked(false);
                let mut words: Vec<_> = asked.split(' ').collect();
                words.sort_unstable();
                words.join(" ")
            }
            Step::Packets => self.asked(true),
            Step::Every(kind, count) => self.every(kind, count).await,
            Step::Forget => {
                self.asked(false);
                String::new()
            }
            Step::Pass(time) => {
                tokio::time::sleep(time).await;
                String::new()
            }
            Step::HangUp => {
                self.upstreams.hang_up();
                String::new()
            }
            Step::Counted(name, value) => {
                while export(self.admin).await.count(self.row.name, name) != value {
                    tokio::task::yield_now().await;
                }
                String::new()
            }
            Step::Counts => export(self.admin).await.counts(self.row.name),
            Step::Exported => export(self.admin).await.text,
        }
    }

    async fn repeat(&mut self, count: usize, request: &str) -> BTreeMap<String, usize> {
        let mut answers = BTreeMap::new();
        for _ in 0..count {
            *answers.entry(self.ask(request.to_owned(), Show::Plain).await).or_default() += 1;
        }
        answers
    }

    /// Sends a request over HTTP/1.1, and yields what is seen of the answer.
    fn ask(&mut self, request: String, show: Show) -> impl Future<Output = String> + Send + use<> {
        self.ask_over(Over::Http1, request, show)
    }

    fn ask_over(&mut self, over: Over, request: String, show: Show) -> impl Future<Output = String> + Send + use<> {
        let (id, request) = self.prepare(&request);
        let (port, domain) = (self.upstreams.port.to_string(), self.row.domain());
        let (listener, log) = (self.listener, self.log.clone());
        async move {
            let answer = match over {
                Over::Http1 => exchange(listener, &request).await,
                Over::Http2 => exchange_http2(listener, &request).await,
            };
            let seen = match answer {
                Some(answer) => show.answer(&answer, &id, &log).await,
                None => "no answer".to_owned(),
            };
            let seen = WORDS.iter().fold(seen, |seen, (theirs, ours)| seen.replace(theirs, ours));
            neutral(&seen, &domain, &port, listener)
        }
    }

    /// A request with a name of its own, by which the access log knows it.
    fn prepare(&mut self, request: &str) -> (String, String) {
        self.requests += 1;
        let id = format!("{}/{}", self.row.name, self.requests);
        let request = request.replace("{id}", &format!("user-agent: {id}\r\n"));
        let request = request.replace("{port}", &self.upstreams.port.to_string()).replace("{row}", &self.row.domain());
        (id, request)
    }

    fn neutral(&self, seen: &str) -> String {
        neutral(seen, &self.row.domain(), &self.upstreams.port.to_string(), self.listener)
    }

    fn asked(&mut self, packets: bool) -> String {
        let all = self.dns.asked(&self.row.domain());
        let new = std::mem::replace(&mut self.seen, all.len());
        let all = if packets { all.into_iter().skip(new).collect() } else { without_repetitions(&all, new) };
        let domain = self.row.domain();
        let words: Vec<_> = all.iter().map(|question| describe(question, &domain)).collect();
        words.join(" ")
    }

    async fn every(&mut self, kind: RecordType, count: usize) -> String {
        let (domain, seen) = (self.row.domain(), self.seen);
        let of_kind = |all: &[Question], from: usize| {
            let new = without_repetitions(all, from);
            new.into_iter().filter(|question| question.kind == kind).map(|question| question.at).collect::<Vec<_>>()
        };
        let before = of_kind(&self.dns.asked(&domain)[..seen], 0).pop();
        self.dns.until(&domain, |all| of_kind(all, seen).len() >= count).await;
        let all = self.dns.asked(&domain);
        let times: Vec<_> = before.into_iter().chain(of_kind(&all, seen).into_iter().take(count)).collect();
        let last = *times.last().unwrap();
        self.seen = all.iter().take_while(|question| question.at <= last).count();
        let gaps = times.windows(2).map(|pair| format!("{}s", (pair[1] - pair[0] + TOLERANCE).as_secs()));
        gaps.collect::<Vec<_>>().join(" ")
    }
}

/// What was seen, with the words of rows for what differs between runs.
fn neutral(seen: &str, domain: &str, port: &str, listener: SocketAddr) -> String {
    seen.replace(domain, "{row}").replace(port, "{port}").replace(&listener.port().to_string(), "{listener}")
}

/// How a request is sent.
#[derive(Debug, Clone, Copy)]
enum Over {
    Http1,
    Http2,
}

/// Answers with how often they came.
fn listed(answers: &BTreeMap<String, usize>, often: impl Fn(usize) -> String) -> String {
    let answers: Vec<_> = answers.iter().map(|(answer, count)| format!("{} {answer}", often(*count))).collect();
    answers.join(", ")
}

/// What is seen of an answer.
#[derive(Debug, Clone, Copy)]
enum Show {
    Logged,
    Plain,
    Headers,
    Names,
    All,
}

impl Show {
    async fn answer(self, answer: &Message, id: &str, log: &PathBuf) -> String {
        let mut seen: String = answer.interim.iter().map(|status| format!("{status} ")).collect();
        seen.push_str(&answer.status().to_string());
        if let Self::Names = self {
            seen.extend(answer.names.iter().map(|name| format!(" {name}")));
            return seen;
        }
        if let Self::Logged | Self::All = self {
            let (flags, details) = logged(log, id).await;
            seen.push_str(&format!(" {flags} {details}"));
        }
        let shows_headers = matches!(self, Self::Headers | Self::All);
        if shows_headers {
            let headers = answer.headers.iter().filter(|line| matches!(self, Self::Headers) || !is_envoys(line));
            seen.extend(headers.map(|line| format!("\n{}", without_time(line))));
        }
        if !answer.body.is_empty() {
            seen.push_str(if shows_headers { "\n\n" } else { " " });
            seen.push_str(&answer.body);
        }
        if let Some(why) = &answer.broken {
            seen.push_str(&format!(" [{why}]"));
        }
        seen.extend(answer.trailers.iter().map(|trailer| format!("\n+ {trailer}")));
        seen
    }
}

/// Whether a header is on all of Envoy's answers and none of Backstay's. Rows that see headers alone see these.
fn is_envoys(line: &str) -> bool {
    line == "server: envoy" || line.starts_with("x-envoy-upstream-service-time: ")
}

fn without_time(line: &str) -> &str {
    ["date", "x-envoy-upstream-service-time"]
        .into_iter()
        .find(|name| line.starts_with(&format!("{name}: ")) && !line.ends_with("1970 00:00:00 GMT"))
        .unwrap_or(line)
}

fn get(authority: &str) -> String {
    format!("GET / HTTP/1.1\r\nhost: {authority}\r\n{{id}}\r\n")
}

/// A name below a domain, or the domain.
pub fn below(name: &str, domain: &str) -> String {
    if name.is_empty() { domain.to_owned() } else { format!("{name}.{domain}") }
}

/// The questions from the `from`th on, without those that came before with the same number.
fn without_repetitions(all: &[Question], from: usize) -> Vec<Question> {
    let mut known = HashSet::new();
    let mut first = Vec::new();
    for (index, question) in all.iter().enumerate() {
        if known.insert((&question.name, question.kind, question.transport, question.id)) && index >= from {
            first.push(question.clone());
        }
    }
    first
}

/// A question in a word: its type, and before it the name below the domain and the transport, where they are special.
fn describe(question: &Question, domain: &str) -> String {
    let name = question.name.to_ascii_lowercase();
    let name = name.strip_suffix(domain).unwrap_or_default().trim_end_matches('.');
    let name = if name.is_empty() { String::new() } else { format!("{name}/") };
    let transport = if question.transport == "tcp" { "tcp/" } else { "" };
    format!("{name}{transport}{}", question.kind)
}

/// Flags and details that the access log has for a request; of details in braces, what is before a bar.
async fn logged(log: &PathBuf, id: &str) -> (String, String) {
    loop {
        let lines = tokio::fs::read_to_string(log).await.unwrap_or_default();
        // The last may be in the middle of being written.
        let mut lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(line) = lines.find(|line| line["user_agent"] == id) {
            let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            let details = text("details");
            let details = match details.split_once('|') {
                Some((before, _)) => format!("{before}}}"),
                None => details,
            };
            return (text("flags"), details);
        }
        // Both write it in their own time, and tell nobody.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
