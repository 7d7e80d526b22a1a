//! Plays a [`Row`] against one of the two, and writes down what is seen.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::client::{Message, exchange};
use crate::dns::{DnsServer, Question};
use crate::harness::PATIENCE;
use crate::row::{Row, Step};
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

/// One row in front of one proxy.
#[derive(Debug)]
pub struct Run {
    pub row: Row,
    pub listener: SocketAddr,
    pub dns: Arc<DnsServer>,
    pub upstreams: Upstreams,
    pub log: PathBuf,
    /// How many questions have been seen.
    seen: usize,
    requests: usize,
    begun: VecDeque<JoinHandle<String>>,
}

impl Run {
    pub fn new(row: Row, port: u16, dns: Arc<DnsServer>, upstreams: Upstreams, log: PathBuf) -> Self {
        let listener = SocketAddr::from(([127, 0, 0, 1], port));
        Self { row, listener, dns, upstreams, log, seen: 0, requests: 0, begun: VecDeque::new() }
    }

    /// Plays all steps; yields a line for each.
    pub async fn play(mut self) -> Vec<String> {
        let mut seen = Vec::new();
        for (step, _) in self.row.steps.clone() {
            let name = format!("{}: {step:?}", self.row.name);
            let line = tokio::time::timeout(PATIENCE, self.step(step)).await;
            seen.push(line.unwrap_or_else(|_| panic!("{name} does not end")));
        }
        seen
    }

    async fn step(&mut self, step: Step) -> String {
        match step {
            Step::Get(authority) => self.ask(get(authority), Show::Logged).await,
            Step::Raw(request) => self.ask(request.to_owned(), Show::Logged).await,
            Step::Unlogged(request) => self.ask(request.to_owned(), Show::Plain).await,
            Step::Head(request) => self.ask(request.to_owned(), Show::Headers).await,
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
            Step::Received => self.upstreams.received().to_string(),
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
        }
    }

    async fn repeat(&mut self, count: usize, request: &str) -> BTreeMap<String, usize> {
        let mut answers = BTreeMap::new();
        for _ in 0..count {
            *answers.entry(self.ask(request.to_owned(), Show::Plain).await).or_default() += 1;
        }
        answers
    }

    /// Sends a request, and yields what is seen of the answer.
    fn ask(&mut self, request: String, show: Show) -> impl Future<Output = String> + Send + use<> {
        self.requests += 1;
        let id = format!("{}/{}", self.row.name, self.requests);
        let (port, domain) = (self.upstreams.port.to_string(), self.row.domain());
        let request = request.replace("{id}", &format!("user-agent: {id}\r\n"));
        let request = request.replace("{port}", &port).replace("{row}", &domain);
        let (listener, log) = (self.listener, self.log.clone());
        async move {
            let seen = match exchange(listener, &request).await {
                Some(answer) => show.answer(&answer, &id, &log).await,
                None => "no answer".to_owned(),
            };
            let seen = WORDS.iter().fold(seen, |seen, (theirs, ours)| seen.replace(theirs, ours));
            seen.replace(&domain, "{row}").replace(&port, "{port}").replace(&listener.port().to_string(), "{listener}")
        }
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
}

impl Show {
    async fn answer(self, answer: &Message, id: &str, log: &PathBuf) -> String {
        let mut seen = answer.status().to_string();
        match self {
            Self::Plain => {}
            Self::Logged => {
                let (flags, details) = logged(log, id).await;
                seen.push_str(&format!(" {flags} {details}"));
            }
            Self::Headers => seen.extend(answer.headers.iter().map(|line| format!("\n{}", without_time(line)))),
        }
        if !answer.body.is_empty() {
            seen.push_str(if matches!(self, Self::Headers) { "\n\n" } else { " " });
            seen.push_str(&answer.body);
        }
        if let Some(why) = &answer.broken {
            seen.push_str(&format!(" [{why}]"));
        }
        seen.extend(answer.trailers.iter().map(|trailer| format!("\n+ {trailer}")));
        seen
    }
}

fn without_time(line: &str) -> &str {
    ["date", "x-envoy-upstream-service-time"]
        .into_iter()
        .find(|name| line.starts_with(&format!("{name}: ")))
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
