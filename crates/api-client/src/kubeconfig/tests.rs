use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

const CLUSTER: &str =
    "clusters: [{name: c, cluster: {server: 'https://api.example:7080', certificate-authority: ca.pem}}]\n";

fn with_user(user: &str) -> String {
    format!(
        "{CLUSTER}users: [{{name: u, user: {user}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
    )
}

fn target(user: &str) -> Result<Target, Error> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "ca.pem", "ca");
    write(folder.path(), "token", " secret\n");
    let path = write(folder.path(), "config", &with_user(user));
    Target::of_file(&path)
}

#[tokio::test]
async fn a_context_is_its_cluster_and_its_user() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "ca.pem", "authorities");
    write(folder.path(), "token", " secret\n");
    let path = write(folder.path(), "config", &with_user("{tokenFile: token, token: other}"));
    let target = Target::of_file(&path).unwrap();
    assert_eq!(target.address.to_string(), "https://api.example:7080");
    assert_eq!(target.authorities.as_deref(), Some(&b"authorities"[..]));
    let shown = target.credential.show().await.unwrap();
    assert_eq!(shown.token.unwrap().expose(), "secret");
    assert!(!format!("{:?}", self::target("{token: top}").unwrap()).contains("top"));
}

#[test]
fn of_several_files_the_first_says_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "ca.pem", "ca");
    let first = write(folder.path(), "first", "current-context: x\nusers: [{name: u, user: {token: one}}]\n");
    let second = write(folder.path(), "second", &with_user("{token: two}"));
    let absent = folder.path().join("absent");
    let config = Kubeconfig::read(&[absent, first, second]).unwrap();
    let target = config.target(None).unwrap().unwrap();
    assert!(matches!(&target.credential, Credential::Token(token) if token.expose() == "one"));
    let error = config.target(Some("nope")).unwrap_err().to_string();
    assert!(error.contains("no context called \"nope\""), "{error}");
    assert!(Kubeconfig::read(&[]).unwrap().target(None).unwrap().is_none());
}

#[test]
fn what_is_not_done_is_refused_by_its_field_and_no_secret_is_quoted() {
    for (user, part) in [
        ("{username: a, password: hush}", "username"),
        ("{as: other, token: hush}", "as"),
        ("{client-certificate-data: aGk=}", "client-certificate"),
        ("{exec: {apiVersion: v1, command: x}}", "exec.apiVersion"),
        ("{token: [hush]}", "it is not a kubeconfig"),
    ] {
        let error = target(user).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("hush"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let insecure = with_user("{}").replace("certificate-authority: ca.pem", "insecure-skip-tls-verify: true");
    let error = Target::of_file(&write(folder.path(), "config", &insecure)).unwrap_err().to_string();
    assert!(error.contains("insecure-skip-tls-verify"), "{error}");
}

#[tokio::test]
async fn a_plugin_tells_the_token_and_is_not_asked_again_while_that_holds() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "ca.pem", "ca");
    let script = "#!/bin/sh\necho x >> \"$(dirname \"$0\")/runs\"\ncase \"$KUBERNETES_EXEC_INFO\" in *api.example*) ;; *) exit 3;; esac\n\
         printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"%s\"}}' \"$WORD$1\"\n";
    let plugin = write(folder.path(), "plugin", script);
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).unwrap();
    let exec = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: ['1'], provideClusterInfo: true, \
                env: [{name: WORD, value: abc}]}}";
    let target = Target::of_file(&write(folder.path(), "config", &with_user(exec))).unwrap();
    for _ in 0..2 {
        assert_eq!(target.credential.show().await.unwrap().token.unwrap().expose(), "abc1");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("runs")).unwrap().lines().count(), 1);
}
