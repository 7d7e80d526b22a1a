// The life of a service as the Terraform provider drives it, by the client that the provider is made with (go-fastly): created part by
// part with every field of a backend, read back list by list, validated, activated, cloned, changed, rolled back, taken away. It says
// each step that has come out as it should on a line, and ends at the first that has not.
package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"

	"github.com/fastly/go-fastly/v9/fastly"
)

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

func to[T fastly.MultiConstraint](value T) *T { return fastly.ToPointer(value) }

func yes() *fastly.Compatibool { return to(fastly.Compatibool(true)) }

// every holds what is sent of a backend; each field is one that the provider writes.
func every(service string, version int, certificate, key string) *fastly.CreateBackendInput {
	return &fastly.CreateBackendInput{
		ServiceID: service, ServiceVersion: version,
		Name: to("origin one"), Address: to("origin.example.com"), Port: to(8443), Comment: to("the first"),
		AutoLoadbalance: yes(), Weight: to(60), BetweenBytesTimeout: to(9000), ConnectTimeout: to(1500),
		FirstByteTimeout: to(14000), ErrorThreshold: to(7), KeepAliveTime: to(30), MaxConn: to(150),
		HealthCheck: to("up"), OverrideHost: to("inner.example.com"), RequestCondition: to("api only"), Shield: to("iad-va-us"),
		UseSSL: yes(), SSLCheckCert: yes(), SSLCertHostname: to("cert.example.com"), SSLSNIHostname: to("sni.example.com"),
		SSLCACert: to(certificate), SSLClientCert: to(certificate), SSLClientKey: to(key),
		SSLCiphers: to("ECDHE-RSA-AES128-GCM-SHA256"), MinTLSVersion: to("1.2"), MaxTLSVersion: to("1.3"),
		TCPKeepAliveEnable: to(true), TCPKeepAliveIntvl: to(11), TCPKeepAliveProbes: to(4), TCPKeepAliveTime: to(310),
	}
}

// compare says where what was read differs from what was sent, field by field of the same name.
func compare(sent, read any) {
	given, got := reflect.ValueOf(sent).Elem(), reflect.ValueOf(read).Elem()
	for index := range given.NumField() {
		name := given.Type().Field(index).Name
		field := given.Field(index)
		if name == "ServiceID" || name == "ServiceVersion" || field.Kind() != reflect.Pointer || field.IsNil() {
			continue
		}
		other := got.FieldByName(name)
		if !other.IsValid() || other.IsNil() {
			fail("%s was not read back", name)
		}
		if sent, read := fmt.Sprint(field.Elem()), fmt.Sprint(other.Elem()); sent != read {
			fail("%s: sent %q, read %q", name, sent, read)
		}
	}
}

func main() {
	if len(os.Args) != 4 {
		fail("usage: go-fastly BASE_URL CERTIFICATE KEY")
	}
	certificate, key := string(must(os.ReadFile(os.Args[2]))), string(must(os.ReadFile(os.Args[3])))
	client := must(fastly.NewClientForEndpoint("terraform", os.Args[1]))

	service := must(client.CreateService(&fastly.CreateServiceInput{Name: to("shop"), Type: to("vcl"), Comment: to("Managed by Terraform")}))
	id := *service.ServiceID
	latest := must(client.GetServiceDetails(&fastly.GetServiceInput{ServiceID: id}))
	version := *latest.Version.Number
	fmt.Println("created", version)

	must(client.UpdateVersion(&fastly.UpdateVersionInput{ServiceID: id, ServiceVersion: version, Comment: to("first")}))
	must(client.CreateDomain(&fastly.CreateDomainInput{ServiceID: id, ServiceVersion: version, Name: to("shop.example.com"), Comment: to("d")}))
	must(client.CreateHealthCheck(&fastly.CreateHealthCheckInput{
		ServiceID: id, ServiceVersion: version, Name: to("up"), Host: to("up.example.com"), Path: to("/up"), Method: to("GET"),
		HTTPVersion: to("1.1"), CheckInterval: to(5000), ExpectedResponse: to(200), Initial: to(2), Threshold: to(3), Timeout: to(2500), Window: to(5),
		Headers: &[]string{"Foo: Bar"},
	}))
	must(client.CreateCondition(&fastly.CreateConditionInput{
		ServiceID: id, ServiceVersion: version, Name: to("api only"), Type: to("REQUEST"), Priority: to(10), Statement: to(`req.url ~ "^/api/"`),
	}))
	sent := every(id, version, certificate, key)
	made := must(client.CreateBackend(sent))
	compare(sent, made)
	plain := &fastly.CreateBackendInput{ServiceID: id, ServiceVersion: version, Name: to("plain"), Address: to("192.0.2.7"), Port: to(80)}
	must(client.CreateBackend(plain))
	must(client.CreateHeader(&fastly.CreateHeaderInput{
		ServiceID: id, ServiceVersion: version, Name: to("server"), Action: to(fastly.HeaderActionDelete),
		Type: to(fastly.HeaderTypeResponse), Destination: to("http.Server"), Priority: to(100),
	}))
	must(client.CreateRequestSetting(&fastly.CreateRequestSettingInput{ServiceID: id, ServiceVersion: version, Name: to("tls"), ForceSSL: yes()}))
	must(client.CreateResponseObject(&fastly.CreateResponseObjectInput{
		ServiceID: id, ServiceVersion: version, Name: to("robots"), Status: to(200), Response: to("OK"), Content: to("none"), ContentType: to("text/plain"),
		RequestCondition: to("api only"),
	}))
	must(client.CreateGzip(&fastly.CreateGzipInput{ServiceID: id, ServiceVersion: version, Name: to("g"), ContentTypes: to("text/html"), Extensions: to("css")}))
	must(client.UpdateSettings(&fastly.UpdateSettingsInput{ServiceID: id, ServiceVersion: version, DefaultHost: to(""), DefaultTTL: to(uint(3600))}))
	fmt.Println("parts made")

	// What a refresh of the state reads.
	backends := must(client.ListBackends(&fastly.ListBackendsInput{ServiceID: id, ServiceVersion: version}))
	if len(backends) != 2 {
		fail("there are %d backends", len(backends))
	}
	for _, backend := range backends {
		if *backend.Name == "origin one" {
			compare(sent, backend)
		} else {
			compare(plain, backend)
		}
	}
	expect := func(what string, found, wanted int) {
		if found != wanted {
			fail("%d %s, and not %d", found, what, wanted)
		}
	}
	expect("domains", len(must(client.ListDomains(&fastly.ListDomainsInput{ServiceID: id, ServiceVersion: version}))), 1)
	expect("healthchecks", len(must(client.ListHealthChecks(&fastly.ListHealthChecksInput{ServiceID: id, ServiceVersion: version}))), 1)
	expect("conditions", len(must(client.ListConditions(&fastly.ListConditionsInput{ServiceID: id, ServiceVersion: version}))), 1)
	expect("headers", len(must(client.ListHeaders(&fastly.ListHeadersInput{ServiceID: id, ServiceVersion: version}))), 1)
	expect("request settings", len(must(client.ListRequestSettings(&fastly.ListRequestSettingsInput{ServiceID: id, ServiceVersion: version}))), 1)
	expect("response objects", len(must(client.ListResponseObjects(&fastly.ListResponseObjectsInput{ServiceID: id, ServiceVersion: version}))), 1)
	expect("gzips", len(must(client.ListGzips(&fastly.ListGzipsInput{ServiceID: id, ServiceVersion: version}))), 1)
	expect("cache settings", len(must(client.ListCacheSettings(&fastly.ListCacheSettingsInput{ServiceID: id, ServiceVersion: version}))), 0)
	expect("directors", len(must(client.ListDirectors(&fastly.ListDirectorsInput{ServiceID: id, ServiceVersion: version}))), 0)
	expect("vcls", len(must(client.ListVCLs(&fastly.ListVCLsInput{ServiceID: id, ServiceVersion: version}))), 0)
	expect("snippets", len(must(client.ListSnippets(&fastly.ListSnippetsInput{ServiceID: id, ServiceVersion: version}))), 0)
	expect("ACLs", len(must(client.ListACLs(&fastly.ListACLsInput{ServiceID: id, ServiceVersion: version}))), 0)
	expect("dictionaries", len(must(client.ListDictionaries(&fastly.ListDictionariesInput{ServiceID: id, ServiceVersion: version}))), 0)
	expect("S3 endpoints", len(must(client.ListS3s(&fastly.ListS3sInput{ServiceID: id, ServiceVersion: version}))), 0)
	expect("syslogs", len(must(client.ListSyslogs(&fastly.ListSyslogsInput{ServiceID: id, ServiceVersion: version}))), 0)
	expect("HTTPS endpoints", len(must(client.ListHTTPS(&fastly.ListHTTPSInput{ServiceID: id, ServiceVersion: version}))), 0)
	if ttl := must(client.GetSettings(&fastly.GetSettingsInput{ServiceID: id, ServiceVersion: version})).DefaultTTL; ttl == nil || *ttl != 3600 {
		fail("the default TTL is not as it was set")
	}
	fmt.Println("read back")

	activate := func(number int) {
		ok, message, err := client.ValidateVersion(&fastly.ValidateVersionInput{ServiceID: id, ServiceVersion: number})
		check(err)
		if !ok {
			fail("version %d is not valid: %s", number, message)
		}
		must(client.ActivateVersion(&fastly.ActivateVersionInput{ServiceID: id, ServiceVersion: number}))
		active := must(client.GetServiceDetails(&fastly.GetServiceInput{ServiceID: id})).ActiveVersion
		if active == nil || *active.Number != number {
			fail("version %d is not the active one", number)
		}
	}
	activate(version)
	fmt.Println("activated", version)

	second := *must(client.CloneVersion(&fastly.CloneVersionInput{ServiceID: id, ServiceVersion: version})).Number
	changed := must(client.UpdateBackend(&fastly.UpdateBackendInput{
		ServiceID: id, ServiceVersion: second, Name: "origin one", NewName: to("origin two"), MaxConn: to(20), HealthCheck: to(""),
	}))
	if *changed.Name != "origin two" || *changed.MaxConn != 20 || changed.HealthCheck != nil && *changed.HealthCheck != "" {
		fail("the backend is not as it was changed: %+v", changed)
	}
	_, err := client.UpdateBackend(&fastly.UpdateBackendInput{ServiceID: id, ServiceVersion: version, Name: "plain", MaxConn: to(1)})
	var refused *fastly.HTTPError
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusUnprocessableEntity {
		fail("a version that is locked was changed, or refused otherwise: %v", err)
	}
	activate(second)
	activate(version)
	fmt.Println("changed and rolled back")

	if err := client.DeleteService(&fastly.DeleteServiceInput{ServiceID: id}); err == nil {
		fail("a service with an active version was deleted")
	}
	must(client.DeactivateVersion(&fastly.DeactivateVersionInput{ServiceID: id, ServiceVersion: version}))
	check(client.DeleteService(&fastly.DeleteServiceInput{ServiceID: id}))
	if _, err := client.GetServiceDetails(&fastly.GetServiceInput{ServiceID: id}); err == nil {
		fail("the service is still there")
	}
	fmt.Println("gone")
}
