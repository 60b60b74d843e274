#include <array>

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "server/admin_body.h"
#include "server/admin_routes.h"
#include "server/parameters.h"
#include "server/replies.h"
#include "server/service.h"
#include "wire/work_json.h"

// Webhooks and what they were told. The WebhookSender tells them.
namespace eventlens::server {

namespace {

using nlohmann::json;

std::string make_secret() {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<std::byte, 32> random{};
    fill_random(random);
    std::string secret;
    for (const std::byte byte : random) {
        secret += digits[std::to_integer<std::size_t>(byte >> 4)];
        secret += digits[std::to_integer<std::size_t>(byte & std::byte{0xf})];
    }
    return secret;
}

Reply list_webhooks(Service& service, const Caller&, const Request& request) {
    json items = json::array();
    for (const Webhook& webhook : service.catalog().webhooks(path_integer(request, "org_id")))
        items.push_back(wire::webhook_item(webhook));
    return success("Webhooks", {{"webhooks", items}});
}

Reply create_webhook(Service& service, const Caller&, const Request& request) {
    const OrganisationId organisation = path_integer(request, "org_id");
    std::string url;
    std::vector<std::string> kinds(webhook_kinds.begin(), webhook_kinds.end());
    read_body(request, [&](wire::Fields& fields) {
        fields.require("url");
        fields.text("url", url);
        fields.texts("kinds", kinds);
    });
    const std::string secret = make_secret();
    const WebhookId id = service.catalog().add_webhook(organisation, url, secret, kinds);
    json item = wire::webhook_item(service.catalog().webhook(id));
    item["secret"] = secret;
    return success("Webhook created; its secret is not shown again", item);
}

Reply change_webhook(Service& service, const Caller&, const Request& request) {
    const WebhookId id = path_integer(request, "webhook_id");
    Webhook webhook = service.catalog().webhook(id);
    read_body(request, [&](wire::Fields& fields) {
        fields.text("url", webhook.url);
        fields.texts("kinds", webhook.kinds);
        fields.flag("active", webhook.active);
    });
    service.catalog().update_webhook(id, webhook.url, webhook.kinds, webhook.active);
    service.wake_webhooks();
    return success("Webhook changed", wire::webhook_item(service.catalog().webhook(id)));
}

Reply delete_webhook(Service& service, const Caller&, const Request& request) {
    const WebhookId id = path_integer(request, "webhook_id");
    service.catalog().remove_webhook(id);
    return success("Webhook deleted", {{"webhook_id", id}});
}

Reply list_deliveries(Service& service, const Caller&, const Request& request) {
    json items = json::array();
    for (const WebhookDelivery& delivery :
         service.catalog().webhook_deliveries(path_integer(request, "webhook_id")))
        items.push_back(wire::delivery_item(delivery));
    return success("Deliveries, the latest hundred", {{"deliveries", items}});
}

Reply test_webhook(Service& service, const Caller&, const Request& request) {
    const WebhookDelivery ping = service.catalog().add_ping(path_integer(request, "webhook_id"));
    service.wake_webhooks();
    return success("A ping is on its way: see the deliveries", wire::delivery_item(ping));
}

}  // namespace

std::vector<Route> admin_webhook_routes() {
    const std::string of_organisation = "/api/v1/admin/organisations/{org_id}/webhooks";
    const std::string one = "/api/v1/admin/webhooks/{webhook_id}";
    const auto route = [](const char* method, const std::string& pattern, Handler handler) {
        return Route{
            .method = method, .pattern = pattern, .handler = std::move(handler), .gate = Gate::administrator};
    };
    return {route("GET", of_organisation, list_webhooks),
            route("POST", of_organisation, create_webhook),
            route("PATCH", one, change_webhook),
            route("DELETE", one, delete_webhook),
            route("GET", one + "/deliveries", list_deliveries),
            route("POST", one + "/test", test_webhook)};
}

}  // namespace eventlens::server
