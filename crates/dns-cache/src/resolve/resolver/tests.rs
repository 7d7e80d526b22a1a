use super::*;

/// A resolver of the files in `directory`, which must be there.
fn of_files(directory: &std::path::Path) -> SystemResolver {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let servers = system_servers(directory.join("resolv.conf"), TlsConnector::from(Arc::new(config))).unwrap();
    let common = Common { hosts: system_hosts(directory.join("hosts")), servers: Source::System(servers) };
    SystemResolver::sharing(Arc::new(common))
}

fn asked(resolver: &SystemResolver) -> Vec<String> {
    resolver.joint().0.list.iter().map(|server| server.address.ip().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_systems_files_are_read_again_when_they_change() {
    let directory = std::env::temp_dir().join(format!("backstay-{}-{}", std::process::id(), rand::random::<u64>()));
    std::fs::create_dir(&directory).unwrap();
    let write = |file: &str, text: &str| std::fs::write(directory.join(file), text).unwrap();
    write("resolv.conf", "nameserver 192.0.2.1\n");
    write("hosts", "10.0.0.1 h.example\n");
    let resolver = of_files(&directory);
    let apart = resolver.apart();
    let address = async || resolver.query("h.example".into(), RecordKind::A).await;
    assert_eq!(address().await, Answer::Addresses(vec![[10, 0, 0, 1].into()], FIXED_TTL));
    assert_eq!(asked(&resolver), ["192.0.2.1"]);
    let before = resolver.joint();

    write("hosts", "10.0.0.22 h.example\n");
    write("resolv.conf", "nameserver 192.0.2.22\nnameserver 2001:db8::2\n");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(address().await, Answer::Addresses(vec![[10, 0, 0, 22].into()], FIXED_TTL));
    assert_eq!(asked(&resolver), ["192.0.2.22", "2001:db8::2"]);
    assert_eq!(asked(&apart), ["192.0.2.22", "2001:db8::2"]);
    assert!(!Arc::ptr_eq(&before, &resolver.joint()) && Arc::ptr_eq(&resolver.joint(), &resolver.joint()));

    // A file that names nobody is being written, or a mistake.
    write("resolv.conf", "# none\n");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(asked(&resolver), ["192.0.2.22", "2001:db8::2"]);
    std::fs::remove_dir_all(directory).unwrap();
}
