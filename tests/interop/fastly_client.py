"""PyPI's fastly against a control plane: every answer is read into its models, which refuse what has another shape."""

import sys

import fastly
from fastly.model.acl_entry import AclEntry
from fastly.api import (
    acl_api, acl_entry_api, backend_api, cache_settings_api, condition_api, dictionary_api, dictionary_item_api,
    director_api, director_backend_api, domain_api, gzip_api, header_api, healthcheck_api, logging_s3_api,
    logging_syslog_api, pop_api, purge_api, request_settings_api, response_object_api, service_api, settings_api,
    snippet_api, tokens_api, vcl_api, version_api,
)

configuration = fastly.Configuration(host=sys.argv[1])
configuration.api_token = "t"

with fastly.ApiClient(configuration) as client:
    services = service_api.ServiceApi(client)
    service = services.create_service(name="python", comment="of the SDK", type="vcl")
    here = {"service_id": service.id, "version_id": 1}
    assert services.list_services(page=1, per_page=10)[0].name == "python"
    assert services.search_service("python").id == service.id

    domains = domain_api.DomainApi(client)
    domains.create_domain(name="python.example", **here)
    assert domains.get_domain(domain_name="python.example", **here).version == 1
    domains.list_domains(**here)
    assert domains.check_domains(**here)

    checks = healthcheck_api.HealthcheckApi(client)
    check = checks.create_healthcheck(name="hc", host="python.example", headers=["Foo: Bar"], **here)
    assert check.headers == ["Foo: Bar"] and check.initial == 2, check

    conditions = condition_api.ConditionApi(client)
    condition = conditions.create_condition(name="is api", type="REQUEST", statement='req.url ~ "^/api/"', **here)
    assert condition.priority == "100", condition
    conditions.create_condition(name="late", type="RESPONSE", statement="resp.status == 500", **here)

    backends = backend_api.BackendApi(client)
    backend = backends.create_backend(name="origin 1/a", address="127.0.0.1", port=443, healthcheck="hc", **here)
    assert backend.use_ssl and backend.ipv4 == "127.0.0.1" and backend.hostname is None, backend
    backends.create_backend(name="api", address="api.example", request_condition="is api", ssl_check_cert=False,
                            auto_loadbalance=True, weight=7, tcp_keepalive_enable=True, **here)
    changed = backends.update_backend(backend_name="origin 1/a", override_host="www.example", max_conn=5, **here)
    assert changed.override_host == "www.example" and changed.max_conn == 5, changed
    assert backends.get_backend(backend_name="api", **here).ssl_check_cert is False
    assert len(backends.list_backends(**here)) == 2

    # The SDK's model of a director has backends where the API tells their names: real answers cannot be read with it either.
    directors = director_api.DirectorApi(client)
    director = directors.create_director(name="all", quorum=50, **here)
    assert director.quorum == 50 and director.type == 1, director
    members = director_backend_api.DirectorBackendApi(client)
    member = members.create_director_backend(director_name="all", backend_name="api", **here)
    assert member.backend_name == "api", member
    assert members.delete_director_backend(director_name="all", backend_name="api", **here).status == "ok"

    header_api.HeaderApi(client).create_header_object(
        name="HSTS", action="set", type="response", dst="http.Strict-Transport-Security", src='"max-age=300"', **here)
    assert header_api.HeaderApi(client).list_header_objects(**here)[0].ignore_if_set == "0"
    # The SDK's own call for this sends no fields at all.
    client.call_api(f"/service/{service.id}/version/1/request_settings", "POST", auth_settings=["token"],
                    header_params={"Content-Type": "application/x-www-form-urlencoded"},
                    post_params=[("name", "tls"), ("force_ssl", "1")])
    assert request_settings_api.RequestSettingsApi(client).list_request_settings(**here)[0].force_ssl == "1"
    response_object_api.ResponseObjectApi(client).create_response_object(
        create_response_object_request={"name": "robots", "content": "User-agent: *", "request_condition": "is api"},
        **here)
    assert response_object_api.ResponseObjectApi(client).list_response_objects(**here)[0].status == "200"
    gzip_api.GzipApi(client).create_gzip_config(name="g", content_types="text/html", **here)
    gzip_api.GzipApi(client).list_gzip_configs(**here)
    cache_settings_api.CacheSettingsApi(client).create_cache_settings(name="c", action="pass", **here)
    cache_settings_api.CacheSettingsApi(client).list_cache_settings(**here)
    assert vcl_api.VclApi(client).list_custom_vcl(**here) == []
    snippets = snippet_api.SnippetApi(client)
    snippets.create_snippet(name="s", type="recv", dynamic="0", content="esi;", priority="10", **here)
    assert snippets.list_snippets(**here)[0].priority == "10"
    logging_s3_api.LoggingS3Api(client).create_log_aws_s3(name="s3", bucket_name="b", response_condition="late", **here)
    logging_s3_api.LoggingS3Api(client).list_log_aws_s3(**here)
    logging_syslog_api.LoggingSyslogApi(client).create_log_syslog(name="sys", address="127.0.0.1", port=514, **here)
    assert logging_syslog_api.LoggingSyslogApi(client).list_log_syslog(**here)[0].port == 514

    acl = acl_api.AclApi(client).create_acl(name="blocked", **here)
    entries = acl_entry_api.AclEntryApi(client)
    entries.create_acl_entry(service_id=service.id, acl_id=acl.id,
                             acl_entry=AclEntry(ip="10.0.0.9", negated=0))
    assert entries.list_acl_entries(service_id=service.id, acl_id=acl.id)[0].ip == "10.0.0.9"
    dictionary = dictionary_api.DictionaryApi(client).create_dictionary(name="words", **here)
    items = dictionary_item_api.DictionaryItemApi(client)
    items.create_dictionary_item(service_id=service.id, dictionary_id=dictionary.id, item_key="a", item_value="b")
    items.upsert_dictionary_item(service_id=service.id, dictionary_id=dictionary.id, dictionary_item_key="a",
                                 item_key="a", item_value="c")
    assert items.list_dictionary_items(service_id=service.id, dictionary_id=dictionary.id)[0].item_value == "c"

    settings = settings_api.SettingsApi(client)
    settings.update_service_settings(general_default_ttl=60, **here)
    settings.get_service_settings(**here)

    versions = version_api.VersionApi(client)
    assert versions.validate_service_version(**here).status == "ok"
    assert versions.activate_service_version(**here).active
    try:
        backends.create_backend(name="late", address="127.0.0.1", **here)
        raise AssertionError("a locked version was changed")
    except fastly.ApiException as error:
        assert error.status == 422, error
    clone = versions.clone_service_version(**here)
    assert clone.number == 2 and not clone.locked, clone
    versions.update_service_version(service_id=service.id, version_id=2, comment="second")
    assert versions.activate_service_version(service_id=service.id, version_id=2).active
    assert versions.activate_service_version(service_id=service.id, version_id=1).active, "and back"
    assert [version.active for version in versions.list_service_versions(service.id)] == [True, False]
    detail = services.get_service_detail(service.id)
    assert detail.active_version.number == 1 and len(detail.active_version.backends) == 2, detail
    assert purge_api.PurgeApi(client).purge_all(service.id).status == "ok"
    assert pop_api.PopApi(client).list_pops() == []
    assert tokens_api.TokensApi(client).get_token_current().scope == "global"
    versions.deactivate_service_version(**here)
    assert services.delete_service(service.id).status == "ok"
