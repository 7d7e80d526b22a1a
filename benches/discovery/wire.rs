//! HTTP/2 as a client of many streams needs it, and no more: what carries the load must not take more of the machine than what is
//! measured. It knows what a control plane sends, and panics at anything else.

/// What HTTP/2 calls itself, before anything else (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Of a frame's head: length, type, flags, stream.
const HEAD: usize = 9;
/// The longest payload that either side may send unasked.
const LONGEST: usize = 16_384;
/// What the server may send before it is told that some was taken: of the connection, and of each stream.
const ROOM: (u32, u32) = (8 << 20, 1 << 20);
/// What either may send before it hears otherwise.
const FIRST_ROOM: i64 = 65_535;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

const INITIAL_WINDOW_SIZE: u16 = 4;

/// A connection's state, without its socket.
pub struct Wire {
    /// What is to be written.
    pub out: Vec<u8>,
    /// What was read and is no whole frame yet.
    partial: Vec<u8>,
    streams: Vec<Stream>,
    /// What may be sent on the connection, and on a new stream.
    room: (i64, i64),
    /// What has come on the connection since the server was last told.
    taken: u32,
}

struct Stream {
    room: i64,
    taken: u32,
    /// Waits for room.
    waiting: Vec<u8>,
    /// The beginning of a message.
    partial: Vec<u8>,
}

impl Wire {
    /// With so many calls of `path`, each of which begins with this message.
    pub fn open(streams: usize, path: &str, authority: &str, first: &[u8]) -> Self {
        let mut wire = Self {
            out: PREFACE.to_vec(),
            partial: Vec::new(),
            streams: Vec::with_capacity(streams),
            room: (FIRST_ROOM, FIRST_ROOM),
            taken: 0,
        };
        let mut setting = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
        setting.extend(ROOM.1.to_be_bytes());
        frame(&mut wire.out, SETTINGS, 0, 0, &setting);
        frame(&mut wire.out, WINDOW_UPDATE, 0, 0, &(ROOM.0 - 65_535).to_be_bytes());
        let head = head(path, authority);
        for index in 0..streams {
            frame(&mut wire.out, HEADERS, END_HEADERS, id(index), &head);
            wire.streams.push(Stream { room: FIRST_ROOM, taken: 0, waiting: Vec::new(), partial: Vec::new() });
            wire.send(index, first);
        }
        wire
    }

    /// Sends a message, when there is room for it.
    pub fn send(&mut self, index: usize, message: &[u8]) {
        let waiting = &mut self.streams[index].waiting;
        waiting.push(0);
        waiting.extend(u32::try_from(message.len()).expect("a message").to_be_bytes());
        waiting.extend_from_slice(message);
        self.flush(index);
    }

    /// Takes what was read, and hands over each message with the number of its stream. What that returns is sent.
    pub fn receive(&mut self, read: &[u8], mut message: impl FnMut(usize, &[u8], &mut Vec<u8>)) {
        let mut partial = std::mem::take(&mut self.partial);
        let whole = if partial.is_empty() {
            read
        } else {
            partial.extend_from_slice(read);
            &partial
        };
        let mut rest = whole;
        while let Some((head, behind)) = rest.split_at_checked(HEAD) {
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let Some((payload, behind)) = behind.split_at_checked(length) else { break };
            let stream = number(&head[5..]) & 0x7fff_ffff;
            self.frame(head[3], head[4], stream, payload, &mut message);
            rest = behind;
        }
        self.partial = rest.to_vec();
    }

    fn frame(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
        message: &mut impl FnMut(usize, &[u8], &mut Vec<u8>),
    ) {
        match kind {
            DATA => {
                assert_eq!(flags & PADDED, 0, "nobody pads");
                self.data(index(stream), payload, message);
            }
            SETTINGS if flags & ACK == 0 => {
                for setting in payload.chunks_exact(6) {
                    if setting[..2] == INITIAL_WINDOW_SIZE.to_be_bytes() {
                        let (before, now) = (self.room.1, i64::from(number(&setting[2..])));
                        self.room.1 = now;
                        self.streams.iter_mut().for_each(|stream| stream.room += now - before);
                    }
                }
                frame(&mut self.out, SETTINGS, ACK, 0, &[]);
                self.flush_all();
            }
            PING if flags & ACK == 0 => frame(&mut self.out, PING, ACK, 0, payload),
            WINDOW_UPDATE if stream == 0 => {
                self.room.0 += i64::from(number(payload));
                self.flush_all();
            }
            WINDOW_UPDATE => {
                self.streams[index(stream)].room += i64::from(number(payload));
                self.flush(index(stream));
            }
            RESET => panic!("stream {stream} was reset: {}", number(payload)),
            GO_AWAY => panic!("the connection was refused: {}", String::from_utf8_lossy(&payload[8..])),
            _ => {}
        }
    }

    fn data(&mut self, index: usize, payload: &[u8], message: &mut impl FnMut(usize, &[u8], &mut Vec<u8>)) {
        let length = u32::try_from(payload.len()).expect("a length");
        let stream = &mut self.streams[index];
        take(&mut self.out, 0, &mut self.taken, length, ROOM.0);
        take(&mut self.out, id(index), &mut stream.taken, length, ROOM.1);
        let mut partial = std::mem::take(&mut stream.partial);
        let whole = if partial.is_empty() {
            payload
        } else {
            partial.extend_from_slice(payload);
            &partial
        };
        let (mut rest, mut answer) = (whole, Vec::new());
        while let Some((head, behind)) = rest.split_at_checked(5) {
            let Some((text, behind)) = behind.split_at_checked(number(&head[1..]) as usize) else { break };
            answer.clear();
            message(index, text, &mut answer);
            self.send(index, &answer);
            rest = behind;
        }
        // A long message comes in many frames, and is not copied for each.
        let read = whole.len() - rest.len();
        if partial.is_empty() {
            partial.extend_from_slice(&payload[read..]);
        } else {
            partial.drain(..read);
        }
        self.streams[index].partial = partial;
    }

    fn flush_all(&mut self) {
        for index in 0..self.streams.len() {
            self.flush(index);
        }
    }

    fn flush(&mut self, index: usize) {
        let stream = &mut self.streams[index];
        let room = usize::try_from(self.room.0.min(stream.room)).unwrap_or_default().min(stream.waiting.len());
        for part in stream.waiting[..room].chunks(LONGEST) {
            frame(&mut self.out, DATA, 0, id(index), part);
        }
        stream.waiting.drain(..room);
        stream.room -= room as i64;
        self.room.0 -= room as i64;
    }
}

/// Counts what has come, and tells the server when it is half of what it may send.
fn take(out: &mut Vec<u8>, stream: u32, taken: &mut u32, length: u32, room: u32) {
    *taken += length;
    if *taken >= room / 2 {
        frame(out, WINDOW_UPDATE, 0, stream, &std::mem::take(taken).to_be_bytes());
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    out.extend_from_slice(&u32::try_from(payload.len()).expect("a length").to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The fields of a call, none of which a table is to keep (RFC 7541, 6.2.2; names by their place in appendix A).
fn head(path: &str, authority: &str) -> Vec<u8> {
    const POST: u8 = 0x83;
    const HTTP: u8 = 0x86;
    let mut block = vec![POST, HTTP];
    let mut literal = |name: &[u8], value: &str| {
        block.extend_from_slice(name);
        block.push(u8::try_from(value.len()).ok().filter(|length| *length < 127).expect("a short value"));
        block.extend_from_slice(value.as_bytes());
    };
    literal(&[4], path);
    literal(&[1], authority);
    literal(&[15, 31 - 15], "application/grpc");
    literal(b"\x00\x02te", "trailers");
    block
}

/// Of the streams of a client, which have odd numbers.
fn id(index: usize) -> u32 {
    u32::try_from(index).expect("a stream") * 2 + 1
}

fn index(id: u32) -> usize {
    (id as usize - 1) / 2
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"))
}
