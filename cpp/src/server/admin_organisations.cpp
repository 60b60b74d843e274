#include <nlohmann/json.hpp>

#include "server/admin_body.h"
#include "server/admin_routes.h"
#include "server/parameters.h"
#include "server/replies.h"
#include "server/service.h"
#include "wire/event_json.h"

// Organisations and the keys to them.
namespace eventlens::server {

namespace {

using nlohmann::json;

Reply list_organisations(Service& service, const Caller&, const Request&) {
    json items = json::array();
    for (const Organisation& organisation : service.catalog().organisations())
        items.push_back(wire::organisation_item(organisation));
    return success("Organisations", {{"organisations", items}});
}

Reply create_organisation(Service& service, const Caller&, const Request& request) {
    std::string name;
    std::vector<std::string> origins;
    read_body(request, [&](wire::Fields& fields) {
        fields.require("name");
        fields.text("name", name);
        fields.texts("cors_origins", origins);
    });
    const OrganisationId id = service.catalog().create_organisation(name, origins);
    return success("Organisation created", wire::organisation_item(service.catalog().organisation(id)));
}

Reply one_organisation(Service& service, const Caller&, const Request& request) {
    const OrganisationId id = path_integer(request, "org_id");
    return success("Organisation", wire::organisation_item(service.catalog().organisation(id)));
}

Reply change_organisation(Service& service, const Caller&, const Request& request) {
    const OrganisationId id = path_integer(request, "org_id");
    Organisation organisation = service.catalog().organisation(id);
    read_body(request, [&](wire::Fields& fields) {
        fields.text("name", organisation.name);
        fields.texts("cors_origins", organisation.cors_origins);
    });
    service.catalog().update_organisation(id, organisation.name, organisation.cors_origins);
    return success("Organisation changed", wire::organisation_item(service.catalog().organisation(id)));
}

Reply list_keys(Service& service, const Caller&, const Request& request) {
    json items = json::array();
    for (const ApiKey& key : service.catalog().keys(path_integer(request, "org_id")))
        items.push_back(wire::key_item(key));
    return success("Keys", {{"keys", items}});
}

// The only answer that a key is ever in.
Reply create_key(Service& service, const Caller&, const Request& request) {
    const OrganisationId organisation = path_integer(request, "org_id");
    std::string name;
    std::string creator;
    read_body(request, [&](wire::Fields& fields) {
        fields.text_or_null("name", name);
        fields.text_or_null("creator", creator);
    });
    const NewKey made = service.catalog().create_key(organisation, name, creator);
    json item = wire::key_item(service.catalog().key(made.id));
    item["key"] = made.key;
    return success("Key created; it is not shown again", item);
}

Reply change_key(Service& service, const Caller&, const Request& request) {
    const KeyId id = path_integer(request, "key_id");
    bool active = service.catalog().key(id).active;
    read_body(request, [&](wire::Fields& fields) {
        fields.require("active");
        fields.flag("active", active);
    });
    service.catalog().set_key_active(id, active);
    return success(active ? "Key is active" : "Key is inactive", wire::key_item(service.catalog().key(id)));
}

Reply delete_key(Service& service, const Caller&, const Request& request) {
    const KeyId id = path_integer(request, "key_id");
    service.catalog().remove_key(id);
    return success("Key deleted", {{"key_id", id}});
}

}  // namespace

std::vector<Route> admin_organisation_routes() {
    const std::string all = "/api/v1/admin/organisations";
    const std::string one = all + "/{org_id}";
    const std::string key = "/api/v1/admin/keys/{key_id}";
    const auto route = [](const char* method, const std::string& pattern, Handler handler) {
        return Route{
            .method = method, .pattern = pattern, .handler = std::move(handler), .gate = Gate::administrator};
    };
    return {route("GET", all, list_organisations),  route("POST", all, create_organisation),
            route("GET", one, one_organisation),    route("PATCH", one, change_organisation),
            route("GET", one + "/keys", list_keys), route("POST", one + "/keys", create_key),
            route("PATCH", key, change_key),        route("DELETE", key, delete_key)};
}

}  // namespace eventlens::server
