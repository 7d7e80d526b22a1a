// Runs the conformance suite of the Gateway API against Backstay.
//
//	go test -timeout 60m ./... -args -backstay ../../target/release/backstay
//
// Services and pods, which Backstay does not have, are stood in for: see shim.go.
package conformance

import (
	"encoding/json"
	"flag"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	gatewayalpha2 "sigs.k8s.io/gateway-api/apis/v1alpha2"
	gatewayalpha3 "sigs.k8s.io/gateway-api/apis/v1alpha3"
	gatewayx "sigs.k8s.io/gateway-api/apisx/v1alpha1"
	suites "sigs.k8s.io/gateway-api/conformance"
	reports "sigs.k8s.io/gateway-api/conformance/apis/v1"
	timeouts "sigs.k8s.io/gateway-api/conformance/utils/config"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

var (
	binary  = flag.String("backstay", "../../target/release/backstay", "the command under test")
	report  = flag.String("to", "", "file that the report is written to")
	only    = flag.String("only", "", "the one test that is run")
	version = flag.String("release", "unknown", "version of the command, for the report")
	also    = flag.String("also", "", "features that are tried although they are not claimed, separated by commas")
)

// Tests that cannot hold where a route leads to Backends, which are cluster-scoped: no ReferenceGrant decides on them.
var notApplicable = []string{
	"HTTPRouteInvalidCrossNamespaceBackendRef",
	"HTTPRouteInvalidReferenceGrant",
	"HTTPRoutePartiallyInvalidViaInvalidReferenceGrant",
	"HTTPRouteReferenceGrant",
	"HTTPRouteServiceTypes",
}

func TestConformance(t *testing.T) {
	log.SetLogger(zap.New(zap.WriteTo(os.Stdout)))
	backstay := start(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	shim := newShim(backstay)
	server := &http.Server{Handler: shim, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })

	config := &rest.Config{Host: "http://" + listener.Addr().String(), QPS: 1000, Burst: 1000}
	// What is kept by the shim is read as JSON.
	config.ContentType = "application/json"
	client, err := client.New(config, client.Options{})
	require.NoError(t, err)
	for _, add := range []func() error{
		func() error { return gateway.Install(client.Scheme()) },
		func() error { return gatewayalpha2.Install(client.Scheme()) },
		func() error { return gatewayalpha3.Install(client.Scheme()) },
		func() error { return gatewayx.Install(client.Scheme()) },
		func() error { return apiextensions.AddToScheme(client.Scheme()) },
	} {
		require.NoError(t, add())
	}
	clients, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)

	options := suite.ConformanceOptions{
		Client: client, Clientset: clients, RestConfig: config, ManifestFS: []fs.FS{&suites.Manifests},
		ConfigurableOptions: suite.ConfigurableOptions{
			GatewayClassName: "backstay", CleanupBaseResources: true, CleanupTestResources: true, RunTest: *only,
			SkipTests: notApplicable, TimeoutConfig: timeouts.DefaultTimeoutConfig(), AllowCRDsMismatch: true,
			ConformanceProfiles: []suite.ConformanceProfileName{suite.GatewayHTTPConformanceProfileName},
			ReportOutputPath:    *report,
			Implementation: reports.Implementation{
				Organization: "backstay", Project: "backstay", URL: "https://backstay.invalid", Version: *version, Contact: []string{"none"},
			},
			UsableNetworkAddresses:   []gateway.GatewaySpecAddress{{Value: "127.9.1.1"}},
			UnusableNetworkAddresses: []gateway.GatewaySpecAddress{{Value: "192.0.2.1"}},
		},
	}
	if *also != "" {
		options.SupportedFeatures = claimed(t, client)
		for _, name := range strings.Split(*also, ",") {
			options.SupportedFeatures = append(options.SupportedFeatures, features.FeatureName(name))
		}
	}
	suites.RunConformanceWithOptions(t, options)
}

// The features that the GatewayClass says are done.
func claimed(t *testing.T, from client.Client) []features.FeatureName {
	var class gateway.GatewayClass
	require.NoError(t, from.Get(t.Context(), client.ObjectKey{Name: "backstay"}, &class))
	var names []features.FeatureName
	for _, feature := range class.Status.SupportedFeatures {
		names = append(names, features.FeatureName(feature.Name))
	}
	return names
}

// Starts a control plane and a proxy. Returns where the API is.
func start(t *testing.T) *url.URL {
	command, err := filepath.Abs(*binary)
	require.NoError(t, err)
	directory := t.TempDir()
	addresses := filepath.Join(directory, "addresses.json")
	run(t, command, directory, "control-plane", "--api", "127.0.0.1:0", "--xds", "127.0.0.1:0", "--data-dir", directory,
		"--address-file", addresses)
	var bound struct{ API, XDS string }
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(addresses)
		return err == nil && json.Unmarshal(text, &bound) == nil && bound.API != ""
	}, time.Minute, 50*time.Millisecond, "the control plane does not start")
	run(t, command, directory, "proxy", "--control-plane", "http://"+bound.XDS, "--admin", "127.0.0.1:0")
	api, err := url.Parse("http://" + bound.API)
	require.NoError(t, err)
	return api
}

func run(t *testing.T, command, directory string, arguments ...string) {
	process := exec.Command(command, arguments...)
	output, err := os.Create(filepath.Join(directory, arguments[0]+".log"))
	require.NoError(t, err)
	process.Stdout, process.Stderr = output, output
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		process.Process.Kill()
		process.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(output.Name())
			t.Logf("%s:\n%.20000s", arguments[0], text)
		}
	})
}
