//! What a client of HTTP/2 has the proxy do for nothing, counted before the library reads it.
//!
//! Some frames cost the receiver work and the sender nothing, and the protocol sets no bound on them (RFC 9113, 10.5): PING and
//! SETTINGS are to be answered, PRIORITY, WINDOW_UPDATE and unknown frames are to be read. The library has bounds for streams that are
//! reset, for CONTINUATION and for DATA without any, not for these. So [`Frames`] follows the frames of a connection, of which each
//! such one takes from an allowance. Requests, bodies and what is sent to the client give back more than an honest client needs; so
//! does time. Where nothing is left the stream hands the library [`POISON`] in place of the next frame, which it ends a connection
//! for as it does for any flood: GOAWAY with `ENHANCE_YOUR_CALM`.

use std::time::Instant;

use backstay_upstream::counts::Count;

use crate::counts::Floods;

/// Frames for nothing that a client may send at once.
const ALLOWANCE: u32 = 1000;
/// Frames for nothing that a client may send in each second all the same.
const PER_SECOND: f64 = 20.0;
/// What a request gives back.
const OF_REQUEST: u32 = 10;
/// What a part of a body gives back: clients may measure how long it takes.
const OF_DATA: u32 = 2;
/// As many bytes that the client is sent give back one: those of an answer, or of a part of its body, are more than these.
const BYTES_SENT: u32 = 10;
/// Longest padding of a frame, with its length (RFC 9113, 6.1).
const MAX_PADDING: u32 = 256;

/// The end of the last frame on a connection on which more streams had to be reset than may be. The library says it nowhere else.
const RESETS_REACHED: &[u8; 24] = b"too_many_internal_resets";

/// Bytes before each frame's payload.
const HEAD: usize = 9;
/// What the client sends first (RFC 9113, 3.4).
const PREFACE: u32 = 24;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const ACK: u8 = 0x1;
const PADDED: u8 = 0x8;

/// Follows the frames that a client sends.
#[derive(Debug)]
pub(super) struct Frames {
    /// The frame under way: what was read of its head, and how much of its payload is to come.
    head: [u8; HEAD],
    read: usize,
    left: u32,
    /// Frames for nothing that the client may still send.
    allowance: u32,
    /// When time last gave some back.
    since: Instant,
    /// Bytes that will be sent only to answer such frames.
    owed: u32,
    /// Bytes sent beyond these that have given nothing back yet.
    sent: u32,
    /// The frame of which there was one too many.
    flood: Option<Flood>,
    /// What was sent last.
    last: [u8; RESETS_REACHED.len()],
}

/// Frames of which there were too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flood {
    Ping,
    Settings,
    Priority,
    WindowUpdate,
    Other,
}

impl Flood {
    /// Counts the connection that ends because of it.
    pub(super) fn count(self, floods: &Floods) {
        let count: &Count = match self {
            Self::Ping => &floods.ping,
            Self::Settings => &floods.settings,
            Self::Priority => &floods.priority,
            Self::WindowUpdate => &floods.window_update,
            Self::Other => &floods.other,
        };
        count.increment(1);
    }
}

impl Frames {
    /// At the beginning of a connection.
    pub(super) fn new() -> Self {
        Self {
            head: [0; HEAD],
            read: 0,
            left: PREFACE,
            allowance: ALLOWANCE,
            since: Instant::now(),
            owed: 0,
            sent: 0,
            flood: None,
            last: [0; RESETS_REACHED.len()],
        }
    }

    /// Looks at what follows. Ends with where the frame begins before which the connection is to end, and with why, if there is
    /// one. How the bytes are cut into parts makes no difference.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Option<(usize, Flood)> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.left > 0 {
                let there = u32::try_from(rest.len()).unwrap_or(u32::MAX).min(self.left);
                self.left -= there;
                at += there as usize;
                continue;
            }
            if let (0, Some(flood)) = (self.read, self.flood) {
                return Some((at, flood));
            }
            let taken = rest.len().min(HEAD - self.read);
            if let (Some(place), Some(head)) = (self.head.get_mut(self.read..self.read + taken), rest.get(..taken)) {
                place.copy_from_slice(head);
            }
            self.read += taken;
            at += taken;
            if self.read == HEAD {
                self.read = 0;
                self.begin();
            }
        }
        None
    }

    /// These bytes were sent.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        // A shorter one is not the end of an explanation: it is in one piece.
        if let Some(last) = bytes.last_chunk() {
            self.last = *last;
        }
        let bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let answers = bytes.min(self.owed);
        self.owed -= answers;
        let sent = self.sent.saturating_add(bytes - answers);
        self.sent = sent % BYTES_SENT;
        self.give(sent / BYTES_SENT);
    }

    /// Whether the connection ends because more streams had to be reset, for what came on them, than may be.
    pub(super) fn resets_reached(&self) -> bool {
        self.last == *RESETS_REACHED
    }

    /// A frame begins.
    fn begin(&mut self) {
        let [a, b, c, kind, flags, ..] = self.head;
        self.left = u32::from_be_bytes([0, a, b, c]);
        match kind {
            HEADERS => self.give(OF_REQUEST),
            // There may be nothing in it.
            DATA if self.left == 0 || self.left <= MAX_PADDING && flags & PADDED != 0 => {}
            DATA => self.give(OF_DATA),
            // The library has bounds for these.
            RST_STREAM | CONTINUATION => {}
            PING => self.take_answered(Flood::Ping, flags, 17),
            SETTINGS => self.take_answered(Flood::Settings, flags, 9),
            PRIORITY => self.take(Flood::Priority),
            WINDOW_UPDATE => self.take(Flood::WindowUpdate),
            _ => self.take(Flood::Other),
        }
    }

    fn give(&mut self, frames: u32) {
        self.allowance = self.allowance.saturating_add(frames).min(ALLOWANCE);
    }

    /// A frame for nothing, which is answered with so many bytes unless it is an answer.
    fn take_answered(&mut self, flood: Flood, flags: u8, bytes: u32) {
        if flags & ACK == 0 {
            self.owed = self.owed.saturating_add(bytes);
        }
        self.take(flood);
    }

    fn take(&mut self, flood: Flood) {
        if self.allowance == 0 {
            // Only here does anybody look at the clock.
            let earned = self.since.elapsed().as_secs_f64() * PER_SECOND;
            if earned >= 1.0 {
                self.since = Instant::now();
                // At most some thousand millions, and cut there.
                self.give(earned as u32);
            }
        }
        match self.allowance.checked_sub(1) {
            Some(left) => self.allowance = left,
            None => self.flood = Some(flood),
        }
    }
}

/// More frames than the library takes for a head that is as long as any may be: with heads of 16 MiB, of which it allows twice as
/// much, in frames of 16 KiB, and a quarter more.
const CONTINUATIONS: usize = 2600;

/// What the library gets in place of a flood: a head that never ends, in parts without anything in them.
pub(super) static POISON: [u8; HEAD * (1 + CONTINUATIONS)] = poison();

const fn poison() -> [u8; HEAD * (1 + CONTINUATIONS)] {
    let mut bytes = [0; HEAD * (1 + CONTINUATIONS)];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at + 3] = if at == 0 { HEADERS } else { CONTINUATION };
        // The last stream that a client may ever begin.
        bytes[at + 5] = 0x7f;
        bytes[at + 6] = 0xff;
        bytes[at + 7] = 0xff;
        bytes[at + 8] = 0xff;
        at += HEAD;
    }
    bytes
}

#[cfg(test)]
mod tests;
