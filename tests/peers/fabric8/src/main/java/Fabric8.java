import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.NonDeletingOperation;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * What programs do that are written with fabric8's client, against a control plane: {@code Fabric8 SERVER}. It prints a line for each
 * step that went as it should, and ends with 1 at the first that did not.
 */
public final class Fabric8 {
    private static final long PATIENCE = 60;

    public static class Endpoint {
        public String ip;
        public String fqdn;
    }

    public static class Spec {
        public String protocol;
        public List<Endpoint> endpoints = new ArrayList<>();
    }

    public static class Condition {
        public String type;
        public String status;
        public String reason;
        public String message;
        public String lastTransitionTime;
        public Long observedGeneration;
    }

    public static class Status {
        public List<Condition> conditions = new ArrayList<>();
    }

    @Group("core.apoxy.dev")
    @Version("v1alpha2")
    public static class Backend extends CustomResource<Spec, Status> {}

    /** What an informer has told. */
    private static final class Told implements ResourceEventHandler<Backend> {
        private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

        @Override
        public void onAdd(Backend backend) {
            events.add("added " + backend.getMetadata().getName());
        }

        @Override
        public void onUpdate(Backend old, Backend backend) {
            events.add("updated " + backend.getMetadata().getName() + " " + addresses(backend));
        }

        @Override
        public void onDelete(Backend backend, boolean unknown) {
            events.add("deleted " + backend.getMetadata().getName());
        }

        /** Waits for an event; those before it are of statuses, which others write. */
        void await(String wanted) throws InterruptedException {
            for (String event = ""; !event.equals(wanted); ) {
                event = events.poll(PATIENCE, TimeUnit.SECONDS);
                check(event != null, "the informer does not tell: " + wanted);
            }
        }
    }

    private static List<String> addresses(Backend backend) {
        return backend.getSpec().endpoints.stream().map(endpoint -> endpoint.ip).toList();
    }

    private static Backend backend(String name, String... addresses) {
        Backend backend = new Backend();
        backend.getMetadata().setName(name);
        backend.getMetadata().setLabels(Map.of("example.com/made-by", "fabric8"));
        Spec spec = new Spec();
        for (String address : addresses) {
            Endpoint endpoint = new Endpoint();
            endpoint.ip = address;
            spec.endpoints.add(endpoint);
        }
        backend.setSpec(spec);
        return backend;
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }

    private static void refused(int code, Runnable work) {
        try {
            work.run();
        } catch (KubernetesClientException refusal) {
            check(refusal.getCode() == code, "refused with " + refusal.getCode() + ": " + refusal.getMessage());
            return;
        }
        throw new IllegalStateException("it is not refused with " + code);
    }

    /** The default is a web socket; where that is refused, the client asks for the same as HTTP. */
    private static void watches(KubernetesClient client) throws Exception {
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        Watcher<Backend> watcher = new Watcher<>() {
            @Override
            public void eventReceived(Action action, Backend backend) {
                events.add(action + " " + backend.getMetadata().getName());
            }

            @Override
            public void onClose(WatcherException cause) {
                events.add("closed: " + cause);
            }
        };
        try (Watch watch = client.resources(Backend.class).withName("watched").watch(watcher)) {
            String kind = watch.getClass().getSimpleName();
            check(kind.equals("WatchConnectionManager"), "it is watched with " + kind);
            client.resource(backend("watched", "127.0.0.1")).create();
            String event = events.poll(PATIENCE, TimeUnit.SECONDS);
            check("ADDED watched".equals(event), "an event is " + event);
        }
        client.resources(Backend.class).withName("watched").delete();
    }

    private static void lists(KubernetesClient client) {
        List<String> names = new ArrayList<>();
        String next = null;
        do {
            var options = new ListOptionsBuilder().withLimit(2L).withContinue(next).build();
            var page = client.resources(Backend.class).withLabel("example.com/made-by", "fabric8").list(options);
            check(page.getItems().size() <= 2, "a page has " + page.getItems().size());
            page.getItems().forEach(item -> names.add(item.getMetadata().getName()));
            next = page.getMetadata().getContinue();
        } while (next != null && !next.isEmpty());
        check(names.equals(List.of("a", "b", "c")), "there are " + names);
    }

    private static void run(KubernetesClient client) throws Exception {
        var backends = client.resources(Backend.class);
        Told told = new Told();
        SharedIndexInformer<Backend> informer = backends.inform(told);
        informer.start().toCompletableFuture().get(PATIENCE, TimeUnit.SECONDS);
        System.out.println("informed");
        watches(client);
        System.out.println("watched by web socket");

        for (String name : List.of("a", "b", "c")) {
            client.resource(backend(name, "127.0.0.1")).create();
            told.await("added " + name);
        }
        refused(409, () -> client.resource(backend("a", "127.0.0.1")).create());
        System.out.println("created");
        lists(client);
        System.out.println("listed");

        Backend before = backends.withName("a").get();
        backends.withName("a").edit(backend -> {
            backend.getSpec().endpoints.get(0).ip = "127.0.0.2";
            return backend;
        });
        told.await("updated a [127.0.0.2]");
        before.getSpec().endpoints.get(0).ip = "127.0.0.9";
        refused(409, () -> client.resource(before).update());
        System.out.println("edited");

        PatchContext merge = PatchContext.of(PatchType.JSON_MERGE);
        backends.withName("a").patch(merge, "{\"spec\":{\"endpoints\":[{\"ip\":\"127.0.0.3\"}]}}");
        told.await("updated a [127.0.0.3]");
        System.out.println("patched");

        refused(409, () -> client.resource(backend("a", "127.0.0.4")).fieldManager("other").serverSideApply());
        client.resource(backend("a", "127.0.0.4")).fieldManager("other").forceConflicts().serverSideApply();
        told.await("updated a [127.0.0.4]");
        boolean owned = backends.withName("a").get().getMetadata().getManagedFields().stream()
            .anyMatch(entry -> "other".equals(entry.getManager()) && "Apply".equals(entry.getOperation()));
        check(owned, "who applied is not told");
        System.out.println("applied");

        backends.withName("a").waitUntilCondition(
            backend -> backend.getStatus() != null && backend.getStatus().conditions.stream()
                .anyMatch(condition -> "Accepted".equals(condition.type) && "True".equals(condition.status)),
            PATIENCE, TimeUnit.SECONDS);
        backends.withName("a").editStatus(backend -> {
            Condition condition = new Condition();
            condition.type = "example.com/Seen";
            condition.status = "True";
            condition.reason = "Seen";
            condition.message = "";
            condition.lastTransitionTime = "2026-01-01T00:00:00Z";
            backend.getStatus().conditions.add(condition);
            backend.getSpec().endpoints.get(0).ip = "127.0.0.9";
            return backend;
        });
        Backend after = backends.withName("a").get();
        check(after.getStatus().conditions.stream().anyMatch(condition -> "example.com/Seen".equals(condition.type)), "no status");
        check(addresses(after).equals(List.of("127.0.0.4")), "a status changed the rest");
        System.out.println("status written");

        client.resource(backend("b", "127.0.0.5")).createOr(NonDeletingOperation::update);
        told.await("updated b [127.0.0.5]");
        System.out.println("created or updated");

        GenericKubernetesResource route = client.genericKubernetesResources("gateway.networking.k8s.io/v1", "HTTPRoute")
            .load(Fabric8.class.getResourceAsStream("/route.yaml")).create();
        check(route.getMetadata().getNamespace().equals("default"), "the route is in " + route.getMetadata().getNamespace());
        check(client.genericKubernetesResources("gateway.networking.k8s.io/v1", "HTTPRoute").inAnyNamespace().list().getItems().size() == 1,
            "there is another route");
        check(client.resource(route).delete().size() == 1, "the route is not deleted");
        System.out.println("without a class");

        backends.withName("a").withGracePeriod(0).delete();
        told.await("deleted a");
        check(backends.withName("a").get() == null, "a is still there");
        backends.withLabel("example.com/made-by", "fabric8").delete();
        told.await("deleted b");
        told.await("deleted c");
        System.out.println("deleted");
        check(informer.getIndexer().list().isEmpty(), "the informer has what is gone");
        informer.close();
    }

    public static void main(String[] arguments) {
        Config config = new ConfigBuilder(Config.empty()).withMasterUrl("http://" + arguments[0].replaceFirst("^http://", ""))
            .withNamespace("default").build();
        try (KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build()) {
            run(client);
        } catch (Exception error) {
            error.printStackTrace();
            System.exit(1);
        }
        System.exit(0);
    }
}
