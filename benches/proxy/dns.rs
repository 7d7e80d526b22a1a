//! A name server that answers every question for an address with 127.0.0.1 for an hour, and has no other records.

use std::net::UdpSocket;

/// Its port on 127.0.0.1.
pub const PORT: u16 = 21053;

/// Starts it on a thread that ends with the program.
pub fn answer_everything_with_loopback() {
    let socket = UdpSocket::bind(("127.0.0.1", PORT)).unwrap_or_else(|error| panic!("127.0.0.1:{PORT}: {error}"));
    std::thread::spawn(move || {
        let mut question = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let _ = socket.send_to(&answer(&question[..length]), from);
        }
    });
}

/// The answer to a query with one question (RFC 1035, section 4).
fn answer(query: &[u8]) -> Vec<u8> {
    const HEADER: usize = 12;
    let name_end = HEADER + query[HEADER..].iter().position(|byte| *byte == 0).unwrap_or_default() + 1;
    let question_end = name_end + 4;
    let is_address = query[name_end..name_end + 2] == [0, 1];
    // The identifier; response, recursion desired and available, no error; one question, one answer or none.
    let mut message = vec![query[0], query[1], 0x81, 0x80, 0, 1, 0, u8::from(is_address), 0, 0, 0, 0];
    message.extend_from_slice(&query[HEADER..question_end]);
    if is_address {
        // The name of the question, A, IN, an hour, four bytes.
        message.extend_from_slice(&[0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 127, 0, 0, 1]);
    }
    message
}
