//! One question as bytes, and what is made of the bytes that come back.

use std::sync::Arc;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};

#[cfg(test)]
mod tests;

/// What a datagram may carry that is sent to us. Larger ones are lost where a link is narrow (RFC 9715).
const UDP_PAYLOAD: u16 = 1232;
/// RFC 1035 4.1.1.
const HEADER: usize = 12;
/// Of the third byte of a header: it is no question.
const RESPONSE: u8 = 0x80;
/// Of the third byte of a header: it is not all.
const TRUNCATED: u8 = 0x02;

/// A question for the records of one type of one name.
#[derive(Clone, Debug)]
pub(super) struct Question {
    query: Query,
}

/// Why a server was asked to no avail. Those that say more come first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Fault {
    /// It answered with this code.
    Code(Code),
    /// It answered with something that is no message, or with one cut short where nothing is.
    Malformed,
    /// It cannot be reached, or broke off.
    Unreachable,
    /// It did not answer in time.
    Timeout,
}

/// The codes by which a server says that it does not answer.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Code {
    ServFail,
    Refused,
    NotImp,
    FormErr,
    Other,
}

impl Fault {
    /// In one word.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Code(Code::ServFail) => "servfail",
            Self::Code(Code::Refused) => "refused",
            Self::Code(Code::NotImp) => "notimp",
            Self::Code(Code::FormErr) => "formerr",
            Self::Code(Code::Other) => "error_response",
            Self::Malformed => "malformed_answer",
            Self::Unreachable => "server_unreachable",
            Self::Timeout => "server_timeout",
        }
    }
}

/// What some bytes are to a question.
#[derive(Debug)]
pub(super) enum Reading {
    /// Its answer: what there is, or that there is nothing.
    Answer(Arc<Message>),
    /// There is an answer, which does not fit; with an OPT record or without. What of it is here does not count (RFC 2181 9).
    Truncated { edns: bool },
    /// The server does not answer it.
    Code(Code),
    /// The server does not answer questions with an OPT record (RFC 6891 7), or not as they are asked.
    NotWithEdns(Code),
    /// Meant as an answer, and unreadable.
    Malformed,
    /// None: no answer, or one to another question.
    Foreign,
}

impl Question {
    pub(super) fn new(name: Name, kind: RecordType) -> Self {
        Self { query: Query::query(name, kind) }
    }

    pub(super) fn name(&self) -> &Name {
        self.query.name()
    }

    pub(super) fn kind(&self) -> RecordType {
        self.query.query_type()
    }

    /// As it is sent, with an OPT record (RFC 6891) or without. None if it has no form as bytes.
    pub(super) fn to_bytes(&self, id: u16, edns: bool) -> Option<Vec<u8>> {
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(self.query.clone());
        if edns {
            let mut options = Edns::new();
            options.set_max_payload(UDP_PAYLOAD);
            message.set_edns(options);
        }
        message.to_vec().ok()
    }

    /// Reads what a server sent to where this was asked under `id`.
    pub(super) fn read(&self, id: u16, bytes: &[u8]) -> Reading {
        let Some(header) = bytes.first_chunk::<HEADER>() else {
            return Reading::Foreign;
        };
        let [id_high, id_low, flags, low_flags, ..] = *header;
        if u16::from_be_bytes([id_high, id_low]) != id || flags & RESPONSE == 0 {
            return Reading::Foreign;
        }
        let Ok(message) = Message::from_vec(bytes) else {
            // Cut wherever it was full; or of a server that cannot read the question, and gives back the header alone, its
            // counts as they were.
            return match without_question(ResponseCode::from_low(low_flags & 0x0f)) {
                _ if flags & TRUNCATED != 0 => Reading::Truncated { edns: false },
                Reading::Foreign => Reading::Malformed,
                refusal => refusal,
            };
        };
        match message.queries.as_slice() {
            [query] if *query == self.query => {}
            [] => return without_question(message.metadata.response_code),
            _ => return Reading::Foreign,
        }
        if message.metadata.truncation {
            return Reading::Truncated { edns: message.edns.is_some() };
        }
        let records = message.answers.iter().chain(&message.authorities);
        if records.map(|record| record.dns_class).any(|class| class != DNSClass::IN) {
            return Reading::Malformed;
        }
        match message.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Reading::Answer(Arc::new(message)),
            code => refusal(code),
        }
    }
}

/// An answer without a question answers nothing, but may say that the question was not understood.
fn without_question(code: ResponseCode) -> Reading {
    match code {
        ResponseCode::NoError | ResponseCode::NXDomain => Reading::Foreign,
        code => refusal(code),
    }
}

fn refusal(code: ResponseCode) -> Reading {
    match code {
        ResponseCode::FormErr => Reading::NotWithEdns(Code::FormErr),
        ResponseCode::NotImp => Reading::NotWithEdns(Code::NotImp),
        ResponseCode::BADVERS | ResponseCode::BADSIG => Reading::NotWithEdns(Code::Other),
        ResponseCode::ServFail => Reading::Code(Code::ServFail),
        ResponseCode::Refused => Reading::Code(Code::Refused),
        _ => Reading::Code(Code::Other),
    }
}
