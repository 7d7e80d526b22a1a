use metrics::atomics::AtomicU64;
use std::sync::atomic::Ordering;

use super::*;
use crate::identity::AUTHENTICATED;

fn file(role: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: x}}\n\
         roleRef: {{kind: ClusterRole, name: {role}}}\nsubjects: [{{kind: Group, name: staff}}]\n"
    )
}

fn staff() -> User {
    User { groups: ["staff", AUTHENTICATED].map(str::to_owned).into(), ..User::named("x") }
}

#[tokio::test(start_paused = true)]
async fn a_file_is_read_again_and_a_bad_one_changes_nothing_but_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roles.yaml");
    std::fs::write(&path, file("view")).unwrap();
    let registry = Registry::built_in();
    let authorizer = Authorizer::of_file(&registry, &path, None).await.unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let mut readings = authorizer.readings().unwrap();
    let following = tokio::spawn(authorizer.clone().follow(Counter::from_arc(Arc::clone(&count))));
    let create = Attributes::resource("create", "core.apoxy.dev", "backends");
    let get = Attributes::resource("get", "core.apoxy.dev", "backends");
    assert!(authorizer.check(&staff(), &get).await.allowed && !authorizer.check(&staff(), &create).await.allowed);
    let replace = |text: &str| {
        let new = folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
    };
    replace(&file("nobody-has-this"));
    readings.changed().await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert!(authorizer.check(&staff(), &get).await.allowed);
    replace(&file("edit"));
    readings.changed().await.unwrap();
    assert!(authorizer.check(&staff(), &create).await.allowed);
    assert_eq!(count.load(Ordering::Relaxed), 1);
    following.abort();
}

#[tokio::test]
async fn somebody_else_is_asked_about_what_roles_do_not_allow() {
    #[derive(Debug)]
    struct Carol;
    impl AccessReview for Carol {
        fn review<'a>(
            &'a self,
            user: &'a User,
            _: &'a Attributes<'a>,
        ) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
            let decision = if user.name == "carol" { Decision::allow("asked") } else { Decision::deny("asked") };
            Box::pin(std::future::ready(decision))
        }
    }
    let authorizer = Authorizer::built_in(&Registry::built_in(), Some(Arc::new(Carol)));
    let get = Attributes::resource("get", "core.apoxy.dev", "backends");
    assert_eq!(authorizer.check(&User::named("carol"), &get).await, Decision::allow("asked"));
    assert_eq!(authorizer.check(&User::named("dave"), &get).await, Decision::deny("asked"));
    let healthz = Attributes::path("get", "/healthz");
    assert!(authorizer.check(&User::anonymous(), &healthz).await.reason.contains("backstay:public"));
}
