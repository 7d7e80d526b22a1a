use std::io::ErrorKind;

use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn an_address_is_taken_at_once_and_serves_nobody_before_it_is_said() {
    let bound = Bound::at("127.0.0.1:0".parse().unwrap(), "the test").unwrap();
    let address = bound.address();
    assert_ne!(address.port(), 0);
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let listener = bound.listen().unwrap();
    assert!(TcpStream::connect(address).await.is_ok());
    let taken = Bound::at(address, "the test").unwrap_err();
    assert!(taken.to_string().contains("cannot listen on"), "{taken}");
    drop(listener);
}
