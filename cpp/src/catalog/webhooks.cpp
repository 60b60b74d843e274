#include "catalog/webhooks.h"

#include <algorithm>
#include <sstream>

#include "base/uuid.h"
#include "catalog/catalog_impl.h"
#include "catalog/rows.h"

// Who is told of what, and the queue of what they are told.
namespace eventlens {

namespace {

constexpr std::size_t longest_url = 2000;

void check_url(const std::string& url) {
    const bool web = url.starts_with("https://") || url.starts_with("http://");
    const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
    if (!web || url.size() > longest_url || !std::ranges::all_of(url, printable))
        throw Error(ErrorCode::bad_input, "a webhook's URL must begin with https:// or http://");
    const std::size_t host = url.find("//") + 2;
    const std::string authority = url.substr(host, url.find_first_of("/?#", host) - host);
    if (authority.empty() || authority.find('@') != std::string::npos)
        throw Error(ErrorCode::bad_input, "a webhook's URL must name a host, and hold no credentials");
}

std::string checked_kinds(std::span<const std::string> kinds) {
    if (kinds.empty()) throw Error(ErrorCode::bad_input, "a webhook must be told of something");
    std::string all;
    for (const std::string_view known : webhook_kinds) {
        if (std::ranges::find(kinds, known) != kinds.end()) all.append(all.empty() ? "" : " ").append(known);
    }
    for (const std::string& kind : kinds) {
        if (std::ranges::find(webhook_kinds, kind) == webhook_kinds.end())
            throw Error(ErrorCode::bad_input, "webhooks are not told of \"" + kind + "\"");
    }
    return all;
}

constexpr std::string_view select_webhook =
    "SELECT id, organisation, url, secret, kinds, active, created FROM webhooks WHERE ";

Webhook webhook_at(const sqlite::Query& row) {
    Webhook webhook{.id = row.integer(0),
                    .organisation = row.integer(1),
                    .url = row.text(2),
                    .secret = row.text(3),
                    .active = row.integer(5) != 0,
                    .created = row.integer(6)};
    std::istringstream kinds(row.text(4));
    for (std::string kind; kinds >> kind;) webhook.kinds.push_back(kind);
    return webhook;
}

constexpr std::string_view select_delivery =
    "SELECT d.id, d.uuid, d.webhook, d.kind, d.payload, d.created, d.attempts, d.next_try, d.delivered,"
    " d.last_status, d.last_error, w.url, w.secret FROM webhook_deliveries d JOIN webhooks w ON w.id = "
    "d.webhook"
    " WHERE ";

WebhookDelivery delivery_at(const sqlite::Query& row) {
    WebhookDelivery delivery{.id = row.integer(0),
                             .uuid = uuid_at(row, 1),
                             .webhook = row.integer(2),
                             .kind = row.text(3),
                             .payload = row.text(4),
                             .created = row.integer(5),
                             .attempts = static_cast<int>(row.integer(6)),
                             .next_try = row.maybe_integer(7),
                             .delivered = row.maybe_integer(8)};
    if (const auto status = row.maybe_integer(9)) delivery.last_status = static_cast<int>(*status);
    delivery.last_error = row.text(10);
    return delivery;
}

std::string sql(std::string_view select, std::string_view condition) {
    return std::string(select).append(condition);
}

Webhook find_webhook(sqlite::Database& database, WebhookId webhook) {
    auto row = database.query(sql(select_webhook, "id = ?"), webhook);
    if (!row.step()) throw_not_found("webhook", webhook);
    return webhook_at(row);
}

// Returns its id.
std::int64_t enqueue(sqlite::Database& database, const Webhook& webhook, std::string_view kind,
                     const std::string& data) {
    const Uuid uuid = make_uuid();
    const auto now = now_milliseconds();
    const std::string payload = R"({"id":")" + uuid_text(uuid) + R"(","type":")" + std::string(kind) +
                                R"(","created":)" + std::to_string(now / 1000) + R"(,"organisation_id":)" +
                                std::to_string(webhook.organisation) + R"(,"data":)" + data + "}";
    database.run(
        "INSERT INTO webhook_deliveries(uuid, webhook, kind, payload, created, next_try) VALUES (?, ?, ?, ?, "
        "?, ?)",
        std::as_bytes(std::span(uuid)), webhook.id, kind, payload, now, now);
    return database.last_insert_id();
}

}  // namespace

void enqueue_deliveries(sqlite::Database& database, EventId event, std::string_view kind,
                        const std::string& data) {
    std::vector<Webhook> all;
    {
        auto row = database.query(
            sql(select_webhook, "active AND organisation = (SELECT organisation FROM events WHERE id = ?)"),
            event);
        while (row.step()) all.push_back(webhook_at(row));
    }
    for (const Webhook& webhook : all) {
        if (std::ranges::find(webhook.kinds, kind) != webhook.kinds.end())
            enqueue(database, webhook, kind, data);
    }
}

WebhookId Catalog::add_webhook(OrganisationId organisation, const std::string& url, const std::string& secret,
                               std::span<const std::string> kinds) {
    check_url(url);
    const std::string wanted = checked_kinds(kinds);
    if (secret.empty()) throw Error(ErrorCode::bad_input, "a webhook without a secret");
    auto write = impl_->write();
    require_organisation(write.database(), organisation);
    {
        auto row = write->query("SELECT count(*) FROM webhooks WHERE organisation = ?", organisation);
        row.step();
        if (row.integer(0) >= static_cast<std::int64_t>(most_webhooks))
            throw Error(ErrorCode::bad_input, "an organisation can have ten webhooks at most");
    }
    write->run("INSERT INTO webhooks(organisation, url, secret, kinds, created) VALUES (?, ?, ?, ?, ?)",
               organisation, url, secret, wanted, now_milliseconds());
    const WebhookId id = write->last_insert_id();
    write.commit();
    return id;
}

void Catalog::update_webhook(WebhookId webhook, const std::string& url, std::span<const std::string> kinds,
                             bool active) {
    check_url(url);
    const std::string wanted = checked_kinds(kinds);
    auto write = impl_->write();
    write->run("UPDATE webhooks SET url = ?, kinds = ?, active = ? WHERE id = ?", url, wanted, active,
               webhook);
    if (write->changes() == 0) throw_not_found("webhook", webhook);
    write.commit();
}

void Catalog::remove_webhook(WebhookId webhook) {
    auto write = impl_->write();
    write->run("DELETE FROM webhooks WHERE id = ?", webhook);
    if (write->changes() == 0) throw_not_found("webhook", webhook);
    write.commit();
}

Webhook Catalog::webhook(WebhookId webhook) const {
    return find_webhook(impl_->read().database(), webhook);
}

std::vector<Webhook> Catalog::webhooks(OrganisationId organisation) const {
    const auto read = impl_->read();
    require_organisation(read.database(), organisation);
    std::vector<Webhook> all;
    auto row = read->query(sql(select_webhook, "organisation = ? ORDER BY id"), organisation);
    while (row.step()) all.push_back(webhook_at(row));
    return all;
}

WebhookDelivery Catalog::add_ping(WebhookId webhook) {
    auto write = impl_->write();
    const std::int64_t id = enqueue(write.database(), find_webhook(write.database(), webhook), "ping", "{}");
    WebhookDelivery delivery;
    {
        auto row = write->query(sql(select_delivery, "d.id = ?"), id);
        row.step();
        delivery = delivery_at(row);
    }
    write.commit();
    return delivery;
}

std::vector<WebhookDelivery> Catalog::webhook_deliveries(WebhookId webhook, std::size_t limit) const {
    const auto read = impl_->read();
    (void)find_webhook(read.database(), webhook);
    std::vector<WebhookDelivery> all;
    auto row = read->query(sql(select_delivery, "d.webhook = ? ORDER BY d.id DESC LIMIT ?"), webhook,
                           static_cast<std::int64_t>(limit));
    while (row.step()) all.push_back(delivery_at(row));
    return all;
}

std::optional<DueDelivery> Catalog::claim_delivery(std::chrono::milliseconds lease) {
    // A ping is sent to a webhook that is switched off, too: somebody wants to know whether it works.
    const std::string due =
        sql(select_delivery, "d.next_try <= ? AND (w.active OR d.kind = 'ping') ORDER BY d.next_try LIMIT 1");
    if (!impl_->read()->query(due, now_milliseconds()).step()) return std::nullopt;
    auto write = impl_->write();
    const auto now = now_milliseconds();
    DueDelivery claimed;
    {
        auto row = write->query(due, now);
        if (!row.step()) return std::nullopt;
        claimed = {delivery_at(row), row.text(11), row.text(12)};
    }
    ++claimed.delivery.attempts;
    claimed.delivery.next_try = now + lease.count();
    write->run("UPDATE webhook_deliveries SET attempts = ?, next_try = ? WHERE id = ?",
               claimed.delivery.attempts, claimed.delivery.next_try, claimed.delivery.id);
    write.commit();
    return claimed;
}

void Catalog::deliver(std::int64_t delivery, int status) {
    auto write = impl_->write();
    write->run(
        "UPDATE webhook_deliveries SET delivered = ?, next_try = NULL, last_status = ?, last_error = ''"
        " WHERE id = ?",
        now_milliseconds(), status, delivery);
    write.commit();
}

void Catalog::put_off_delivery(std::int64_t delivery, std::optional<int> status, const std::string& error,
                               std::optional<UtcMilliseconds> next_try) {
    auto write = impl_->write();
    write->run(
        "UPDATE webhook_deliveries SET next_try = ?, last_status = ?, last_error = ?"
        " WHERE id = ? AND delivered IS NULL",
        next_try, status, error, delivery);
    write.commit();
}

std::size_t Catalog::remove_deliveries(UtcMilliseconds before) {
    if (!impl_->read()->query("SELECT 1 FROM webhook_deliveries WHERE created < ? LIMIT 1", before).step())
        return 0;
    auto write = impl_->write();
    write->run("DELETE FROM webhook_deliveries WHERE created < ?", before);
    const auto removed = static_cast<std::size_t>(write->changes());
    write.commit();
    return removed;
}

}  // namespace eventlens
