// A controller as people write them with controller-runtime, against a control plane: it owns Backends, by what ConfigMaps say.
//
// For each ConfigMap with the label example.com/backend it applies a Backend, as its owner and with a finalizer, tells events, and says in an
// annotation that it has done so. `controller-runtime SERVER` plays the operator beside it, prints a line for each step that went as it
// should, and ends with 1 at the first that did not.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

const (
	label     = "example.com/backend"
	finalizer = "example.com/cleanup"
	owner     = "example-controller"
	namespace = "default"
	patience  = 60 * time.Second
)

var backendKind = schema.GroupVersionKind{Group: "core.apoxy.dev", Version: "v1alpha2", Kind: "Backend"}

type reconciler struct {
	client.Client
	recorder events.EventRecorder
}

func backend(name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(backendKind)
	object.SetName(name)
	return object
}

// Reconcile makes the Backend of a ConfigMap what that says, and takes it away when it goes.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var config corev1.ConfigMap
	if err := r.Get(ctx, request.NamespacedName, &config); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !config.DeletionTimestamp.IsZero() {
		if err := client.IgnoreNotFound(r.Delete(ctx, backend(config.Name))); err != nil {
			return ctrl.Result{}, err
		}
		if controllerutil.RemoveFinalizer(&config, finalizer) {
			return ctrl.Result{}, r.Update(ctx, &config)
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(&config, finalizer) {
		if err := r.Update(ctx, &config); err != nil {
			return ctrl.Result{}, err
		}
	}
	wanted := backend(config.Name)
	wanted.SetLabels(map[string]string{label: "yes"})
	endpoints := []any{map[string]any{"ip": config.Data["ip"]}}
	if err := unstructured.SetNestedSlice(wanted.Object, endpoints, "spec", "endpoints"); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.Apply(ctx, client.ApplyConfigurationFromUnstructured(wanted), client.FieldOwner(owner), client.ForceOwnership); err != nil {
		r.recorder.Eventf(&config, nil, corev1.EventTypeWarning, "Refused", "Apply", "%v", err)
		return ctrl.Result{}, err
	}
	r.recorder.Eventf(&config, wanted, corev1.EventTypeNormal, "Applied", "Apply", "Backend %s has %s", config.Name, config.Data["ip"])
	child := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: config.Name + "-child", Namespace: namespace}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, child, func() error {
		child.Data = map[string]string{"of": config.Name}
		return controllerutil.SetControllerReference(&config, child, r.Scheme())
	})
	return ctrl.Result{}, err
}

func run(server string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	config := &rest.Config{Host: server}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		LeaderElection: true, LeaderElectionID: "example-controller", LeaderElectionNamespace: namespace,
		LeaderElectionReleaseOnCancel: true, Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
	})
	if err != nil {
		return fmt.Errorf("manager: %w", err)
	}
	labelled, err := predicate.LabelSelectorPredicate(metav1.LabelSelector{MatchLabels: map[string]string{label: "yes"}})
	if err != nil {
		return err
	}
	reconcile := &reconciler{Client: manager.GetClient(), recorder: manager.GetEventRecorder(owner)}
	err = ctrl.NewControllerManagedBy(manager).For(&corev1.ConfigMap{}, builder.WithPredicates(labelled)).Owns(&corev1.ConfigMap{}).Complete(reconcile)
	if err != nil {
		return fmt.Errorf("controller: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	direct, err := client.New(config, client.Options{Scheme: manager.GetScheme()})
	if err != nil {
		return err
	}
	if err := operate(ctx, direct, manager.GetClient()); err != nil {
		return err
	}
	stop()
	if err := <-ended; err != nil {
		return fmt.Errorf("the manager ended: %w", err)
	}
	fmt.Println("ended")
	return nil
}

func until(ctx context.Context, what string, holds func(context.Context) (bool, error)) error {
	if err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, holds); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Println(what)
	return nil
}

func endpoint(ctx context.Context, reader client.Reader, name string) (string, error) {
	object := backend(name)
	if err := reader.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	endpoints, _, err := unstructured.NestedSlice(object.Object, "spec", "endpoints")
	if err != nil || len(endpoints) == 0 {
		return "", err
	}
	first, _ := endpoints[0].(map[string]any)
	ip, _ := first["ip"].(string)
	return ip, nil
}

// operate plays the operator. What it reads of Backends comes from the controller's cache, which an informer fills.
func operate(ctx context.Context, direct client.Client, cached client.Reader) error {
	config := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: namespace, Labels: map[string]string{label: "yes"}},
		Data:       map[string]string{"ip": "127.0.0.1"},
	}
	if err := direct.Create(ctx, config); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	has := func(reader client.Reader, ip string) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) {
			found, err := endpoint(ctx, reader, "shop")
			return found == ip, err
		}
	}
	if err := until(ctx, "applied", has(direct, "127.0.0.1")); err != nil {
		return err
	}
	if err := until(ctx, "cached", has(cached, "127.0.0.1")); err != nil {
		return err
	}
	patch := client.MergeFrom(config.DeepCopy())
	config.Data["ip"] = "127.0.0.2"
	if err := direct.Patch(ctx, config, patch); err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	if err := until(ctx, "applied again", has(direct, "127.0.0.2")); err != nil {
		return err
	}
	stored := backend("shop")
	if err := direct.Get(ctx, client.ObjectKeyFromObject(stored), stored); err != nil {
		return err
	}
	for _, entry := range stored.GetManagedFields() {
		if entry.Manager == owner && entry.Operation == metav1.ManagedFieldsOperationApply {
			fmt.Println("owned")
		}
	}
	stale := config.DeepCopy()
	stale.ResourceVersion = "1"
	if err := direct.Update(ctx, stale); !apierrors.IsConflict(err) {
		return fmt.Errorf("an update of an old version: %v", err)
	}
	fmt.Println("conflict")
	told := func(ctx context.Context) (bool, error) {
		var list corev1.EventList
		err := direct.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{"involvedObject.name": "shop", "reason": "Applied"})
		return len(list.Items) > 0, err
	}
	if err := until(ctx, "told", told); err != nil {
		return err
	}
	if err := direct.Delete(ctx, config); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	gone := func(object client.Object) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) {
			err := direct.Get(ctx, client.ObjectKeyFromObject(object), object)
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		}
	}
	if err := until(ctx, "finalized", gone(config)); err != nil {
		return err
	}
	if err := until(ctx, "cleaned up", gone(backend("shop"))); err != nil {
		return err
	}
	child := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "shop-child", Namespace: namespace}}
	return until(ctx, "collected", gone(child))
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: controller-runtime SERVER")
		os.Exit(2)
	}
	ctrl.SetLogger(klog.Background())
	if err := run(os.Args[1]); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
