//! What a create and a get cost over gRPC, beside the same over REST: one client, one connection, one after another.

use std::net::SocketAddr;

use backstay_proto::admin::backend_service_client::BackendServiceClient;
use backstay_proto::admin::{self, CreateBackendRequest, GetBackendRequest};
use tonic::transport::{Channel, Endpoint};

use super::support::{backend, http::Client, process::Process};
use super::{BACKENDS, Size, compare};

pub fn compare_with_rest(control: &Process, api: SocketAddr, size: &Size) {
    let (rounds, count) = (size.rounds, size.calls);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    // Each round has a connection of its own: one that rests for as long as the other takes is closed.
    let connect = async || {
        let channel = Endpoint::from_shared(format!("http://{api}")).expect("an address").connect().await;
        BackendServiceClient::new(channel.expect("a connection"))
    };
    compare(
        control,
        rounds,
        count,
        ["create by gRPC", "by REST"],
        |round| {
            runtime.block_on(async {
                let mut client = connect().await;
                for number in 0..count {
                    create(&mut client, &format!("g{round}-{number}")).await;
                }
            });
        },
        |round| {
            let mut rest = Client::connect(api);
            for number in 0..count {
                let body = backend(&format!("r{round}-{number}"), "127.0.0.1");
                assert_eq!(rest.post(BACKENDS, &body).status, 201);
            }
        },
    );
    compare(
        control,
        rounds,
        count,
        ["get by gRPC", "by REST"],
        |_| {
            runtime.block_on(async {
                let mut client = connect().await;
                for number in 0..count {
                    let request = GetBackendRequest { name: format!("backends/r0-{number}"), read_mask: None };
                    client.get_backend(request).await.expect("an answer");
                }
            });
        },
        |_| {
            let mut rest = Client::connect(api);
            for number in 0..count {
                assert_eq!(rest.get(&format!("{BACKENDS}/r0-{number}")).status, 200);
            }
        },
    );
}

async fn create(client: &mut BackendServiceClient<Channel>, name: &str) {
    let endpoint = admin::backend::Endpoint { ip: Some("127.0.0.1".to_owned()), fqdn: None };
    let spec = admin::backend::Spec { endpoints: vec![endpoint], ..Default::default() };
    let backend = admin::Backend { spec: Some(spec), ..Default::default() };
    let request = CreateBackendRequest { backend_id: name.to_owned(), backend: Some(backend), ..Default::default() };
    client.create_backend(request).await.expect("an answer");
}
