//! Calls to etcd: which member is asked, and what its failures mean.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use backstay_proto::etcd::etcdserverpb::auth_client::AuthClient;
use backstay_proto::etcd::etcdserverpb::kv_client::KvClient;
use backstay_proto::etcd::etcdserverpb::lease_client::LeaseClient;
use backstay_proto::etcd::etcdserverpb::watch_client::WatchClient;
use backstay_proto::etcd::etcdserverpb::{
    AuthenticateRequest, CompactionRequest, LeaseGrantRequest, LeaseKeepAliveRequest, LeaseRevokeRequest, RangeRequest,
    RangeResponse, TxnRequest, TxnResponse, WatchRequest, WatchResponse,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};

use super::connect;
use super::options::{EtcdOptions, Login};
use crate::{EtcdError, OpenError};

/// The largest answer that is read. A page of objects that is larger is asked for again in smaller ones.
const ANSWER_BYTES: usize = 64 << 20;

/// The members of a cluster.
#[derive(Debug)]
pub(super) struct Client {
    members: Vec<Member>,
    login: Option<Login>,
    /// What a login gave.
    token: ArcSwapOption<MetadataValue<Ascii>>,
    try_timeout: Duration,
    commit_timeout: Duration,
    rest: Duration,
    /// When each member that failed last may be asked again, and which is asked while all is well.
    state: Mutex<State>,
}

#[derive(Debug)]
struct Member {
    name: String,
    channel: Channel,
    /// How often it did not answer in time: whoever listens to it should rather listen to another.
    hung: watch::Sender<u64>,
}

/// What happens, as one member tells it.
pub(super) struct Told {
    pub(super) responses: Streaming<WatchResponse>,
    /// The member.
    pub(super) member: usize,
    hung: watch::Receiver<u64>,
}

impl Told {
    /// The next response. The stream is over as well once the member does not answer others in time: a connection over which nothing comes
    /// says only later that it leads nowhere.
    pub(super) async fn next(&mut self) -> Result<WatchResponse, EtcdError> {
        let said = |what: &str| EtcdError::new("", what.to_owned());
        tokio::select! {
            biased;
            response = self.responses.message() => match response {
                Ok(Some(response)) => Ok(response),
                Ok(None) => Err(said("the member ended the stream of events")),
                Err(status) => Err(said(status.message())),
            },
            Ok(()) = self.hung.changed() => Err(said("the member that tells what happens does not answer in time")),
        }
    }
}

#[derive(Debug)]
struct State {
    preferred: usize,
    resting: Vec<Option<Instant>>,
}

/// What a failed call means for who made it.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// Whether it was done is not known; another member may answer.
    Unknown(EtcdError),
    /// It was not done, and would not be on another member either.
    Refused(EtcdError),
    /// It was not done: who asks has to log in again.
    LoggedOut(EtcdError),
    /// etcd has no room left. It may have been done nevertheless.
    Full(EtcdError),
    /// The answer was larger than what is read at once.
    TooLarge(EtcdError),
}

impl Failure {
    pub(super) fn into_error(self) -> EtcdError {
        match self {
            Self::Unknown(error)
            | Self::Refused(error)
            | Self::LoggedOut(error)
            | Self::Full(error)
            | Self::TooLarge(error) => error,
        }
    }
}

impl Client {
    pub(super) fn new(options: &EtcdOptions) -> Result<Self, OpenError> {
        let failed = |source: std::io::Error| OpenError::Etcd { source: EtcdError::new("TLS", source.to_string()) };
        let tls = options.tls.as_ref().map(connect::client_config).transpose().map_err(failed)?;
        let member = |name: &String| {
            let channel = connect::channel(name, options, tls.as_ref()).map_err(failed)?;
            Ok(Member { name: name.clone(), channel, hung: watch::Sender::new(0) })
        };
        let members = options.endpoints.iter().map(member).collect::<Result<Vec<_>, OpenError>>()?;
        let state = State { preferred: 0, resting: vec![None; members.len()] };
        let EtcdOptions { try_timeout, commit_timeout, rest, ref login, .. } = *options;
        let (login, token, state) = (login.clone(), ArcSwapOption::empty(), Mutex::new(state));
        Ok(Self { members, login, token, try_timeout, commit_timeout, rest, state })
    }

    /// One attempt. What was done is not known where that is the failure.
    pub(super) async fn txn(&self, txn: TxnRequest) -> Result<TxnResponse, Failure> {
        self.attempt(self.commit_timeout, move |channel, wrap| async move {
            kv(channel).txn(wrap.request(txn)).await.map(tonic::Response::into_inner)
        })
        .await
    }

    /// Reads, from whichever member answers until the deadline.
    pub(super) async fn range(&self, range: RangeRequest, deadline: Instant) -> Result<RangeResponse, Failure> {
        loop {
            let range = range.clone();
            let answer = self
                .attempt(self.try_timeout, move |channel, wrap| async move {
                    kv(channel).range(wrap.request(range)).await.map(tonic::Response::into_inner)
                })
                .await;
            match answer {
                Err(Failure::Unknown(_) | Failure::LoggedOut(_)) if Instant::now() < deadline => {
                    // Members that refuse a connection do so at once.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                other => return other,
            }
        }
    }

    pub(super) async fn compact(&self, revision: i64) -> Result<(), Failure> {
        let compaction = CompactionRequest { revision, physical: false };
        self.attempt(self.try_timeout, move |channel, wrap| async move {
            kv(channel).compact(wrap.request(compaction)).await.map(|_| ())
        })
        .await
    }

    /// A lease that ends by itself. Returns its number.
    pub(super) async fn grant(&self, ttl: Duration) -> Result<i64, Failure> {
        let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
        self.attempt(self.commit_timeout, move |channel, wrap| async move {
            let request = LeaseGrantRequest { ttl: seconds, id: 0 };
            LeaseClient::new(channel).lease_grant(wrap.request(request)).await.map(|answer| answer.into_inner().id)
        })
        .await
    }

    /// Has a lease begin anew. False when there is none any more.
    pub(super) async fn keep_alive(&self, lease: i64) -> Result<bool, Failure> {
        self.attempt(self.commit_timeout, move |channel, wrap| async move {
            let requests = wrap.request(tokio_stream::once(LeaseKeepAliveRequest { id: lease }));
            let mut answers = LeaseClient::new(channel).lease_keep_alive(requests).await?.into_inner();
            let answer = answers.message().await?.ok_or_else(|| Status::unavailable("the member ended the stream"))?;
            Ok(answer.ttl > 0)
        })
        .await
    }

    /// Ends a lease now, and with it the keys under it.
    pub(super) async fn revoke(&self, lease: i64) -> Result<(), Failure> {
        self.attempt(self.commit_timeout, move |channel, wrap| async move {
            LeaseClient::new(channel).lease_revoke(wrap.request(LeaseRevokeRequest { id: lease })).await.map(|_| ())
        })
        .await
    }

    /// Begins to watch. Dropping what is returned ends it.
    pub(super) async fn watch(&self, request: WatchRequest) -> Result<Told, Failure> {
        let member = self.pick();
        let hung = self.members.get(member).map_or_else(|| watch::channel(0).1, |member| member.hung.subscribe());
        let requests = tokio_stream::StreamExt::chain(tokio_stream::once(request), tokio_stream::pending());
        let responses = self
            .attempt_at(member, self.try_timeout, move |channel, wrap| async move {
                let mut client = WatchClient::new(channel).max_decoding_message_size(usize::MAX);
                let mut requests = wrap.request(requests);
                // A member that has lost the others says so and ends the stream, in place of saying nothing.
                requests.metadata_mut().insert("hasleader", MetadataValue::from_static("true"));
                client.watch(requests).await.map(tonic::Response::into_inner)
            })
            .await?;
        Ok(Told { responses, member, hung })
    }

    /// A member that was found not to answer, by whoever used a stream to it.
    pub(super) fn failed(&self, member: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(resting) = state.resting.get_mut(member) {
            *resting = Some(Instant::now() + self.rest);
        }
        if state.preferred == member {
            state.preferred = (member + 1) % self.members.len().max(1);
        }
    }

    /// The member to ask: the one that has answered so far, unless it rests; of those that all rest, the one whose rest ends first.
    fn pick(&self) -> usize {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let count = self.members.len();
        let rests = |index: usize| state.resting.get(index).copied().flatten().filter(|until| *until > now);
        let order = (0..count).map(|step| (state.preferred + step) % count);
        let chosen = order.min_by_key(|index| rests(*index)).unwrap_or_default();
        state.preferred = chosen;
        chosen
    }

    async fn attempt<T, F>(&self, within: Duration, call: impl FnOnce(Channel, Wrap) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Status>>,
    {
        self.attempt_at(self.pick(), within, call).await
    }

    async fn attempt_at<T, F>(
        &self,
        index: usize,
        within: Duration,
        call: impl FnOnce(Channel, Wrap) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let Some(member) = self.members.get(index) else {
            return Err(Failure::Refused(EtcdError::new("", "there are no members".to_owned())));
        };
        let wrap = Wrap(self.authenticate(member).await?);
        let failure = match timeout(within, call(member.channel.clone(), wrap)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(status)) => judge(&member.name, &status),
            Err(_) => {
                // Where there is no other, who listens can only wait.
                if self.members.len() > 1 {
                    member.hung.send_modify(|times| *times += 1);
                }
                Failure::Unknown(EtcdError::new(&member.name, format!("no answer within {within:?}")))
            }
        };
        match &failure {
            Failure::Unknown(_) => self.failed(index),
            Failure::LoggedOut(_) => self.token.store(None),
            Failure::Refused(_) | Failure::Full(_) | Failure::TooLarge(_) => (),
        }
        Err(failure)
    }

    async fn authenticate(&self, member: &Member) -> Result<Option<MetadataValue<Ascii>>, Failure> {
        let Some(Login { user, password }) = &self.login else { return Ok(None) };
        if let Some(token) = &*self.token.load() {
            return Ok(Some(MetadataValue::clone(token)));
        }
        let request = AuthenticateRequest { name: user.clone(), password: password.clone() };
        let mut client = AuthClient::new(member.channel.clone());
        let answer = match timeout(self.try_timeout, client.authenticate(request)).await {
            Ok(Ok(answer)) => answer.into_inner(),
            Ok(Err(status)) if status.code() == Code::InvalidArgument => {
                return Err(Failure::Refused(EtcdError::new(
                    &member.name,
                    format!("user {user:?} cannot log in: {}", status.message()),
                )));
            }
            // Nothing else was asked for yet.
            Ok(Err(status)) => return Err(judge(&member.name, &status)),
            Err(_) => return Err(Failure::Unknown(EtcdError::new(&member.name, "no answer to a login".to_owned()))),
        };
        let Ok(token) = MetadataValue::try_from(answer.token) else {
            return Err(Failure::Refused(EtcdError::new(
                &member.name,
                "the token of a login cannot be sent".to_owned(),
            )));
        };
        self.token.store(Some(Arc::new(token.clone())));
        Ok(Some(token))
    }
}

/// What every request carries.
pub(super) struct Wrap(Option<MetadataValue<Ascii>>);

impl Wrap {
    fn request<T>(self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = self.0 {
            request.metadata_mut().insert("token", token);
        }
        request
    }
}

fn kv(channel: Channel) -> KvClient<Channel> {
    KvClient::new(channel).max_decoding_message_size(ANSWER_BYTES).max_encoding_message_size(usize::MAX)
}

/// etcd says most of it by code, and some by text alone.
fn judge(member: &str, status: &Status) -> Failure {
    let said = status.message();
    let error = EtcdError::new(member, said.to_owned());
    match status.code() {
        Code::ResourceExhausted if said.contains("space exceeded") => Failure::Full(error),
        Code::ResourceExhausted if said.contains("larger than max") => Failure::Refused(error),
        Code::OutOfRange if said.contains("decoded message length too large") => Failure::TooLarge(error),
        Code::Unauthenticated => Failure::LoggedOut(error),
        // Any change of etcd's users makes tokens void that were given before.
        Code::InvalidArgument if said.contains("auth store is old") || said.contains("invalid auth token") => {
            Failure::LoggedOut(error)
        }
        Code::InvalidArgument
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented => Failure::Refused(error),
        _ => Failure::Unknown(error),
    }
}
