package main

import (
	"context"

	"github.com/luraproject/lura/v2/config"
	"github.com/luraproject/lura/v2/logging"
	"github.com/luraproject/lura/v2/proxy"
	luragin "github.com/luraproject/lura/v2/router/gin"
	"github.com/luraproject/lura/v2/transport/http/client"
	httpserver "github.com/luraproject/lura/v2/transport/http/server"
)

// serve serves a krakend.json at its port: what the engine alone costs, to be measured beside.
func serve(file string) {
	parsed, err := config.NewParser().Parse(file)
	check(err)
	parsed.Normalize()
	httpserver.InitHTTPDefaultTransport(parsed)
	backends := proxy.CustomHTTPProxyFactory(client.NewHTTPClient)
	factory := proxy.NewDefaultFactory(backends, logging.NoOp)
	luragin.DefaultFactory(factory, logging.NoOp).NewWithContext(context.Background()).Run(parsed)
}
