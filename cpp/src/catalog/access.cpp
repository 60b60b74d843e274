#include <algorithm>
#include <cctype>

#include "base/random.h"
#include "base/sha256.h"
#include "catalog/catalog_impl.h"

// Organisations and the keys that open a server to them.
namespace eventlens {

namespace {

constexpr std::size_t max_name_characters = 1000;
constexpr std::size_t max_origins = 100;
constexpr std::size_t max_origin_bytes = 300;

// UTF-8: a character begins with every byte that continues none.
std::size_t characters_in(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

// As browsers send it: a scheme, a host and perhaps a port, and nothing behind.
bool is_origin(std::string_view origin) {
    if (origin == "*") return true;
    if (origin.size() > max_origin_bytes) return false;
    const std::size_t end_of_scheme = origin.find("://");
    if (end_of_scheme == 0 || end_of_scheme == std::string_view::npos) return false;
    const std::string_view scheme = origin.substr(0, end_of_scheme);
    const std::string_view host = origin.substr(end_of_scheme + 3);
    const auto is_part_of_scheme = [](unsigned char c) {
        return std::isalnum(c) || c == '+' || c == '-' || c == '.';
    };
    const auto is_part_of_host = [](unsigned char c) {
        return c > ' ' && c < 127 &&
               std::string_view("/?#@,\\").find(static_cast<char>(c)) == std::string_view::npos;
    };
    return std::ranges::all_of(scheme, is_part_of_scheme) && !host.empty() &&
           std::ranges::all_of(host, is_part_of_host);
}

std::string joined(std::span<const std::string> origins) {
    if (origins.size() > max_origins)
        throw Error(ErrorCode::bad_input, "an organisation has at most 100 origins");
    std::string lines;
    for (const std::string& origin : origins) {
        if (!is_origin(origin)) {
            throw Error(ErrorCode::bad_input,
                        "\"" + origin.substr(0, 80) + "\" is no origin like https://photos.example.org");
        }
        lines += origin + '\n';
    }
    return lines;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t start = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
        lines.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return lines;
}

void require_free_name(sqlite::Database& database, const std::string& name, OrganisationId by_other_than) {
    require_name(name, "an organisation");
    if (database.query("SELECT 1 FROM organisations WHERE name = ? AND id <> ?", name, by_other_than).step())
        throw Error(ErrorCode::bad_input, "there is an organisation named \"" + name + "\" already");
}

// Ends where a condition may follow.
#define EVENTLENS_SELECT_ORGANISATION \
    "SELECT id, name, billable_searches, cors_origins, created FROM organisations"
#define EVENTLENS_SELECT_KEY \
    "SELECT id, organisation, hash, shown, name, creator, active, created FROM api_keys"

Organisation organisation_at(const sqlite::Query& row) {
    return {.id = row.integer(0),
            .name = row.text(1),
            .billable_searches = row.integer(2),
            .cors_origins = lines_of(row.text(3)),
            .created = row.integer(4)};
}

ApiKey key_at(const sqlite::Query& row) {
    ApiKey key{.id = row.integer(0),
               .organisation = row.integer(1),
               .hash = {},
               .shown = row.text(3),
               .name = row.text(4),
               .creator = row.text(5),
               .active = row.integer(6) != 0,
               .created = row.integer(7)};
    const auto hash = row.blob(2);
    if (hash.size() != key.hash.size()) throw Error(ErrorCode::bad_input, "catalog: a stored key is damaged");
    std::ranges::copy(hash, key.hash.begin());
    return key;
}

constexpr std::size_t key_characters = 40;
constexpr std::size_t shown_characters = 5;

// 238 bits.
std::string random_key() {
    constexpr std::string_view characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    constexpr std::size_t evenly = 256 / characters.size() * characters.size();  // more would favour some
    std::string key;
    std::array<std::byte, key_characters> random{};
    while (key.size() < key_characters) {
        fill_random(random);
        for (const std::byte byte : random) {
            const auto number = std::to_integer<std::size_t>(byte);
            if (number < evenly && key.size() < key_characters) key += characters[number % characters.size()];
        }
    }
    return key;
}

std::vector<ApiKey> keys_of(sqlite::Query row) {
    std::vector<ApiKey> keys;
    while (row.step()) keys.push_back(key_at(row));
    return keys;
}

}  // namespace

KeyHash hash_of_key(std::string_view key) {
    return sha256(bytes_of(key));
}

void require_name(const std::string& name, const char* of_what) {
    if (name.empty() || characters_in(name) > max_name_characters) {
        throw Error(ErrorCode::bad_input, std::string(of_what) + " needs a name of 1 to 1000 characters");
    }
}

void require_organisation(sqlite::Database& database, OrganisationId organisation) {
    if (!database.query("SELECT 1 FROM organisations WHERE id = ?", organisation).step())
        throw_not_found("organisation", organisation);
}

OrganisationId Catalog::create_organisation(const std::string& name,
                                            std::span<const std::string> cors_origins) {
    const std::string origins = joined(cors_origins);
    auto write = impl_->write();
    require_free_name(write.database(), name, 0);
    write->run("INSERT INTO organisations(name, cors_origins, created) VALUES (?, ?, ?)", name, origins,
               now_milliseconds());
    const auto id = write->last_insert_id();
    write.commit();
    return id;
}

void Catalog::update_organisation(OrganisationId organisation, const std::string& name,
                                  std::span<const std::string> cors_origins) {
    const std::string origins = joined(cors_origins);
    auto write = impl_->write();
    require_organisation(write.database(), organisation);
    require_free_name(write.database(), name, organisation);
    write->run("UPDATE organisations SET name = ?, cors_origins = ? WHERE id = ?", name, origins,
               organisation);
    write.commit();
}

std::vector<Organisation> Catalog::organisations() const {
    const auto read = impl_->read();
    std::vector<Organisation> all;
    auto row = read->query(EVENTLENS_SELECT_ORGANISATION " ORDER BY id");
    while (row.step()) all.push_back(organisation_at(row));
    return all;
}

Organisation Catalog::organisation(OrganisationId organisation) const {
    const auto read = impl_->read();
    auto row = read->query(EVENTLENS_SELECT_ORGANISATION " WHERE id = ?", organisation);
    if (!row.step()) throw_not_found("organisation", organisation);
    return organisation_at(row);
}

KeyId Catalog::add_key(OrganisationId organisation, const KeyHash& hash, const std::string& shown,
                       const std::string& name, const std::string& creator) {
    auto write = impl_->write();
    require_organisation(write.database(), organisation);
    if (characters_in(name) > max_name_characters || characters_in(creator) > max_name_characters)
        throw Error(ErrorCode::bad_input, "a key's name and creator have at most 1000 characters");
    {
        auto row = write->query("SELECT count(*) FROM api_keys WHERE organisation = ?", organisation);
        row.step();
        if (row.integer(0) >= std::int64_t{most_keys}) {
            throw Error(ErrorCode::bad_input,
                        "the organisation has ten keys already; delete one that is not used any more");
        }
    }
    const std::span<const std::byte> digest(hash);
    if (write->query("SELECT 1 FROM api_keys WHERE hash = ?", digest).step())
        throw Error(ErrorCode::bad_input, "there is this key already");
    write->run(
        "INSERT INTO api_keys(organisation, hash, shown, name, creator, created) VALUES (?, ?, ?, ?, ?, ?)",
        organisation, digest, shown, name, creator, now_milliseconds());
    const auto id = write->last_insert_id();
    write.commit();
    return id;
}

NewKey Catalog::create_key(OrganisationId organisation, const std::string& name, const std::string& creator) {
    const std::string key = random_key();
    return {add_key(organisation, hash_of_key(key), key.substr(0, shown_characters), name, creator), key};
}

ApiKey Catalog::key(KeyId key) const {
    const auto read = impl_->read();
    auto row = read->query(EVENTLENS_SELECT_KEY " WHERE id = ?", key);
    if (!row.step()) throw_not_found("key", key);
    return key_at(row);
}

std::vector<ApiKey> Catalog::keys(OrganisationId organisation) const {
    const auto read = impl_->read();
    require_organisation(read.database(), organisation);
    return keys_of(read->query(EVENTLENS_SELECT_KEY " WHERE organisation = ? ORDER BY id", organisation));
}

std::vector<ApiKey> Catalog::keys() const {
    const auto read = impl_->read();
    return keys_of(read->query(EVENTLENS_SELECT_KEY " ORDER BY id"));
}

#undef EVENTLENS_SELECT_ORGANISATION
#undef EVENTLENS_SELECT_KEY

void Catalog::set_key_active(KeyId key, bool active) {
    auto write = impl_->write();
    write->run("UPDATE api_keys SET active = ? WHERE id = ?", active, key);
    if (write->changes() == 0) throw_not_found("key", key);
    write.commit();
}

void Catalog::remove_key(KeyId key) {
    auto write = impl_->write();
    write->run("DELETE FROM api_keys WHERE id = ?", key);
    if (write->changes() == 0) throw_not_found("key", key);
    write.commit();
}

std::int64_t Catalog::access_counter() const {
    const auto read = impl_->read();
    auto row = read->query("SELECT counter FROM access");
    row.step();
    return row.integer(0);
}

}  // namespace eventlens
