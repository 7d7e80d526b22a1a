// A control plane on the snapshot cache of go-control-plane: so many clusters for every node, and one of them changes for each
// request to its HTTP address. benches/discovery.rs runs it beside Backstay.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Every node has the same configuration, as the proxies of one fleet have.
type oneForAll struct{}

func (oneForAll) ID(*core.Node) string { return "all" }

func backend(number int, port uint32) types.Resource {
	name := fmt.Sprintf("backend/b%d", number)
	address := &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
		Address:       "127.0.0.1",
		PortSpecifier: &core.SocketAddress_PortValue{PortValue: port},
	}}}
	one := &endpoint.LbEndpoint{HostIdentifier: &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{Address: address}}}
	return &cluster.Cluster{
		Name:                 name,
		ConnectTimeout:       durationpb.New(5 * time.Second),
		ClusterDiscoveryType: &cluster.Cluster_Type{Type: cluster.Cluster_STATIC},
		LoadAssignment: &endpoint.ClusterLoadAssignment{
			ClusterName: name,
			Endpoints:   []*endpoint.LocalityLbEndpoints{{LbEndpoints: []*endpoint.LbEndpoint{one}}},
		},
	}
}

func main() {
	discoveryAddress := flag.String("xds", "127.0.0.1:21681", "address of discovery")
	control := flag.String("control", "127.0.0.1:21680", "address that changes a cluster when it is asked")
	count := flag.Int("count", 10000, "clusters")
	flag.Parse()

	clusters := make([]types.Resource, *count)
	for number := range clusters {
		clusters[number] = backend(number, 8080)
	}
	snapshots := cache.NewSnapshotCache(true, oneForAll{}, nil)
	version := 0
	publish := func() {
		version++
		snapshot, err := cache.NewSnapshot(fmt.Sprint(version), map[resource.Type][]types.Resource{resource.ClusterType: clusters})
		if err != nil {
			log.Fatal(err)
		}
		if err := snapshots.SetSnapshot(context.Background(), "all", snapshot); err != nil {
			log.Fatal(err)
		}
	}
	publish()

	http.HandleFunc("/change", func(answer http.ResponseWriter, _ *http.Request) {
		next := append([]types.Resource(nil), clusters...)
		next[0] = backend(0, uint32(10000+version))
		clusters = next
		publish()
		answer.WriteHeader(http.StatusOK)
	})
	listener, err := net.Listen("tcp", *discoveryAddress)
	if err != nil {
		log.Fatal(err)
	}
	service := grpc.NewServer(grpc.MaxConcurrentStreams(1000000))
	discovery.RegisterAggregatedDiscoveryServiceServer(service, server.NewServer(context.Background(), snapshots, nil))
	go func() { log.Fatal(service.Serve(listener)) }()
	log.Fatal(http.ListenAndServe(*control, nil))
}
