//! The upstream of the benchmarks: nginx, with one worker.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{find, write};

/// Writes a certificate for `upstream.test` and its key, and returns the file of the authority that signed it.
pub fn certificate(folder: &Path) -> PathBuf {
    let authority_key = rcgen::KeyPair::generate().expect("a key");
    let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).expect("parameters");
    // A name of its own: OpenSSL takes a certificate whose issuer is called as its subject for one signed by itself.
    authority.distinguished_name.push(rcgen::DnType::CommonName, "authority");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).expect("a certificate");
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let leaf = rcgen::CertificateParams::new(vec!["upstream.test".to_owned()]).expect("parameters");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    write(folder, "upstream.pem", &leaf.pem());
    write(folder, "upstream.key", &key.serialize_pem());
    write(folder, "authority.pem", &root.pem())
}

/// Answers every path with 128 bytes, `/large.bin` with 64 KiB and `/huge.bin` with 1 MiB, on a port without TLS and on one
/// with. Needs [`certificate`].
pub fn command(folder: &Path, plain: u16, tls: u16) -> Command {
    let body = "x".repeat(128);
    write(folder, "large.bin", &"y".repeat(64 << 10));
    write(folder, "huge.bin", &"z".repeat(1 << 20));
    let config = format!(
        "worker_processes 1; daemon off; pid {0}/upstream.pid; error_log {0}/upstream.log; events {{ worker_connections 16384; }}
         http {{ access_log off; keepalive_requests 100000000; sendfile on; server {{
         listen 127.0.0.1:{plain} backlog=4096; listen 127.0.0.1:{tls} ssl backlog=4096;
         ssl_certificate {0}/upstream.pem; ssl_certificate_key {0}/upstream.key; root {0};
         location / {{ default_type text/plain; return 200 '{body}'; }} location = /large.bin {{ }} location = /huge.bin {{ }} }} }}",
        folder.display()
    );
    let mut command = Command::new(find("nginx").expect("nginx is needed (Debian: nginx-light)"));
    command.arg("-c").arg(write(folder, "upstream.conf", &config));
    command
}
