use super::*;

#[test]
fn an_object_is_called_as_its_file() {
    for (origin, expected) in [
        ("krakend.json", "krakend"),
        ("/etc/shop/Gateway_v2.prod.json", "gateway-v2"),
        ("stdin", "krakend"),
        ("_.yaml", "krakend"),
    ] {
        assert_eq!(name(origin), expected, "{origin}");
    }
}

#[test]
fn files_that_are_there_come_along_in_secrets() {
    let directory = tempfile::tempdir().unwrap();
    for (file, text) in [("cert.pem", "chain"), ("key.pem", "key"), ("keys.json", "{}")] {
        std::fs::write(directory.path().join(file), text).unwrap();
    }
    let text = r#"{"version": 3, "tls": {"keys": [{"public_key": "./cert.pem", "private_key": "key.pem"}]},
        "endpoints": [{"endpoint": "/a", "extra_config": {"auth/validator": {"alg": "HS256", "jwk_local_path": "keys.json",
        "disable_jwk_security": true}}, "backend": [{"host": "h"}]},
        {"endpoint": "/b", "extra_config": {"auth/validator": {"alg": "HS256", "jwk_local_path": "gone.json"}}, "backend": [{"host": "h"}]}]}"#;
    let origin = directory.path().join("shop.json").display().to_string();
    let file = KrakendFile { origin, format: Format::Json, text: text.to_owned() };
    let objects = KrakendArgs { unknown_extra_config: Unknown::Warn, ..KrakendArgs::default() }.objects(&file);
    let [pair, files, config] = objects.as_slice() else { panic!("{objects:?}") };
    assert_eq!(pair["metadata"]["name"], "shop-tls-0");
    assert_eq!(pair["data"]["tls.key"], STANDARD.encode("key"));
    assert_eq!(files["data"]["file-0"], STANDARD.encode("{}"));
    assert_eq!(config["spec"]["text"], text);
    assert_eq!(config["spec"]["unknownExtraConfig"], "Warn");
    let paths: Vec<_> =
        config["spec"]["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["./cert.pem", "key.pem", "keys.json"]);
    assert_eq!(config["spec"]["files"][1]["secretRef"], json!({"name": "shop-tls-0", "key": "tls.key"}));
}
