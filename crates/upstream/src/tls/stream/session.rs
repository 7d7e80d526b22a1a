//! A TLS session without its socket.

use std::fmt;
use std::io::{self, IoSlice};

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic};
use tokio::io::ReadBuf;

use super::buffers::{Outgoing, Plaintext, Window};

/// Most that is encrypted at once.
const MOST_WRITTEN: usize = 64 << 10;
/// Most that is in a record.
const RECORD: usize = 16 << 10;
/// Most that a record is longer than what is in it.
const OVERHEAD: usize = 64;

/// A TLS session without its socket.
pub(super) struct Session {
    tls: UnbufferedClientConnection,
    /// What was decrypted and for which the reader had no room.
    pub(super) plaintext: Plaintext,
    /// Records to be sent.
    pub(super) outgoing: Outgoing,
    /// The endpoint has said that nothing follows.
    pub(super) ended: bool,
    failed: Option<rustls::Error>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// What is wanted of a session.
#[derive(Debug)]
pub(super) enum Task<'t, 'b> {
    /// To agree on keys.
    Handshake,
    /// To decrypt.
    Read(&'t mut ReadBuf<'b>),
    /// To encrypt, and to say how much of it was.
    Write(&'t [IoSlice<'t>], &'t mut usize),
    /// To say that nothing follows.
    Close,
}

impl Session {
    pub(super) fn new(tls: UnbufferedClientConnection) -> Self {
        Self { tls, plaintext: Plaintext::default(), outgoing: Outgoing::default(), ended: false, failed: None }
    }

    /// Whether there are no keys yet.
    pub(super) fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    /// What the endpoint has chosen to speak.
    pub(super) fn protocol(&self) -> Option<&[u8]> {
        self.tls.alpn_protocol()
    }

    /// Works on `task` until it is done or cannot be without more records. An error is final; what tells the endpoint is
    /// outgoing then.
    pub(super) fn advance(&mut self, window: &mut Window<'_>, mut task: Task<'_, '_>) -> io::Result<()> {
        if let Some(error) = &self.failed {
            return Err(invalid(error));
        }
        loop {
            if matches!(&task, Task::Read(buf) if buf.remaining() == 0) {
                return Ok(());
            }
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(window.records());
            let mut resting = false;
            let result = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        discard += record.discard;
                        let mut payload = record.payload;
                        if let Task::Read(buf) = &mut task {
                            let (fits, rest) = payload.split_at(payload.len().min(buf.remaining()));
                            buf.put_slice(fits);
                            payload = rest;
                        }
                        self.plaintext.keep(payload);
                    }
                    Ok(())
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    self.outgoing.add(0, |room| data.encode(room), encoded_size)
                }
                // What is outgoing is sent in its order, whatever the session is told.
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    Ok(())
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.ended = true;
                    Ok(())
                }
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    resting = true;
                    match &mut task {
                        Task::Handshake | Task::Read(_) => Ok(()),
                        Task::Write(bufs, written) => encrypt(&mut traffic, bufs, written, &mut self.outgoing),
                        Task::Close => {
                            self.outgoing.add(OVERHEAD, |room| traffic.queue_close_notify(room), encrypted_size)
                        }
                    }
                }
                // Blocked, or closed on both sides.
                Ok(_) => {
                    resting = true;
                    Ok(())
                }
                Err(error) => {
                    window.discard(discard);
                    return Err(self.fail(window, error));
                }
            };
            window.discard(discard);
            if result.is_err() || resting {
                return result;
            }
        }
    }

    fn fail(&mut self, window: &mut Window<'_>, error: rustls::Error) -> io::Error {
        // An alert comes before anything else. To ask again would make rustls read the same record again.
        if let Ok(ConnectionState::EncodeTlsData(mut data)) = self.tls.process_tls_records(window.records()).state {
            let _ = self.outgoing.add(0, |room| data.encode(room), encoded_size);
        }
        invalid(self.failed.insert(error))
    }
}

fn invalid(error: &rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.clone())
}

fn encrypt(
    traffic: &mut WriteTraffic<'_, ClientConnectionData>,
    bufs: &[IoSlice<'_>],
    written: &mut usize,
    outgoing: &mut Outgoing,
) -> io::Result<()> {
    for buf in bufs {
        let piece = &buf[..buf.len().min(MOST_WRITTEN - *written)];
        if !piece.is_empty() {
            let room = piece.len() + (piece.len() / RECORD + 1) * OVERHEAD;
            outgoing.add(room, |room| traffic.encrypt(piece, room), encrypted_size)?;
            *written += piece.len();
        }
    }
    Ok(())
}

const fn encoded_size(error: &EncodeError) -> Option<usize> {
    match error {
        EncodeError::InsufficientSize(size) => Some(size.required_size),
        EncodeError::AlreadyEncoded => None,
    }
}

const fn encrypted_size(error: &EncryptError) -> Option<usize> {
    match error {
        EncryptError::InsufficientSize(size) => Some(size.required_size),
        EncryptError::EncryptExhausted => None,
    }
}
